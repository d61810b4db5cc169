"""How a report is written: terminal, JSON, CSV, Markdown, JUnit, GitHub's annotations."""
