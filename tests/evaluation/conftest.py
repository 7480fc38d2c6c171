"""The small base and the repo that trains on it, for tests of what is scored."""

from tests.training.conftest import base, taught

__all__ = ["base", "taught"]
