"""The papers' own figures of accuracy against cost, drawn from what is counted here.

    python results/scripts/accuracy_figures.py

MobileNet v1's figure 4 and MobileNet v2's figure 5 (MACs of every width and resolution),
EfficientNet's figures 1 and 5 (params and MACs of B0 to B7, and of torchvision's B2 at 288 pixels).
The last colour are the costs that the papers print, the others those that cnnbench counts;
accuracies are the papers' and releases', on a single crop.
Writes results/figures/mobilenet_figure.svg and efficientnet_figure.svg.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cnnbench.counting.metrics import Metric
from cnnbench.reports.charts.accuracy import Panel, together
from cnnbench.studies.choosing.choose import front_of
from cnnbench.studies.choosing.published import Published, known, published
from cnnbench.studies.papers.accuracy import IMAGENET, SINGLE_CROP, TOP1
from cnnbench.studies.papers.published import figures

FOLDER = Path(__file__).parents[1] / "figures"
PRINTED = "cost as printed in the paper"


def main() -> None:
    """Both pictures."""
    mobile = counted("mobilenet_v1", "mobilenet_v2")
    draw("mobilenet_figure", "MobileNet v1 and v2, every width and resolution", mobile, ["macs"])
    drawn = [*counted("efficientnet"), *mobile, *counted("resnet50")]
    draw("efficientnet_figure", "EfficientNet-B0 to B7 beside others", drawn, ["params", "macs"])


def counted(*models: str) -> list[Published]:
    """Networks with their accuracies on a single crop."""
    return published(known(models, IMAGENET, TOP1, SINGLE_CROP))


def draw(name: str, title: str, of: list[Published], costs: list[str]) -> None:
    """A panel a cost: what is counted, and what the papers print of the same networks."""
    panels = [panel(of, Metric(cost)) for cost in costs]
    groups = [*dict.fromkeys(family(one) for one in of), PRINTED]
    path = FOLDER / f"{name}.svg"
    together(panels, groups, title).save(path)
    print(path)


def panel(of: list[Published], cost: Metric) -> Panel:
    printed = {
        (figure.model, figure.resolution): figure.value
        for figure in figures()
        if figure.metric == cost and " " not in figure.model and "/" not in figure.model
    }
    front = {one.key for one in front_of(of, cost)}
    dots = [dot(one, family(one), one.value(cost), one.key in front) for one in of]
    for one in of:
        value = printed.get((one.accuracy.model, one.accuracy.resolution))
        if value is not None:
            dots.append(dot(one, PRINTED, value, False))
    return Panel(f"{cost.words} of an image" if cost is Metric.MACS else cost.words, "~s", dots)


def dot(one: Published, group: str, cost: float, front: bool) -> dict[str, Any]:
    return {
        "model": str(one.spec),
        "group": group,
        "way": "",
        "accuracy": one.accuracy.percent,
        "source": one.accuracy.source,
        "cost": cost,
        "front": front,
        "chosen": False,
    }


def family(one: Published) -> str:
    return one.spec.model.paper.module


if __name__ == "__main__":
    main()
