"""Where DVC keeps its objects: found as DVC finds it, in DVC's own configuration, without DVC."""

from __future__ import annotations

import os
from pathlib import Path

from prodabuild.errors import ProjectError
from prodabuild.paths import inside, read_regular

CONFIGS = ("config", "config.local")  # the second shadows the first


def dvc_folder(root: Path) -> Path | None:
    """Return the `.dvc` folder that a repo belongs to: its own, or that of a folder above it; no link is followed."""
    for folder in (root, *root.parents):
        if (folder / ".dvc").is_dir():
            return inside(folder, ".dvc")
        if os.path.ismount(folder):
            break
    return None


def cache_folder(dvc: Path) -> Path:
    """Return the folder of DVC's cache: `cache.dir` of the repo's configuration, else `.dvc/cache`, no link."""
    written = [found for name in CONFIGS if (found := _cache_dir(dvc / name))]
    if not written:
        return inside(dvc, "cache")
    try:
        return Path(os.path.abspath(dvc / Path(written[-1]).expanduser()))
    except RuntimeError:
        raise ProjectError(
            f"cache.dir is {written[-1]}, and there is no such home", "name the folder in full"
        ) from None


def _cache_dir(config: Path) -> str:
    data = read_regular(config) if config.exists() else b""
    if b"dir" not in data:
        return ""
    import configparser  # most repos need not wait for it

    parser = configparser.ConfigParser(
        interpolation=None, strict=False, inline_comment_prefixes=("#",), default_section="", allow_no_value=True
    )
    try:
        parser.read_string(data.decode())
    except (configparser.Error, UnicodeDecodeError, AttributeError) as error:  # a key without a value, and a line below
        raise ProjectError(f".dvc/{config.name} cannot be read", "`dvc config --list` says what is wrong") from error
    return (parser.get("cache", "dir", fallback="") or "").strip("\"'")
