"""How a file of text is laid out: byte order mark, line ends, the end of its last line. An edit keeps all three."""

from __future__ import annotations

from typing import NamedTuple

from prodabuild.yamlio import BOM


class Layout(NamedTuple):
    """What a file begins with, what ends its lines (all of them, or LF where they differ), does the last one end."""

    mark: bytes = b""
    ending: bytes = b"\n"
    closed: bool = True

    def plain(self, data: bytes) -> bytes:
        """Return the bytes of a file laid out so with LF at the end of every line, and no mark."""
        lines = data.removeprefix(self.mark).replace(self.ending, b"\n")
        return lines if self.closed else lines + b"\n"

    def laid(self, data: bytes) -> bytes:
        """Return plain bytes laid out so."""
        lines = data if self.closed else data.removesuffix(b"\n")
        return self.mark + lines.replace(b"\n", self.ending)


def layout_of(data: bytes) -> Layout:
    """Return how a file is laid out; an empty one as those are that prodabuild writes."""
    mark = BOM if data.startswith(BOM) else b""
    text = data.removeprefix(mark)
    feeds, returns = text.count(b"\n"), text.count(b"\r")
    ending = b"\n"
    if returns and not feeds:
        ending = b"\r"
    elif returns == feeds == text.count(b"\r\n"):
        ending = b"\r\n" if feeds else ending
    return Layout(mark, ending, not text or text.endswith(ending))
