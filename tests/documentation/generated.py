"""The parts of pages that are made from the code.

A page holds each between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from . import convention, keys, models

PARTS: dict[str, Callable[[], str]] = {
    "networks": models.networks,
    "blocks": models.blocks,
    "options": models.options,
    "products": convention.products,
    "elementwise": convention.elementwise,
    "keys": keys.shared,
    "keys-of-commands": keys.of_commands,
}
_PART = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def renewed(text: str) -> str:
    """A page's text with each of its parts as the code makes it now."""
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found['name']]()}\n{found[3]}", text)


def parts(text: str) -> list[str]:
    """The names of a page's parts."""
    return [found["name"] for found in _PART.finditer(text)]
