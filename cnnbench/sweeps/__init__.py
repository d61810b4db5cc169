"""SCALE: many configurations, resumable, on one machine or several."""
