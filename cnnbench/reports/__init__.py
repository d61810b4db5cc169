"""SHOW: a file a command: its tables and notes. No arithmetic beyond formatting."""
