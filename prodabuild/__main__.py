"""`python -m prodabuild` and the command `prodabuild`: the way in, before anything heavy is imported."""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def start() -> NoReturn:
    """Run the command line. Ctrl-C while its modules are still read ends in 130, too, and in no traceback."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from prodabuild.cli.main import main

    signal.signal(signal.SIGINT, before)
    main()


if __name__ == "__main__":
    start()
