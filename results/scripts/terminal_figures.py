"""Draw the pictures of a terminal that the documentation shows.

python results/scripts/terminal_figures.py [NAME…]
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "results/figures"
sys.path.insert(0, str(ROOT))

from tests.documentation.pages import files

COMMANDS = {
    "flops": (
        "flops lenet5 alexnet vgg16 resnet50 googlenet mobilenet_v2 efficientnet_b0",
        100,
    ),
    "show": ("show resnet18", 84),
    "audit": ("audit mobilenet_v2", 100),
    "layers": ("time alexnet_owt --layers", 90),
    "check": ("check", 72),
}
# What is typed before, in a folder with the files that pages show.
BEFORE = {
    "check": (
        "cnnbench baseline",
        "sed -i 's/3, stride=2, padding=1/5, stride=2, padding=2/' nets.py",
    )
}


def main() -> None:
    """Draw all, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(COMMANDS))
    for name in parser.parse_args().names or COMMANDS:
        arguments, width = COMMANDS[name]
        with files() as folder:
            for line in BEFORE.get(name, ()):
                subprocess.run(line, shell=True, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            done = subprocess.run(
                [sys.executable, "-m", "cnnbench", *arguments.split()],
                capture_output=True,
                text=True,
                cwd=folder,
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
