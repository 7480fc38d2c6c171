"""Insight: what training did to weights, and what a model makes of data whose statistics are known."""
