"""Draw the networks and blocks that the documentation shows, as the papers' figures have them.

python results/scripts/network_figures.py [NAME…]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "figures"
COMMANDS = {
    "net_lenet5": "show lenet5",
    "net_alexnet": "show alexnet",
    "net_vgg16": "show vgg16",
    "net_residual": "show resnet34 --diff plain34 --level layers",
    "net_googlenet": "show googlenet",
    "net_efficientnet": "show efficientnet_b0",
    "block_inception": "show inception",
    "block_separable": "show separable",
    "block_bottleneck": "show bottleneck",
    "block_residual": "show residual",
    "block_inverted_residual": "show inverted_residual",
}


def main() -> None:
    """Draw those named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[*COMMANDS, []])
    names = parser.parse_args().names or list(COMMANDS)
    for name in names:
        path = FOLDER / f"{name}.svg"
        words = [*COMMANDS[name].split(), "--output", str(path)]
        subprocess.run(
            [sys.executable, "-m", "cnnbench", *words], check=True, stdout=subprocess.DEVNULL
        )
        print(path)


if __name__ == "__main__":
    main()
