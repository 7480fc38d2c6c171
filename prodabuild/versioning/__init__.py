"""Versions of a data repo: which objects each names, push and pull, rebuild, verify, gc."""
