"""Test suites: items made from chains, split into dev and sealed, and written as lm-eval tasks."""
