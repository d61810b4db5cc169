"""A report's tables as Markdown, for documents."""

from __future__ import annotations

from cnnbench.harmless import markdown, paragraph
from cnnbench.reports.report import Report


def text(report: Report) -> str:
    """Render the tables as a person reads them, as pipe tables, the notes below."""
    from tabulate import tabulate

    parts = []
    for table in report.tables:
        rows = [*table.rows, *([table.total] if table.total else [])]
        cells = [[column.cell(row) for column in table.columns] for row in rows]
        body = tabulate(
            [[markdown(cell.replace("\n", " ")) for cell in line] for line in cells],
            headers=[
                markdown(column.header.replace("-\n", "").replace("\n", " "))
                for column in table.columns
            ],
            tablefmt="pipe",
            colalign=["left" if column.left else "right" for column in table.columns],
            disable_numparse=True,
        )
        parts += [f"### {markdown(table.title)}"] if table.title else []
        parts += [paragraph(table.text)] if table.text else []
        parts.append(body)
    return "\n\n".join([*parts, *map(paragraph, (*report.findings, *report.notes))]) + "\n"
