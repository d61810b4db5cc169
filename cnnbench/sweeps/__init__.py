"""Many configurations: what there is to measure, and what has been, on disk."""
