"""Reports: what people read in other places than a terminal."""
