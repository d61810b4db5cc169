"""A network made ready to run in a setting, and what a runtime made of it."""
