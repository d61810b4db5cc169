"""SHOW: a file a command: its tables and notes.

Takes results, gives a `Report`: records for programs, tables for people, notes. No arithmetic
beyond formatting. `formats/` write a report, `charts/` and `pictures/` draw, `sweep/` is the report
of a sweep, `network/` that of one network.
May import all rooms but `cli`.
"""
