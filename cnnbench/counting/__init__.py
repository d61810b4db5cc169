"""COUNT: exact static cost. One trace, many views of it."""
