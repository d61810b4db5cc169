"""PREDICT: a device's measured ceilings, and what a trace takes beneath them.

Takes a `Trace` and a `Profile`, gives a `Prediction`. `calibrate` measures a profile or reads the
one that is kept; `profile_file` is how it travels to a machine without the device. `runtimes` are
those beside torch. May import `counting`.

A new ceiling is a field of `Profile`, a function of `ceilings`, and its part in `predict`.
"""
