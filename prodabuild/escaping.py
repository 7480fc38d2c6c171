"""Text of others on its way out, to a terminal, a log, Markdown, XML or JSON: the one place that escapes it.

`visible` is what all others begin with. A character that does not show, ends a line, moves the cursor or turns the
direction of its neighbours is written as `\\x1b` or `\\u202e`: a reader sees it, and no program acts on it.
`masked` hides secrets in the URLs of remotes.
"""

from __future__ import annotations

import re

# Controls, format characters (bidirectional, zero width, tags), separators of lines, surrogates, blank letters.
# Left as they are: the signs of Arabic and Syriac that stand before a number, and show.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_WORKFLOW = re.compile(r"^(\s*):(?=:)|#(?=#\[|#vso\[)")  # what a runner of workflows takes for a command
_MARKDOWN = re.compile(  # what Markdown, or GitHub after it, makes more of than words
    r"[`\[\]]|\\(?=[^\w\s])|[*$](?=\S)|~~|(?<![^\W_])_|_(?![^\W_])|[@#](?=\w)|<(?=[a-z/!?])|&(?=#?\w+;)"
    r"|:(?=//|[\w+-]+:)|www\.",
    re.IGNORECASE,
)
_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
# `user:password@`; a password may hold a slash or a blank: it ends at the last `@` before another URL.
_USER = re.compile(r"(?<=://)(?:[^/\s@:]*:(?!\d*(?:[/?\s]|$))(?:(?!://)[^\n])*|[^/\s?#]*)@")
_QUERY = re.compile(
    r"([?&;][\w.%-]*(?:tok|sig|key|pass|pwd|secret|credential|auth|session)[\w.%-]*=)[^&#\s'\"]+", re.IGNORECASE
)
_ACCOUNT = re.compile(r"((?:AccountKey|SharedAccessKey|SharedAccessSignature)=)[^;\s'\"]+", re.IGNORECASE)
HIDDEN = "***"


def visible(text: str) -> str:
    """Return a text as one line in which every character shows; others are written by their number."""
    return text if text.isprintable() and _UNSEEN.search(text) is None else _UNSEEN.sub(_number, text)


def _number(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]


def one_line(text: str) -> str:
    """Return a text of several lines as one, each run of white space a blank, made visible."""
    return visible(" ".join(text.split()))


def logged(text: str) -> str:
    """Return a line, made visible, in which a runner of workflows finds no command."""
    return _WORKFLOW.sub(lambda found: found[0][:-1] + f"\\x{ord(found[0][-1]):02x}", visible(text))


def json_text(text: str) -> str:
    """Return a JSON document whose strings hold by number what does not show: to a parser it is the same document."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _UNSEEN.sub(lambda found: found[0] if found[0] == "\n" else _json_number(found[0]), text)


def _json_number(mark: str) -> str:
    data = mark.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[at]:02x}{data[at + 1]:02x}" for at in range(0, len(data), 2))


def markdown_text(text: str) -> str:
    """Return words, in one line or cell, of which Markdown renders nothing else: those that could be more are code."""
    plain = one_line(text)
    return (markdown_code(plain) if _MARKDOWN.search(plain) else plain).replace("|", "\\|")


def markdown_code(text: str) -> str:
    """Return words as code in a line."""
    plain = one_line(text) or " "
    ticks = "`" * (max((len(run) for run in re.findall("`+", plain)), default=0) + 1)
    gap = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{ticks}{gap}{plain}{gap}{ticks}"


def markdown_block(lines: list[str], language: str = "") -> list[str]:
    """Return lines as a block of code that none of them can end."""
    shown = [visible(line) for line in lines]
    ticks = max((len(run) for line in shown for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, ticks + 1)
    return [f"{fence}{language}", *shown, fence]


def xml_text(text: str) -> str:
    """Return words for an element, or an attribute in double quotes, of XML; SVG is XML."""
    return visible(text).translate(_XML)


def masked(text: str) -> str:
    """Return a text in whose URLs nobody reads who may: user info and the values of tokens are hidden."""
    if "://" in text:
        text = _QUERY.sub(rf"\g<1>{HIDDEN}", _USER.sub(f"{HIDDEN}@", text))
    return _ACCOUNT.sub(rf"\g<1>{HIDDEN}", text) if "=" in text else text
