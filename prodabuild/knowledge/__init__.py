"""L1 concepts, L2 relations, L3 chains: their files, what must hold between them, and how recipes read them."""
