"""`python -m cnnbench` is the command `cnnbench`."""

from cnnbench.cli import main

main()
