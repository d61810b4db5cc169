"""A package that adds to cnnbench: a source of networks, an operator's rule, a back end."""
