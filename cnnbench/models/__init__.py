"""BUILD: what there is to measure.

Takes a spec as a user types it, gives a `Network`: the module, its inputs, its name. The registry,
`lookup` of its names, specs and inputs need no torch; what builds does. `zoo/` has the papers'
networks, `sources/` other people's, `network.load` finds either once, for counting, timing and
audit alike. `given` is what a user says of the inputs, `examples` where real ones come from,
`arguments` what a forward is called with. May import `devices`.

A new network of a paper: its file in `zoo/`, its rows in `registry.py`, its accepted numbers in
`tests/counting/zoo.csv`, its name in `[tool.cnnbench]`, and `cnnbench baseline`.
"""
