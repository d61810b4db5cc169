"""SHOW: a file a command: its tables and notes.

Takes results, gives a `Report`: records for programs, tables for people, notes. No arithmetic
beyond formatting. `formats/` write a report, `charts/` draw, `sweep/` is the report of a sweep.
May import all rooms but `cli`.
"""
