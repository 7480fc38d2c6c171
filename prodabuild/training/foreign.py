"""The one boundary to what a library makes of a stranger's file: whatever it raises there is the fault of that file.

Tokenizers raise bare exceptions and may panic in Rust; configurations raise what their classes happen to raise. A
block holds the one call into the library, and no code of this package.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from prodabuild.errors import OutsideError, ProdaError, ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 200  # characters of a library's message


@contextmanager
def reading(shown: str, hint: str) -> Iterator[None]:
    """Turn what a library raises about a file into a `ProjectError` that names it; a package it needs, `OutsideError`.

    What the operating system refuses stays as it is.
    """
    try:
        yield
    except (ProdaError, MemoryError):
        raise
    except ImportError as error:
        raise OutsideError(
            f"{shown} needs a package that is not installed: {_reason(error)}", "install it, and run the command again"
        ) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ProjectError(f"{shown} cannot be loaded: {_reason(error)}", hint) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of Rust code behind Python
            raise
        raise ProjectError(f"{shown} cannot be loaded: {_reason(error)}", hint) from error


def _reason(error: BaseException) -> str:
    """Return the first line of a message, and the one that it announces; printable and not endless."""
    first, _, rest = str(error).strip().partition("\n")
    said = f"{first} {rest.strip().partition(chr(10))[0]}" if first.endswith(":") else first or type(error).__name__
    line = "".join(sign if sign.isprintable() else " " for sign in said)
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
