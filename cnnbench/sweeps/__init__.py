"""SCALE: many configurations, resumable, on one machine or several.

Takes a `Plan`, gives records in a `Store`, which `results` reads back. A `Configuration` is a model
and a `Setting`. `slurm/` runs a sweep as an array job. May import `studies`.

A new axis is a field of `Plan` and of `Setting`.
"""
