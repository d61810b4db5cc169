"""Record what the lines print now, or of those with WORD: python -m tests.golden.record WORD."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from .play import COMMANDS, RECORDED, device, lines, options, play, recorded


def record(word: str = "") -> None:
    """Write recorded/, one file a command; lines that are no longer listed are left out."""
    found: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory() as cache:
        known = device(Path(cache))
        for line in lines():
            name, kept = line.command, {}
            if (RECORDED / f"{line.command}.json").exists():
                kept = recorded(name)
            if word in line.run or line.run not in kept:
                with TemporaryDirectory() as folder:
                    kept[line.run] = play(line, Path(folder), known)
            found.setdefault(name, {})[line.run] = kept[line.run]
    found["options"] = {command: options(command) for command in ("", *COMMANDS)}
    RECORDED.mkdir(exist_ok=True)
    for name, content in found.items():
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (RECORDED / f"{name}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(*sys.argv[1:])
