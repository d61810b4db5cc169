"""The papers' own figures, and what they claim, beside what is counted and measured."""
