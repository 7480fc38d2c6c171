"""`python -m prodabuild` is the `prodabuild` command."""

from prodabuild.cli.main import main

main()
