"""`proda.yaml`: what a data repo declares, as typed models. Knows nothing of how anything is built."""
