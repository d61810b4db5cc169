"""How much of a pass its causes explain: networks and blocks, in eager PyTorch and runtimes.

    python results/scripts/explained.py [--names resnet18 …] [--output FILE.json]

Each pass is timed with its operators in the same rounds; `unexplained` is what no cause accounts
for, of the pass, before a runtime's own clocks are taken off its nodes (`clocks`: how much longer
the nodes are than the pass).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median
from typing import Any

from cnnbench.devices.machine import Machine
from cnnbench.models.spec import parse
from cnnbench.timing import backends
from cnnbench.timing.by_layer.causes import NAMES, causes
from cnnbench.timing.measure import timed
from cnnbench.timing.profiling import complete
from cnnbench.timing.session import Session, StopRule
from cnnbench.timing.setting import Setting

RESULTS = Path(__file__).parents[1] / "explained.json"
NETWORKS = (
    *("lenet5", "alexnet", "vgg11", "googlenet", "resnet18", "resnet50", "resnet20", "resnet56"),
    *("mobilenet_v1", "mobilenet_v2", "efficientnet_b0"),
)
STAGES = ("112x112x32", "56x56x128", "28x28x256", "14x14x512", "7x7x1024")
BLOCKS = [f"{block}@shape={stage}" for block in ("conv", "separable") for stage in STAGES]
BACKENDS = [name for name in ("eager", "onnxruntime", "openvino") if backends.is_here(name)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--names", nargs="*", default=[*NETWORKS, *BLOCKS])
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args()
    machine = Machine.find(None, None)
    profile = complete(machine, ["float32"])
    session = Session(machine, StopRule(0.02, 1.0, 0, 2))
    rows: list[dict[str, Any]] = []
    for name in given.names:
        asked = [(parse(name, blocks=True), Setting(backend=one)) for one in BACKENDS]
        timing = timed(asked, None, session, layers=True, kept=False)
        for network in timing.networks or []:
            found = causes(network, profile)
            if found is None:
                continue
            rows.append(
                {
                    "model": name,
                    "backend": network.whole.setting.backend,
                    "latency_s": network.whole.latency_s,
                    **{one.removesuffix("_s"): found.share(one) for one in NAMES},
                    "clocks": network.added_s / (network.whole.latency_s or 1.0),
                }
            )
            print(rows[-1], flush=True)
    summary = {
        backend: {
            "networks": len(own),
            "unexplained_median": median(abs(row["unexplained"]) for row in own),
            "unexplained_most": max(abs(row["unexplained"]) for row in own),
            "clocks_median": median(row["clocks"] for row in own),
        }
        for backend in BACKENDS
        if (own := [row for row in rows if row["backend"] == backend])
    }
    document = {"device": profile.name, "threads": profile.threads, "summary": summary}
    given.output.write_text(json.dumps({**document, "results": rows}, indent=1) + "\n", "utf-8")
    print(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
