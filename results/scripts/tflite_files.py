"""Files of TensorFlow Lite against the networks that they were made of.

    python results/scripts/tflite_files.py environment FOLDER
    FOLDER/bin/python results/scripts/tflite_files.py exported [NAME ...]
    python results/scripts/tflite_files.py real FOLDER/list.csv
    python results/scripts/tflite_files.py fuzz FILE ...
    FOLDER/bin/python results/scripts/tflite_files.py write FOLDER NAME ...

`environment` installs LiteRT's converter in an environment of its own: it brings gigabytes, and
other versions of what others need. `exported` converts the zoo and its blocks there, and counts
network and file. `real` counts files that travel in other packages: the list has a row for each,
with its input and the MACs that LiteRT's own shapes give. `fuzz` changes bytes of files at random,
ten thousand times: each gives a count or one line. `write` keeps the converted files.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import subprocess
import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the checkout

RESULTS = ROOT / "results/tflite_files.json"
_BROKEN = 10_000
PACKAGES = ("torch==2.13.0", "litert-torch==0.10.0", "ai-edge-litert==2.3.0", "tflite==2.18.0")


def environment(folder: Path) -> None:
    """Make it: the converter and cnnbench."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin/pip"), "install", "-q"]
    subprocess.run([*pip, *PACKAGES], check=True)
    subprocess.run([*pip, "-c", str(ROOT / "tests/constraints.txt"), str(ROOT)], check=True)


def converted(name: str, folder: Path) -> tuple[Path, Any, int]:
    """The file, the network's own trace, the parameters that folding leaves; no two are equal."""
    import litert_torch
    import torch

    from cnnbench.counting.network import count_network
    from cnnbench.models.network import load
    from tests.counting.files.exported import different, params_of

    torch.manual_seed(0)
    network = load(name)
    net = network.net.eval()
    trace = count_network(network)
    different(net)
    called = re.sub(r"[^\w.=]+", "_", network.name)
    file = folder / f"{called}.tflite"
    inputs = tuple(network.arguments(1, torch.device("cpu")).positional)
    litert_torch.convert(net, inputs).export(str(file))
    return file, trace, params_of(net, trace)


def exported(names: list[str]) -> dict[str, Any]:
    """Each network's MACs and params, and its file's."""
    from cnnbench import count
    from cnnbench.models import registry

    found: dict[str, Any] = {}
    for name in names or [model.name for model in (*registry.MODELS, *registry.BLOCKS)]:
        with TemporaryDirectory() as folder:
            try:
                file, trace, folded = converted(name, Path(folder))
            except Exception as error:  # the converter's own
                found[name] = {"failure": f"{type(error).__name__}: {str(error)[:200]}"}
                print(name, found[name], flush=True)
                continue
            own = count(str(file))
        found[name] = {
            "macs": trace.total.macs,
            "file_macs": own.total.macs,
            "params": trace.total.params,
            "folded_params": folded,
            "file_params": own.total.params,
            "uncounted": own.uncounted,
        }
        print(name, found[name], flush=True)
    return found


def real(table: Path) -> dict[str, Any]:
    """Files of other packages: MACs counted, and those that LiteRT's own shapes give."""
    from cnnbench import count
    from cnnbench.models.given import Given
    from cnnbench.models.inputs import Input

    found: dict[str, Any] = {}
    for row in csv.DictReader(table.open(encoding="utf-8")):
        if not row["file"].endswith(".tflite"):
            continue
        shape = tuple(map(int, row["input used"].rpartition(":")[2].split("x")))
        given = Given(inputs=(Input(shape),), batched=False)
        own = count(str(table.parent / row["file"]), given)
        sides = row["input used"].rpartition(":")[2]
        found[f"{row['package']} {row['path inside the package']} {sides}"] = {
            "version": row["version"],
            "licence": row["licence"],
            "macs": int(row["macs"]),
            "how": row["how the macs were got"],
            "file_macs": own.total.macs,
            "file_params": own.total.params,
            "uncounted": own.uncounted,
            "branches": list(own.branches),
        }
    return found


def fuzz(files: list[str]) -> dict[str, Any]:
    """How many were counted, how many were refused in one line, and the longest it took."""
    from cnnbench import count
    from cnnbench.errors import CnnbenchError

    draw = random.Random(0)
    wholes = [Path(name).read_bytes() for name in files]
    counted = refused = 0
    slowest = 0.0
    with TemporaryDirectory() as folder:
        file = Path(folder) / "net.tflite"
        for number in range(_BROKEN):
            data = bytearray(wholes[number % len(wholes)])
            for _ in range(draw.randint(1, 8)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            cut = draw.randrange(len(data)) if number % 10 == 0 else len(data)
            file.write_bytes(bytes(data[:cut]))
            start = perf_counter()
            try:
                count(str(file))
                counted += 1
            except CnnbenchError as error:
                if "\n" in str(error):
                    raise
                refused += 1
            slowest = max(slowest, perf_counter() - start)
    return {"all": {"counted": counted, "refused": refused, "slowest_s": slowest}}


def main() -> None:
    """Run what is asked for, and keep it beside what is there."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("environment", "exported", "real", "fuzz", "write"))
    parser.add_argument("names", nargs="*")
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args()
    if asked.what == "environment":
        environment(Path(asked.names[0]))
        return
    if asked.what == "write":
        for name in asked.names[1:]:
            print(converted(name, Path(asked.names[0]))[0])
        return
    if asked.what == "fuzz":
        found = fuzz(asked.names)
        print(found)
        keep(asked.output, "fuzz", found)
        return
    found = real(Path(asked.names[0])) if asked.what == "real" else exported(asked.names)
    equal = sum(one.get("macs") == one.get("file_macs") for one in found.values())
    print(f"{equal} of {len(found)} have equal MACs")
    keep(asked.output, asked.what, found)


def keep(output: Path, what: str, found: dict[str, Any]) -> None:
    """Beside what is there."""
    kept = json.loads(output.read_text()) if output.exists() else {}
    output.write_text(json.dumps({**kept, what: found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
