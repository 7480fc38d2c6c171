"""Tests of the model: lm-eval runs, results item by item, statistics, and the one verdict."""
