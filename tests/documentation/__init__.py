"""The documentation is executed: the README and every page of `cnnbench guide`."""
