"""TIME: measured cost. Raw seconds in rounds, statistics derived, the device's ceilings."""
