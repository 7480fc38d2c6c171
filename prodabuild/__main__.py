"""`python -m prodabuild` and the command `prodabuild`: the way in, before anything heavy is imported."""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # the folder that it is called in: a stranger's `click.py` there is not ours

import os
import signal
from typing import NoReturn


def start() -> NoReturn:
    """Run the command line. Ctrl-C while its modules are still read ends in 130, too, and in no traceback.

    Python started from here imports nothing from the folder that it is called in, either.
    """
    os.environ["PYTHONSAFEPATH"] = "1"
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from prodabuild.cli.main import main

    signal.signal(signal.SIGINT, before)
    main()


if __name__ == "__main__":
    start()
