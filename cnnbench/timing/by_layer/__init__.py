"""A pass operator by operator: what each takes, what bounds it, where the time goes."""
