"""What `cnnbench scale` is asked: its options, read and held against each other. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cnnbench import units
from cnnbench.errors import CnnbenchError
from cnnbench.models.scale import Compound, Way, ways
from cnnbench.models.spec import Spec

_PHIS = tuple(map(float, range(8)))
_MOST_PHI, _MOST_FACTOR = 20.0, 4.0
_LEAST, _MOST, _STAYS = 1e-9, 1e18, 0.005  # of a target; so near to 1x nothing is asked for


@dataclass(frozen=True)
class Target:
    """A number of MACs, or a factor of those that the network has."""

    value: float
    is_factor: bool

    def macs(self, base: int) -> float:
        """The MACs to reach from a network of `base` MACs."""
        return self.value * base if self.is_factor else self.value

    def __str__(self) -> str:
        """The words for a sentence."""
        if self.is_factor:
            return f"{self.value:g}x the MACs"
        return f"{units.count(int(self.value))} MACs"


@dataclass(frozen=True)
class Asked:
    """Ways to the target; without one a family: the formula at `phis`, or where none a grid."""

    compound: Compound
    phis: tuple[float, ...] = ()
    released: bool = False
    ways: tuple[Way, ...] = ()
    target: Target | None = None


def read(
    spec: Spec, phi: str | None, compound: Compound, by: Sequence[Way] | None, to: str | None
) -> Asked:
    """Read the options; CnnbenchError where they are wrong, or contradict each other."""
    spending = bool(by) or to is not None
    has = ways(spec)
    chosen = tuple(dict.fromkeys(by or has)) if spending else ()
    for way in chosen:
        if way not in has:
            raise CnnbenchError(f"{spec.model.name} does not scale by {way}; give {_list(has)}")
    _check(compound)
    changed = [name for name, value in vars(Compound()).items() if vars(compound)[name] != value]
    given = "--phi" if phi is not None else f"--{changed[0]}" if changed else ""
    if given and Way.COMPOUND not in has:
        raise CnnbenchError(
            f"{given} belongs to compound scaling, and {spec.model.name} has no depth_mult; "
            "EfficientNet has one"
        )
    if phi is not None and spending:
        option = "--to" if to is not None else "--by"
        raise CnnbenchError(f"--phi makes a family, {option} spends MACs; give one of them")
    if given and spending and Way.COMPOUND not in chosen:
        raise CnnbenchError("--alpha, --beta and --gamma need --by compound; leave them out")
    if spending:
        return Asked(compound, ways=chosen, target=_target(to if to is not None else "2x"))
    if Way.COMPOUND not in has:
        return Asked(compound)
    return Asked(compound, _PHIS if phi is None else _phis(phi), released=phi is None)


def without_target(asked: Asked, here: bool, picture: bool) -> None:
    """CnnbenchError where there is none for what only ways to it take: a device, a picture."""
    if asked.target is not None:
        return
    if here:
        raise CnnbenchError(
            "without --to nothing is measured; leave --device, --threads and --backend out"
        )
    if picture:
        raise CnnbenchError("there is a picture of ways to scale: add --to 2x")


def _list(has: Sequence[Way]) -> str:
    return " or ".join(f"--by {way}" for way in has)


def _check(compound: Compound) -> None:
    for name, value in vars(compound).items():
        if not 1 <= value <= _MOST_FACTOR:
            raise CnnbenchError(
                f"--{name} {value:g} makes no sense; give from 1 to {_MOST_FACTOR:g}"
            )
    if compound.growth == 1:
        raise CnnbenchError("--alpha, --beta and --gamma of 1 scale nothing; give one more than 1")


def _phis(text: str) -> tuple[float, ...]:
    """`0.5,1` -> (0.5, 1.0), in their order by size."""
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or not all(abs(value) <= _MOST_PHI for value in found):
        raise CnnbenchError(
            f"malformed phi {text!r}; write numbers from {-_MOST_PHI:g} to {_MOST_PHI:g}: "
            "--phi 0.5,1,2"
        )
    return tuple(found)


def _target(text: str) -> Target:
    """`2x` or `800M`."""
    try:
        if text.strip().lower().endswith("x"):
            found = Target(float(text.strip()[:-1]), is_factor=True)
        else:
            found = Target(units.quantity(text, size=False), is_factor=False)
    except ValueError:
        found = Target(0.0, is_factor=False)
    stays = found.is_factor and abs(found.value - 1) < _STAYS
    if stays or not _LEAST < found.value < _MOST:
        raise CnnbenchError(
            f"--to {text!r} says not where to; write times the MACs, or MACs: --to 2x, --to 800M"
        )
    return found
