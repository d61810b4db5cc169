"""PREDICT: a device's measured ceilings, and what a trace takes beneath them."""
