"""Templates of pages, and how one is filled: every text of somebody's is text."""

from __future__ import annotations

from importlib import resources
from typing import Any

from cnnbench import harmless
from cnnbench.errors import OutputError
from cnnbench.reports.charts.style import require_altair
from cnnbench.version import __version__


def file(name: str) -> str:
    """A file of this folder."""
    return resources.files("cnnbench.reports.assets").joinpath(name).read_text("utf-8")


def rendered(name: str, **values: Any) -> str:
    """A template with these values. OutputError without the extra `report`."""
    require_altair()
    try:
        from jinja2 import Environment, FunctionLoader
    except ImportError as error:
        raise OutputError("a page needs jinja2; type: pip install 'cnnbench[report]'") from error
    environment = Environment(
        loader=FunctionLoader(file),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    template = environment.get_template(name)
    return template.render(version=__version__, style=file("page.css"), **values)


def _plain(value: Any) -> Any:
    """What a template puts into the page: a text of ours that is safe, or somebody's."""
    return harmless.line(value) if type(value) is str else value
