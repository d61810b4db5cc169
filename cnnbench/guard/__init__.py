"""GUARD: cost regression in CI.

Takes a configuration and a `Baseline`, gives findings. `baseline` and `check` compare counts,
`duet/` times two revisions side by side. May import `studies`.

A new cost to guard is a member of `counting.metrics.Metric`.
"""
