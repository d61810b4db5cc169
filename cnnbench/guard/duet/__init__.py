"""Two revisions of a network timed side by side, each in a process of its own."""
