"""ASK: questions answered by the rooms above, a folder each."""
