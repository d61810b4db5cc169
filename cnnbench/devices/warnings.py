"""What a reader must know about a measurement: data, whose texts say what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cnnbench import units


@dataclass(frozen=True)
class Warning:
    """A warning: `name` for programs, `text` for people; `unusable` are times under it."""

    name: str
    text: str
    unusable: bool = False


# By name, with the numbers that `warning` puts in.
TEXTS = {
    # Of the times.
    "not_converged": (
        "{reached} after {duration}, not {precision}; raise --max-time, or close what else runs "
        "('cnnbench device' says what disturbs)"
    ),
    "drift": (
        "the machine's speed changed meanwhile: compare within this run, not with another's times"
    ),
    "roof_exceeded": (
        "{share:.0%} of a roof that was measured too low; 'cnnbench device --refresh' on a quiet "
        "machine"
    ),
    # Of the numbers that a network computes.
    "counted_on_values": (
        "counted on values, as {place} asks for them: those given, else random normal, whole "
        "numbers 0, truths false; what runs may depend on them ('cnnbench guide own-network')"
    ),
    "by_formula": "counted by the formula that its author registered with torch: {operators}",
    "branches": "values decide what runs; the costlier branch is counted at {places}",
    "random": "random numbers decide what runs; counted with seed 0",
    "not_finite": (
        "NaN or infinity from {layer} on, whose arithmetic may take other times; "
        "initialise the network, or choose another --dtype"
    ),
    "denormal": (
        "{share:.0%} of {layer}'s output is denormal, which some processors compute a hundred "
        "times slower; initialise the network so that its signal survives"
    ),
    "output_error": (
        "its outputs differ from eager PyTorch's by {error:.1e} of the largest, more than "
        "{most:.0e}: it computes something else"
    ),
    "other_dtype": "most of its kernels computed in {ran}, not in {asked} as asked",
    "page_faults": (
        "{faults} page faults a pass, about {share:.0%} of its time: the allocator gives memory "
        "back; 'cnnbench device' says which variables stop that"
    ),
    # Of the processor.
    "oversubscribed": (
        "{threads} threads on {cores:g} cores wait for each other; leave --threads out"
    ),
    "other_load": "other processes took {cores:.1f} cores meanwhile; stop them, or wait",
    "stolen": (
        "the host took {share:.0%} of this virtual machine's time; only ratios of one run hold"
    ),
    "quota_throttled": (
        "the container's CPU quota stopped it in {share:.0%} of its periods; use fewer --threads, "
        "or raise the quota"
    ),
    "hot": "the processor lowered its clock because it is hot; cool it, or wait",
    "battery": "on battery, which lowers clocks; plug it in",
    "power_saving": (
        "the clock follows the load (governor {governor}); "
        "'cpupower frequency-set -g performance' stops that"
    ),
    # Of the GPU.
    "shared_gpu": "{processes} other process{plural} on the GPU; stop them ('nvidia-smi')",
    "unwatched_gpu": (
        "what else ran on the GPU and its clock are unknown; pip install 'cnnbench[nvidia]'"
    ),
    "slow_clock": (
        "the GPU was at {now:.0f} of {most:.0f} MHz after it ({why}); cool it, or lock its clocks"
    ),
}


def warning(name: str, *, unusable: bool = False, **numbers: object) -> Warning:
    """The warning of a name, with its numbers."""
    return Warning(name, TEXTS[name].format(**numbers), unusable)


def unusable(found: Iterable[Warning]) -> str:
    """Why times are not usable; nothing where they are."""
    return next((warning.text for warning in found if warning.unusable), "")


def not_converged(precision: float, reached: float, seconds: float) -> Warning:
    """Time ran out before the interval was as narrow as asked, or could be had at all."""
    duration = units.duration(seconds)
    if reached == float("inf"):
        text = f"too few samples in {duration} for an interval; raise --max-time"
        return Warning("not_converged", text)
    wide, asked = units.precision(reached), units.precision(precision)
    return warning("not_converged", duration=duration, reached=wide, precision=asked)
