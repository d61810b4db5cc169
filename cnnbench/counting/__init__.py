"""COUNT: exact static cost.

Takes a `Network`, gives a `Trace`: operators in the order they run, each with its `Cost`.
Everything static is a view of one trace: `totals`, `views`, `tree`, `memory`. `rules/` says what
an operator costs, `tracing/` what runs. May import `models`.

A new cost is a field of `Cost`, or of `Totals` where it does not add up over operators, and what
fills it in `tracing/ledger.py`; `metrics` says how people read it.
"""
