"""Files of ONNX: exported ones against their networks, real ones against the runtime, broken ones.

    pip install --no-deps torchvision timm
    python results/scripts/model_files.py exported [--output results/model_files.json]
    python results/scripts/model_files.py real FOLDER/list.csv
    python results/scripts/model_files.py fuzz [--files 10000]
    python results/scripts/model_files.py speed

`exported` writes the whole zoo, its blocks and networks of torchvision and timm, and counts network
and file. `real` counts files that travel in other packages: the list has a row for each, with its
input and the MACs that ONNX Runtime's own shapes give (from its profile, optimisations off). `fuzz`
changes bytes of files at random; each gives a count or one line, in less than ten seconds.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import signal
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, whose tests ask the same

import onnx

from cnnbench import count
from cnnbench.errors import CnnbenchError
from cnnbench.models import registry
from cnnbench.models.given import Given
from cnnbench.models.inputs import Input
from tests.counting.files.exported import exported
from tests.counting.files.test_operators import GRAPHS, model_of
from tests.libraries import operators_for_torchvision

RESULTS = Path(__file__).parents[1] / "model_files.json"
LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
TORCHVISION = """
    mnasnet0_5 regnet_y_400mf resnext50_32x4d wide_resnet50_2 shufflenet_v2_x1_0 squeezenet1_1
    densenet121 mobilenet_v3_small mobilenet_v3_large efficientnet_v2_s convnext_tiny inception_v3
    googlenet lraspp_mobilenet_v3_large deeplabv3_mobilenet_v3_large fcn_resnet50 r3d_18 vit_b_32
    swin_t swin_v2_t maxvit_t
"""
TIMM = """
    ghostnet_100 repvgg_a0 hrnet_w18_small res2net50_26w_4s dla34 dpn68 cspresnet50 darknet53
    xception41 nasnetalarge rexnet_100 mobilenetv4_conv_small fastvit_t8 mobileone_s0
    convmixer_768_32 resmlp_12_224 mixer_s32_224 botnet26t_256 lambda_resnet26t eca_botnext26ts_256
    tinynet_a lcnet_050 skresnet18 seresnet18 tresnet_m vovnet39a inception_v4 nf_resnet50
    poolformer_s12 mobilevit_xxs coatnet_nano_rw_224 deit_tiny_patch16_224 pit_ti_224 volo_d1_224
    davit_tiny edgenext_xx_small xcit_nano_12_p16_224 levit_128s efficientformer_l1 gcvit_xxtiny
"""
SLOWEST_S = 10


def exports() -> dict[str, Any]:
    """Each network's MACs and params, and its file's; `params` are those that folding leaves."""
    operators_for_torchvision()
    names = [model.name for model in (*registry.MODELS, *registry.BLOCKS)]
    names += [f"torchvision:{name}" for name in TORCHVISION.split()]
    names += [f"timm:{name}" for name in TIMM.split()]
    found: dict[str, Any] = {}
    for name in names:
        with TemporaryDirectory() as folder:
            try:
                made = exported(name, Path(folder))
                file = count(str(made.file))
            except Exception as error:  # an exporter's own
                found[name] = {"failure": f"{type(error).__name__}: {str(error)[:200]}"}
                continue
        found[name] = {
            "macs": made.trace.total.macs,
            "file_macs": file.total.macs,
            "params": made.params,
            "file_params": file.total.params,
            "uncounted": file.uncounted,
        }
        print(name, found[name], flush=True)
    return found


def summed(rows: dict[str, Any]) -> dict[str, Any]:
    """How many are equal; of the others, which differ by how much."""
    of = [(name, row) for name, row in rows.items() if "macs" in row]
    return {
        "networks": len(rows),
        "equal_macs": sum(row["macs"] == row["file_macs"] for _, row in of),
        "equal_params": sum(row["params"] == row["file_params"] for _, row in of),
        "macs_that_differ": {
            name: row["file_macs"] - row["macs"]
            for name, row in of
            if row["macs"] != row["file_macs"]
        },
        "params_that_differ": {
            name: row["file_params"] - row["params"]
            for name, row in of
            if row["params"] != row["file_params"]
        },
        "failed": {name: row["failure"] for name, row in rows.items() if "failure" in row},
    }


def real(listed: Path) -> dict[str, Any]:
    """Each file of the list beside what the runtime's shapes give."""
    found = {}
    for row in csv.DictReader(listed.open()):
        if not row["file"].endswith(".onnx"):
            continue
        inputs, flags = [], []
        for match in re.finditer(r"(\S+):([a-z]+\d*):(=?)([\dx]*)(?: |$)", row["input used"]):
            name, _, is_value, text = match.groups()
            if is_value:
                flags.append((name, int(text)))
            else:
                inputs.append(Input(tuple(map(int, filter(None, text.split("x")))), name))
        given = Given(tuple(inputs), flags=tuple(flags), batched=False)
        trace = count(str(listed.parent / row["file"]), given)
        source = {key: row[key] for key in ("package", "version", "licence", "input used")}
        found[f"{row['file'].removeprefix('models/')} {row['input used']}"[:160]] = {
            **source,
            "macs": trace.total.macs,
            "runtime_macs": int(row["macs"]),
            "params": trace.total.params,
            "counted_on": str(trace.counted_on),
            "branches": list(trace.branches),
            "uncounted": trace.uncounted,
        }
    equal = sum(row["macs"] == row["runtime_macs"] for row in found.values())
    print(f"{equal} of {len(found)} equal")
    for name, row in found.items():
        if row["macs"] != row["runtime_macs"]:
            print(name, row["macs"], row["runtime_macs"], row["branches"])
    return {"files": len(found), "equal": equal, "rows": found}


def fuzz(files: int) -> dict[str, Any]:
    """How files of which bytes were changed end: counted, or refused in a line."""
    whole = [model_of(graph).SerializeToString() for graph in GRAPHS]
    small = [file for file in sorted(LIGHT.glob("*.onnx")) if file.stat().st_size < 2**20]
    whole += [file.read_bytes() for file in small]
    draw, ends, slowest = random.Random(0), {"counted": 0, "refused": 0}, 0.0
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError("ten seconds")))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "net.onnx"
        for number in range(files):
            data = bytearray(_rearranged(draw.choice(whole), draw) if number % 2 else b"")
            data = data or bytearray(draw.choice(whole))
            for _ in range(0 if number % 2 else draw.choice((1, 2, 4, 16))):
                at = draw.randrange(len(data) + 1)
                end = at + draw.choice((0, 1, 1, 8, 200))
                data[at:end] = draw.randbytes(draw.choice((0, 1, 1, 2, 8)))
            file.write_bytes(bytes(data))
            start = perf_counter()
            signal.alarm(SLOWEST_S)
            try:
                count(str(file))
                ends["counted"] += 1
            except CnnbenchError as error:
                if "\n" in str(error):
                    raise ValueError(str(error)) from error
                ends["refused"] += 1
            except BaseException:
                Path("broken.onnx").write_bytes(bytes(data))
                raise
            finally:
                signal.alarm(0)
            slowest = max(slowest, perf_counter() - start)
            if number % 500 == 0:
                print(number, ends, f"slowest {slowest:.2f} s", flush=True)
    return {"files": files, **ends, "slowest_s": round(slowest, 2)}


def speed(rounds: int = 15) -> dict[str, Any]:
    """Whole processes in turn: mobilenet_v2's file counted, and torch imported alone."""
    with TemporaryDirectory() as folder:
        file = exported("mobilenet_v2", Path(folder)).file
        commands = {
            "flops": [sys.executable, "-m", "cnnbench", "flops", str(file)],
            "import_torch": [sys.executable, "-c", "import torch"],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                start = perf_counter()
                subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
                seconds[name].append(perf_counter() - start)
    ratios = [a / b for a, b in zip(seconds["flops"], seconds["import_torch"], strict=True)]
    return {
        "rounds": rounds,
        "seconds": {name: round(median(values), 3) for name, values in seconds.items()},
        "ratio": round(median(ratios), 3),
    }


def _rearranged(data: bytes, draw: random.Random) -> bytes:
    """A model that is still one, whose operators read, are and ask for something else."""
    model = onnx.load_model_from_string(data)
    graph = model.graph
    names = [name for node in graph.node for name in (*node.input, *node.output)]
    names += [one.name for one in (*graph.input, *graph.initializer)]
    operators = [schema.name for schema in onnx.defs.get_all_schemas()]
    for _ in range(draw.choice((1, 2, 4, 8))):
        node = draw.choice(graph.node)
        what = draw.randrange(7)
        if what == 0 and node.input:
            node.input[draw.randrange(len(node.input))] = draw.choice(names)
        elif what == 1:
            node.op_type = draw.choice(operators)
        elif what == 2 and node.attribute:
            one = draw.choice(node.attribute)
            one.i = draw.choice((-(2**63), -1, 0, 2, 2**40, 2**63 - 1))
            one.ints[:] = [draw.choice((-3, 0, 1, 2**40)) for _ in range(draw.randrange(6))]
        elif what == 3 and graph.input:
            sides = draw.choice(graph.input).type.tensor_type.shape
            sides.dim.add().dim_value = draw.choice((-1, 0, 1, 2**40))
        elif what == 4 and graph.initializer:
            draw.choice(graph.initializer).dims[:] = [draw.choice((-1, 0, 3, 2**40)) for _ in "ab"]
        elif what == 5:
            node.input.append(draw.choice(names))
        elif what == 6 and node.attribute:
            node.attribute.remove(draw.choice(node.attribute))
    return model.SerializeToString()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("exported", "real", "fuzz", "speed"))
    parser.add_argument("list", nargs="?", type=Path)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args()
    if asked.what == "exported":
        rows = exports()
        found = {**summed(rows), "rows": rows}
    elif asked.what == "speed":
        found = speed()
        print(found)
    else:
        found = real(asked.list) if asked.what == "real" else fuzz(asked.files)
    kept = json.loads(asked.output.read_text()) if asked.output.exists() else {}
    asked.output.write_text(json.dumps({**kept, asked.what: found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
