"""BUILD: what there is to measure. The registry and specs need no torch; the builders do."""
