"""TIME: measured cost. Raw seconds in rounds, statistics derived."""
