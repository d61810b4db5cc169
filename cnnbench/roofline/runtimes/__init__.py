"""Runtimes beside torch: what they make of a pass, seen of one graph that they run.

`medley` is that graph, `learning` what its nodes say, `nodes` what follows for any pass.
"""
