"""A sweep's report: its tables, its figures, the page."""
