"""TIME: measured cost.

Takes a `Network`, a `Setting` and a `Machine`, gives a `Latency`. `sampling` takes raw seconds in
rounds, `statistics` and `pairing` say what they are worth. `Setting` is the one list of how a
network is run. `backends/` are the ways to run it. `pass_times` shows what was measured and what is
predicted alike. May import `roofline`.

A new back end is a file in `backends/` and its line there. A new way to run is a field of
`Setting` with its words, and what heeds it in `prepared`.
"""
