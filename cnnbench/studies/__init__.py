"""ASK: questions answered by the rooms above."""
