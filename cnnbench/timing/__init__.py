"""TIME: measured cost.

Takes a `Network`, a `Setting` and a `Machine`, gives a `Latency`. `preparing/` makes a network
ready, `samples/` takes raw seconds in rounds and says what they are worth, `by_layer/` times a pass
operator by operator, `workers/` do so in fresh processes. `Setting` is the one list of how a
network is run; `backends/` are the ways to run it. `by_layer.pass_times` shows what was measured
and what is predicted alike. May import `roofline`.

A new back end is a file in `backends/` and its line there. A new way to run is a field of
`Setting` with its words, and what heeds it in `preparing.prepared`.
"""
