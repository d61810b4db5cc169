"""How a report is written: terminal, JSON, CSV, Markdown, JUnit, GitHub's annotations.

Takes a `Report`, gives text. A new format is a file with `text(report) -> str` and its name in
`emit.Format`; a suffix that asks for it stands there, too.
"""
