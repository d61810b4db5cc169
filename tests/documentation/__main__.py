"""Accept what commands print now: python -m tests.documentation [--timed=WORD].

With --timed=compare what is timed is measured again, where its line has that word.
"""

from __future__ import annotations

import sys

from .pages import accept

accept(*(word.removeprefix("--timed=") for word in sys.argv[1:]))
