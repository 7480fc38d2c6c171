"""Versions: git and DVC, merged, compared, rebuilt."""
