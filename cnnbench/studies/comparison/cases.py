"""What `compare` compares: which blocks at which shapes, or which networks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import nn

from cnnbench.errors import SpecError
from cnnbench.models.network import name_of
from cnnbench.models.spec import AnySpec, Spec, parse_together
from cnnbench.studies.comparison.stages import (
    CHAIN,
    REDUCTIONS,
    Options,
    keeps_map,
    label,
    place,
    stages_of,
    with_options,
)

_OF_RESIDUALS = 3  # the kernel of a reference that has no option for it


@dataclass(frozen=True)
class Case:
    """Models that are compared: the first is the reference. Blocks have a label, their shape."""

    label: str
    models: tuple[AnySpec | nn.Module, ...]
    names: tuple[str, ...]


def cases(
    models: Sequence[AnySpec | nn.Module],
    given: Options,
    *,
    chain: int = 1,
    alone: bool = False,
) -> list[Case]:
    """Blocks at the shape `given`, or at each of the stages that their papers have; or networks.

    Equal blocks stand in a `chain` where nothing else is given; a model may stand `alone` where it
    is compared with itself. SpecError for fewer than two else, a block beside a network, an option
    that no block takes.
    """
    if not models or (len(models) < 2 and not alone):
        one = f"{name_of(models[0])} alone" if models else "nothing"
        raise SpecError(
            f"{one} cannot be compared; name two or more, the reference first, or "
            "give one several back ends or dtypes"
        )
    blocks = [model for model in models if isinstance(model, Spec) and model.model.is_block]
    if not blocks:
        if given:
            name = name_of(models[0])
            raise SpecError(f"{_typed(next(iter(given)))} is for blocks, which {name} is not")
        return [Case("", tuple(models), _told_apart(map(name_of, models)))]
    if len(blocks) < len(models):
        network = next(name_of(model) for model in models if model not in blocks)
        raise SpecError(
            f"{blocks[0].model.name} is a block and {network} a network; compare like with like"
        )
    _check_options(blocks, given)
    asked = bool(set(given) - {"chain"}) or any(block.written for block in blocks)
    names = tuple(block.model.name for block in blocks)
    if not asked and names == REDUCTIONS[0]:
        pairs = [parse_together(pair) for pair in REDUCTIONS]
        return [
            _case([block for block in pair if isinstance(block, Spec)], given, chain)
            for pair in pairs
        ]
    own_shape = "shape" in given or any("shape" in block.written for block in blocks)
    rows = ({},) if own_shape else stages_of({block.model.name for block in blocks})
    return [_case(blocks, {**row, **given}, chain) for row in rows]


def pair(models: Sequence[AnySpec | nn.Module], given: Options) -> Case:
    """Two models: blocks in the middle of the stages that their papers have, in a chain."""
    found = cases(models, given, chain=CHAIN)
    names = found[0].names
    own = [case for case in found if case.names == names]
    return own[len(own) // 2]


def _case(blocks: Sequence[Spec], given: Options, chain: int) -> Case:
    """Blocks with the same shape and, where they take them, the same options as the first."""
    first = with_options(blocks[0], given)
    if chain > 1 and "chain" not in given and keeps_map(first):
        given = {**given, "chain": chain}
        first = with_options(blocks[0], given)
    shared: Options = {"kernel": _OF_RESIDUALS, **place(first)}
    others = [with_options(block, {**shared, **given}) for block in blocks[1:]]
    for other in others:
        if other.input_shape != first.input_shape:
            here, there = (dict(spec.options)["shape"] for spec in (first, other))
            raise SpecError(
                f"{first.model.name} takes {here} and {other.model.name} {there}; "
                "compare them at one --shape"
            )
    return Case(label(first), (first, *others), _told_apart(map(_name, blocks)))


def _told_apart(names: Iterable[str]) -> tuple[str, ...]:
    """Names that stand twice get a number: conv, conv (2)."""
    met: dict[str, int] = {}
    told = []
    for name in names:
        met[name] = met.get(name, 0) + 1
        told.append(f"{name} ({met[name]})" if met[name] > 1 else name)
    return tuple(told)


def _check_options(blocks: Sequence[Spec], given: Options) -> None:
    """An option of the command is for some block, and no block has it as its own."""
    for key in given:
        if not any(block.model.option(key) for block in blocks):
            takes = dict.fromkeys(option.name for block in blocks for option in block.model.options)
            names = " and ".join(dict.fromkeys(block.model.name for block in blocks))
            raise SpecError(f"{names} take no {key}; they take {', '.join(takes)}")
        for block in blocks:
            if key in block.written:
                raise SpecError(f"{block} has a {key} already; give it or {_typed(key)}, not both")


def _typed(key: str) -> str:
    return f"--{key.replace('_', '-')}"


def _name(block: Spec) -> str:
    """What a block is called at one shape: with the other options that were typed."""
    options = dict(block.options)
    own = ",".join(
        f"{key}={options[key]}" for key in block.written if key not in ("shape", "chain")
    )
    return block.model.name + (f"@{own}" if own else "")
