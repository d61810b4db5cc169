"""What a reader must know about a measurement: data, whose texts say what to do."""

from __future__ import annotations

from dataclasses import dataclass

from cnnbench import units


@dataclass(frozen=True)
class Warning:
    """A warning: `name` for programs, `text` for people."""

    name: str
    text: str


def not_converged(precision: float, reached: float, seconds: float) -> Warning:
    """Time ran out before the interval was as narrow as asked."""
    if reached == float("inf"):
        return Warning(
            "not_converged",
            f"too few samples in {units.duration(seconds)} for an interval; raise --max-time",
        )
    return Warning(
        "not_converged",
        f"{units.precision(reached)} after {units.duration(seconds)}, not "
        f"{units.precision(precision)}; raise --max-time, or close what else runs "
        "('cnnbench device' says what disturbs)",
    )


def drift() -> Warning:
    """The machine's speed changed during the run."""
    return Warning(
        "drift",
        "the machine's speed changed meanwhile: compare within this run, not with another's times",
    )


def not_finite(layer: str) -> Warning:
    """NaN or infinity, on which processors take other times."""
    return Warning(
        "not_finite",
        f"NaN or infinity from {layer} on, whose arithmetic may take other times; "
        "initialise the network, or choose another --dtype",
    )


def denormal(layer: str, share: float) -> Warning:
    """Numbers so small that processors compute them slowly."""
    return Warning(
        "denormal",
        f"{share:.0%} of {layer}'s output is denormal, which some processors compute a hundred "
        "times slower; initialise the network so that its signal survives",
    )


def roof_exceeded(share: float) -> Warning:
    """Faster than the ceiling that was measured before."""
    return Warning(
        "roof_exceeded",
        f"{share:.0%} of a roof that was measured too low; 'cnnbench device --refresh' on a quiet "
        "machine",
    )


def oversubscribed(threads: int, cores: float) -> Warning:
    """More threads than cores wait for each other."""
    return Warning(
        "oversubscribed",
        f"{threads} threads on {cores:g} cores wait for each other; leave --threads out",
    )


def other_load(cores: float) -> Warning:
    """Other processes computed meanwhile."""
    return Warning(
        "other_load", f"other processes took {cores:.1f} cores meanwhile; stop them, or wait"
    )


def stolen(share: float) -> Warning:
    """The hypervisor ran other guests on our cores."""
    return Warning(
        "stolen",
        f"the host took {share:.0%} of this virtual machine's time; only ratios of one run hold",
    )


def quota_throttled(share: float) -> Warning:
    """The control group's quota stopped the process."""
    return Warning(
        "quota_throttled",
        f"the container's CPU quota stopped it in {share:.0%} of its periods; use fewer --threads, "
        "or raise the quota",
    )


def hot() -> Warning:
    """The processor lowered its clock to cool."""
    return Warning("hot", "the processor lowered its clock because it is hot; cool it, or wait")


def battery() -> Warning:
    """On battery clocks are lowered."""
    return Warning("battery", "on battery, which lowers clocks; plug it in")


def power_saving(governor: str) -> Warning:
    """The clock follows the load with a delay."""
    return Warning(
        "power_saving",
        f"the clock follows the load (governor {governor}); "
        "'cpupower frequency-set -g performance' stops that",
    )


def shared_gpu(processes: int) -> Warning:
    """Another process computes on the GPU."""
    plural = "es" if processes > 1 else ""
    return Warning(
        "shared_gpu", f"{processes} other process{plural} on the GPU; stop them ('nvidia-smi')"
    )


def unwatched_gpu() -> Warning:
    """Nobody says who else computes on the GPU, and how fast it was."""
    return Warning(
        "unwatched_gpu",
        "what else ran on the GPU and its clock are unknown; pip install 'cnnbench[nvidia]'",
    )


def slow_clock(now: float, most: float, why: str) -> Warning:
    """The GPU runs below its clock."""
    return Warning(
        "slow_clock",
        f"the GPU was at {now:.0f} of {most:.0f} MHz after it ({why}); cool it, or lock its clocks",
    )
