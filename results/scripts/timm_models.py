"""Every convolutional classification network of timm: counted, and held to torch's own counter.

    pip install --no-deps timm torchvision
    python results/scripts/timm_models.py [--all] [--output FILE.json]

Prints each network that fails or differs, then how many by cause. `--all` takes every network that
timm lists, transformers and multilayer perceptrons too, where torch's counter can follow.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, whose tests ask the same

import torch

from tests.libraries import FAMILIES, cause, operators_for_torchvision


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    if find_spec("torchvision"):
        operators_for_torchvision()
    import timm

    warnings.simplefilter("ignore")
    families = timm.list_modules() if arguments.all else FAMILIES
    names = [name for family in families for name in timm.list_models(module=family)]
    causes: dict[str, str] = {}
    start = time.perf_counter()
    for index, name in enumerate(names):
        if index % 25 == 0:
            print(f"{index} of {len(names)}", file=sys.stderr)
        try:
            reason = cause(name)
        except Exception as error:  # torch's counter, or timm
            reason = f"cannot be compared: {type(error).__name__}: {str(error).splitlines()[:1]}"
        if reason:
            causes[name] = reason
            print(f"{name}: {reason}")
            sys.stdout.flush()
    seconds = time.perf_counter() - start
    by_cause = Counter(reason.partition(":")[0] for reason in causes.values())
    print(f"{len(names)} networks, {len(names) - len(causes)} equal to torch's counter; {by_cause}")
    if arguments.output:
        document = {
            "timm": timm.__version__,
            "torch": torch.__version__,
            "networks": len(names),
            "equal": len(names) - len(causes),
            "seconds": round(seconds),
            "others": causes,
        }
        arguments.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
