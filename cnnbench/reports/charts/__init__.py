"""Charts, one file a kind, all in one style."""
