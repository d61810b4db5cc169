"""Runtimes' own clocks on the nodes of a pass, joined with the nodes of the file that ran."""
