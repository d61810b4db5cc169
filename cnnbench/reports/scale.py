"""How scaling reads: a family's rule beside what it makes, and what each way costs. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnbench import units
from cnnbench.counting.metrics import Metric
from cnnbench.counting.rules import convention
from cnnbench.models.scale import Axis, Compound, grid_of
from cnnbench.reports import accuracy
from cnnbench.reports import columns as col
from cnnbench.reports.compare import judgements, notes, surroundings
from cnnbench.reports.environment import alert, software
from cnnbench.reports.report import Column, Report, Table
from cnnbench.reports.verdicts import marked
from cnnbench.roofline.profile import Profile
from cnnbench.studies.comparison.comparison import Comparing
from cnnbench.studies.scaling import records as views
from cnnbench.studies.scaling.family import Family
from cnnbench.studies.scaling.spend import Spent
from cnnbench.studies.scaling.target import Asked
from cnnbench.timing.setting import Setting


def _plain(value: float) -> str:
    return f"{value:.4g}"


DEPTH = Column("depth_mult", "depth", _plain)
WIDTH = Column("width_mult", "width", _plain)
SIDE = Column("resolution", "side,\npx")
FORMULA = (
    Column("name", "", left=True),
    accuracy.COLUMN,
    DEPTH,
    Column("blocks_of", "blocks\n(d x)", left=True),
    *(WIDTH, SIDE, col.PARAMS, col.MACS),
    Column("growth", "growth", units.ratio),
    Column("difference", "beside\nd w² r²", units.difference),
    col.PEAK,
)
GRID = (
    *(WIDTH, SIDE, accuracy.COLUMN, col.PARAMS, col.MACS),
    Column("macs_ratio", "MACs\nof base", units.percent),
    Column("ideal_macs_ratio", "ideal\nw² r²", units.percent),
    col.PEAK,
)
WAYS = (
    Column("name", "", left=True),
    *(DEPTH, WIDTH, SIDE, col.PARAMS, col.MACS, *col.wide(col.ACTIVATIONS)),
    *(col.PEAK, col.PREDICTED),
)
RATIOS = (
    Column("name", "", left=True),
    Column("params_ratio", "params", units.ratio),
    Column("macs_ratio", "MACs", units.ratio),
    Column("activations_ratio", "activations", units.ratio),
    Column("peak_activation_bytes_ratio", "peak\nmemory", units.ratio),
    Column("bytes_moved_ratio", "bytes\nmoved", units.ratio, wide=True),
    Column("predicted_ratio", "predicted", units.ratio),
)
MEASURED_RATIO = (
    Column("measured_ratio", "measured"),
    Column("ratio_interval", col.OF_RERUN, under=True),
)


def report_of_family(
    family: Family, asked: Asked, setting: Setting, profile: Profile | None
) -> Report:
    """The rule's networks, beside the released where there are."""
    if not asked.phis:
        rows = family.grid()
    else:
        released = family.released() if asked.released else []
        made = family.formula(asked.compound, asked.phis)
        rows = sorted([*released, *made], key=lambda row: (row.phi or 0.0, row.released is None))
    results = views.scaled(rows, family.macs, setting)
    columns = FORMULA if asked.phis else GRID
    about = {**software(), **_rule(asked)}
    lines = _formula_notes(results, asked) if asked.phis else _grid_notes(family)
    if profile is not None:
        columns = (*columns, col.PREDICTED)
        about["ceilings"] = profile.record()
        lines.append(f"predicted for {profile.name}, nothing was measured")
    if any(result["accuracy"] for result in results):
        lines.append(accuracy.MARKED)
    return Report(
        command="scale",
        results=results,
        tables=[Table(columns, [_named(result) for result in results])],
        notes=[*lines, convention.FOOTER],
        environment=about,
        records=results,
    )


def _rule(asked: Asked) -> dict[str, Any]:
    if not asked.phis:
        return {}
    return {**vars(asked.compound), "ideal_growth": asked.compound.growth}


def _named(result: dict[str, Any]) -> dict[str, Any]:
    phi = result["phi"]
    name = "" if phi is None else f"phi={phi:g}"
    if result["released"]:
        name = result["model"].rpartition("_")[2].upper()
    return {
        **result,
        "name": name,
        "blocks_of": f"{result['blocks']} ({result['ideal_blocks']:.1f})",
    }


def _formula_notes(results: Sequence[dict[str, Any]], asked: Asked) -> list[str]:
    """What the formula asks for, and why what it makes is not that."""
    rule = asked.compound
    lines = [
        f"depth {rule.alpha:g}^phi, width {rule.beta:g}^phi, resolution {rule.gamma:g}^phi: by "
        f"{rule.alpha:g} x {rule.beta:g}² x {rule.gamma:g}² = {units.significant(rule.growth)} "
        "a unit of phi",
        "growth: of MACs since the row above of its kind, for a unit of phi; "
        "d w² r²: MACs if nothing were rounded"
        if any(result["growth"] is not None for result in results)
        else "d w² r²: MACs if nothing were rounded",
        "blocks are rounded up in each stage, filters to multiples of 8; depthwise layers grow "
        "only with w; stem and head get no deeper",
    ]
    if rule == Compound():
        lines[0] += ", where the paper asks for about 2"
    if any(result["released"] for result in results):
        lines.append("B0 to B7: as released (Tan & Le 2019), which is not the formula's phi 0 to 7")
    if len(asked.phis) <= 2:
        lines += [f"phi={r['phi']:g}: {r['model']}" for r in results if not r["released"]]
    return lines


def _grid_notes(family: Family) -> list[str]:
    base, own = family.base, grid_of(family.base)
    axes = [f"{axis}" for axis in (Axis.WIDTH, Axis.RESOLUTION) if axis not in base.written]
    if not axes:
        lines = ["width_mult and resolution are as written: leave one out for others"]
    elif own is not None:
        lines = [f"{' and '.join(axes)} of the paper: {own.source}"]
    else:
        lines = [f"{' and '.join(axes)} of MobileNet v1's paper, as its own has none"]
    return [
        *lines,
        f"of base: of {base}'s MACs; w² r²: if all layers were full convolutions and nothing "
        "rounded",
    ]


def report_of_ways(
    done: Comparing, found: Sequence[Spent], asked: Asked, setting: Setting
) -> Report:
    """The network as it was and each way: what it costs, and how many times what it was."""
    results = views.spent(done.rows, found, setting)
    measured = done.environment is not None
    columns = (*WAYS, *(col.MEASURED if measured else ()))
    ratios = (*RATIOS, *(MEASURED_RATIO if measured else ()))
    lines = [_way(result) for result in results]
    first = results[0]["model"]
    return Report(
        command="scale",
        results=results,
        tables=[
            Table(_filled(columns, lines), lines),
            Table(_filled(ratios, lines[1:]), lines[1:], f"times {first}"),
        ],
        findings=[*_ways(results, asked), *judgements(done)],
        notes=notes(done, setting),
        alert=alert(done.warnings),
        environment={**surroundings(done), **vars(asked.compound)},
        records=[{k: v for k, v in result.items() if k != "warnings"} for result in results],
    )


def _filled(columns: Sequence[Column], lines: Sequence[dict[str, Any]]) -> tuple[Column, ...]:
    """Without axes that the network has not, and predictions where there are none."""
    return tuple(c for c in columns if any(line[c.key] is not None for line in lines))


def _way(result: dict[str, Any]) -> dict[str, Any]:
    return {
        **result,
        "name": result["way"] or "base",
        "interval": "failed" if result["failure"] else col.of_rerun(result),
        "measured_ratio": marked(result["measured_ratio"], result["verdict"]),
        "ratio_interval": col.of_ratio(result),
    }


def _ways(results: Sequence[dict[str, Any]], asked: Asked) -> list[str]:
    """The specs, what spends least of each cost and what most."""
    ways = results[1:]
    lines = [f"Each is the network of its way nearest to {asked.target}:"]
    lines += [f"{way['way']}: {way['model']}" for way in ways]
    if len(ways) > 1:
        lines += [_ends(ways, metric.words, metric) for metric in (Metric.PARAMS, Metric.PEAK)]
        if any(way["reliable"] is False for way in ways):
            lines.append("measured time: nothing is said of times that are not usable")
        elif all(way["ci_low"] is not None for way in ways):
            lines.append(measured_ends(ways))
        elif all(way["predicted_ratio"] is not None for way in ways):
            lines.append(_ends(ways, "predicted time", "predicted"))
    return lines


def _ends(ways: Sequence[dict[str, Any]], words: str, cost: str) -> str:
    key = f"{cost}_ratio"
    least, most = (end(ways, key=lambda way: float(way[key])) for end in (min, max))
    if units.ratio(least[key]) == units.ratio(most[key]):
        return f"{words}: the same by all ({units.ratio(least[key])})"
    return (
        f"{words}: least by {least['way']} ({units.ratio(least[key])}), most by "
        f"{most['way']} ({units.ratio(most[key])})"
    )


def measured_ends(ways: Sequence[dict[str, Any]]) -> str:
    """Which ways may take least time and which most, as far as their intervals tell."""
    least, most = (end(ways, key=lambda way: float(way["measured_ratio"])) for end in (min, max))
    low = [way["way"] for way in ways if way["ci_low"] <= least["ci_high"]]
    high = [way["way"] for way in ways if way["ci_high"] >= most["ci_low"]]
    if least["way"] in high:
        return "measured time: the intervals do not tell the ways apart"
    return f"measured time: least by {' or '.join(low)}, most by {' or '.join(high)}"
