"""Rows of a comparison, counted: every case in every setting that it is run in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cnnbench.counting import closed_forms
from cnnbench.counting.files import file_of
from cnnbench.counting.files.count import count_file
from cnnbench.counting.network import count_model
from cnnbench.errors import ShapeError
from cnnbench.models.given import Inputs
from cnnbench.models.network import Model
from cnnbench.models.spec import Spec
from cnnbench.studies.comparison.cases import Case
from cnnbench.studies.comparison.comparison import Comparison, Side
from cnnbench.studies.comparison.stages import alone
from cnnbench.timing import backends
from cnnbench.timing.setting import Setting, names


def elsewhere(settings: Sequence[Setting]) -> bool:
    """Whether a runtime beside torch runs any of them, which changes layouts as it likes."""
    return any(backends.process_of(one.backend) != backends.TORCH for one in settings)


def count_rows(
    asked: Sequence[Case],
    given: Inputs | None,
    settings: Sequence[Setting],
    *,
    values: bool,
    seed: int = 0,
) -> list[Comparison]:
    """Both sides of every row counted, each at its own input; with `values` they can be timed.

    Every case has a row in each setting; one of a single model compares it with itself in the first
    of them.
    """
    rows: list[Comparison] = []
    for number, case in enumerate(asked):
        if given is not None and case.label:
            raise ShapeError(f"{case.names[0]} is a block; give it --shape instead of --input")
        counted: dict[tuple[str | None, int], list[Side]] = {}
        of: list[list[Side]] = []
        for setting in settings:
            key = (setting.weights, setting.batch)
            if key not in counted:
                counted[key] = [
                    side_of(name, model, given, setting, values=values, seed=seed)
                    for name, model in zip(case.names, case.models, strict=True)
                ]
            of.append([replace(one, setting=setting) for one in counted[key]])
        if len(case.models) == 1:
            rows += _itself([sides[0] for sides in of], case.label, number)
            continue
        for first, *others in of:
            reference, *models = case.models
            for other, model in zip(others, models, strict=True):
                closed = ""
                if isinstance(reference, Spec) and isinstance(model, Spec) and case.label:
                    closed = closed_forms.ratio(*map(alone, (reference, model)))
                row = Comparison(case.label, first, other, len(others) > 1, closed, case=number)
                rows.append(row)
    return rows


def _itself(sides: Sequence[Side], label: str, case: int) -> list[Comparison]:
    """One model in several settings, each called by what differs."""
    called = names([side.run_in for side in sides])
    first, *others = (replace(side, name=called[side.run_in]) for side in sides)
    return [Comparison(label, first, other, len(others) > 1, case=case) for other in others]


def side_of(
    name: str,
    model: Model,
    given: Inputs | None,
    setting: Setting,
    *,
    values: bool,
    seed: int = 0,
) -> Side:
    """A side counted; its network is the one that is timed."""
    if (file := file_of(model)) is not None:
        trace = count_file(file, given, batch=setting.batch, dtype=setting.weights)
        return Side(name, None, trace, file=str(file))
    return Side(
        name,
        *count_model(
            model, given, batch=setting.batch, dtype=setting.weights, values=values, seed=seed
        ),
    )
