"""What a reader must know about a measurement: data, whose texts say what to do."""

from __future__ import annotations

from dataclasses import dataclass

from cnnbench import units


@dataclass(frozen=True)
class Caution:
    """A warning: `name` for programs, `text` for people."""

    name: str
    text: str


def not_converged(precision: float, reached: float, seconds: float) -> Caution:
    """Time ran out before the interval was as narrow as asked."""
    if reached == float("inf"):
        return Caution(
            "not_converged",
            f"too few samples in {units.duration(seconds)} for an interval; raise --max-time",
        )
    return Caution(
        "not_converged",
        f"{units.precision(reached)} after {units.duration(seconds)}, not "
        f"{units.precision(precision)}; raise --max-time, or close what else runs "
        "('cnnbench device' says what disturbs)",
    )


def drift() -> Caution:
    """The machine's speed changed during the run."""
    return Caution(
        "drift",
        "the machine's speed changed meanwhile: compare within this run, not with another's times",
    )


def not_finite(layer: str) -> Caution:
    """NaN or infinity, on which processors take other times."""
    return Caution(
        "not_finite",
        f"NaN or infinity from {layer} on, whose arithmetic may take other times; "
        "initialise the network, or choose another --dtype",
    )


def denormal(layer: str, share: float) -> Caution:
    """Numbers so small that processors compute them slowly."""
    return Caution(
        "denormal",
        f"{share:.0%} of {layer}'s output is denormal, which some processors compute a hundred "
        "times slower; initialise the network so that its signal survives",
    )


def roof_exceeded(share: float) -> Caution:
    """Faster than the ceiling that was measured before."""
    return Caution(
        "roof_exceeded",
        f"{share:.0%} of a roof that was measured too low; 'cnnbench device --refresh' on a quiet "
        "machine",
    )


def oversubscribed(threads: int, cores: float) -> Caution:
    """More threads than cores wait for each other."""
    return Caution(
        "oversubscribed",
        f"{threads} threads on {cores:g} cores wait for each other; leave --threads out",
    )


def other_load(cores: float) -> Caution:
    """Other processes computed meanwhile."""
    return Caution(
        "other_load", f"other processes took {cores:.1f} cores meanwhile; stop them, or wait"
    )


def stolen(share: float) -> Caution:
    """The hypervisor ran other guests on our cores."""
    return Caution(
        "stolen",
        f"the host took {share:.0%} of this virtual machine's time; only ratios of one run hold",
    )


def quota_throttled(share: float) -> Caution:
    """The control group's quota stopped the process."""
    return Caution(
        "quota_throttled",
        f"the container's CPU quota stopped it in {share:.0%} of its periods; use fewer --threads, "
        "or raise the quota",
    )


def hot() -> Caution:
    """The processor lowered its clock to cool."""
    return Caution("hot", "the processor lowered its clock because it is hot; cool it, or wait")


def battery() -> Caution:
    """On battery clocks are lowered."""
    return Caution("battery", "on battery, which lowers clocks; plug it in")


def power_saving(governor: str) -> Caution:
    """The clock follows the load with a delay."""
    return Caution(
        "power_saving",
        f"the clock follows the load (governor {governor}); "
        "'cpupower frequency-set -g performance' stops that",
    )


def shared_gpu(processes: int) -> Caution:
    """Another process computes on the GPU."""
    plural = "es" if processes > 1 else ""
    return Caution(
        "shared_gpu", f"{processes} other process{plural} on the GPU; stop them ('nvidia-smi')"
    )


def slow_clock(now: float, most: float, why: str) -> Caution:
    """The GPU runs below its clock."""
    return Caution(
        "slow_clock",
        f"the GPU was at {now:.0f} of {most:.0f} MHz after it ({why}); cool it, or lock its clocks",
    )
