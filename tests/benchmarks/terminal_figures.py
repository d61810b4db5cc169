"""Draw the README's pictures of a terminal.

python tests/benchmarks/terminal_figures.py [NAME…]
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

FIGURES = Path(__file__).parents[2] / "results/figures"
COMMANDS = {
    "flops": (
        "flops lenet5 alexnet vgg16 resnet50 googlenet mobilenet_v2 efficientnet_b0",
        100,
    ),
    "show": ("show resnet18", 84),
    "audit": ("audit mobilenet_v2", 100),
    "layers": ("time alexnet_owt --layers", 90),
}


def main() -> None:
    """Draw all, or those that are named."""
    for name in sys.argv[1:] or COMMANDS:
        arguments, width = COMMANDS[name]
        done = subprocess.run(
            [sys.executable, "-m", "cnnbench", *arguments.split()],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(width)},
        )
        console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
        console.print(Text("$ ", style="green") + Text(f"cnnbench {arguments}"))
        console.print(Text.from_ansi(done.stdout))
        svg = console.export_svg(title="cnnbench", unique_id=name)
        svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # nothing is fetched
        (FIGURES / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
