"""Where blocks stand in networks: the shapes at which they are compared and swept. No torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cnnbench import units
from cnnbench.models.model import Value
from cnnbench.models.spec import Spec, parse

Options = Mapping[str, Value]

# The stages of a typical network: MobileNet's table 1 has all five.
STAGES: tuple[Options, ...] = (
    {"shape": "112x112x32", "out_channels": 64},
    {"shape": "56x56x128", "out_channels": 128},
    {"shape": "28x28x256", "out_channels": 256},
    {"shape": "14x14x512", "out_channels": 512},
    {"shape": "7x7x1024", "out_channels": 1024},
)
# ResNet-50's widths between its blocks (He et al. 2015, table 1).
WIDTHS: tuple[Options, ...] = (
    {"shape": "56x56x256"},
    {"shape": "28x28x512"},
    {"shape": "14x14x1024"},
    {"shape": "7x7x2048"},
)
# Every module of GoogLeNet, at the map that it is given (Szegedy et al. 2014, table 1).
MODULES: tuple[Options, ...] = (
    {"shape": "28x28x192", "module": "3a"},
    {"shape": "28x28x256", "module": "3b"},
    {"shape": "14x14x480", "module": "4a"},
    {"shape": "14x14x512", "module": "4b"},
    {"shape": "14x14x512", "module": "4c"},
    {"shape": "14x14x512", "module": "4d"},
    {"shape": "14x14x528", "module": "4e"},
    {"shape": "7x7x832", "module": "5a"},
    {"shape": "7x7x832", "module": "5b"},
)
INCEPTIONS = {"inception_naive", "inception"}
RESIDUALS = {"residual", "residual_bottleneck"}
# `compare plain bottleneck`: the same idea in the three papers that have it.
REDUCTIONS = (
    ("plain", "bottleneck"),
    ("residual", "residual_bottleneck"),
    ("inception_naive", "inception"),
)
CHAIN = 6  # blocks one after another, in which the edges weigh little
INHERITED = ("shape", "out_channels", "kernel", "stride", "module", "chain")  # of the reference


def stages_of(names: Collection[str]) -> tuple[Options, ...]:
    """The shapes at which blocks of these names stand in networks, all at the same."""
    names = set(names)
    if names <= INCEPTIONS:
        return MODULES
    if names & INCEPTIONS:
        return ({},)
    return WIDTHS if names <= RESIDUALS else STAGES


def with_options(block: Spec, given: Options) -> Spec:
    """The block with options it takes, unless it was written with its own."""
    own = dict(block.options)
    taken = {key: value for key, value in given.items() if block.model.option(key)}
    options = {**taken, **{key: own[key] for key in block.written}}
    written = ",".join(f"{key}={value}" for key, value in options.items())
    made = parse(f"{block.model.name}@{written}" if written else block.model.name, blocks=True)
    assert isinstance(made, Spec)
    return made


def place(block: Spec) -> Options:
    """The place of a block: what blocks that are compared have in common."""
    return {key: value for key, value in block.options if key in INHERITED}


def keeps_map(block: Spec) -> bool:
    """Whether what comes out of a block is as large as what goes in, so that equal ones follow."""
    options = dict(block.options)
    channels = block.input_shape[0]
    return options.get("stride", 1) == 1 and options.get("out_channels", 0) in (0, channels)


def alone(block: Spec) -> Spec:
    """One of a chain of equal blocks, of which ratios are the same; another block as it is."""
    options = dict(block.options)
    if options.get("chain", 1) == 1 or not keeps_map(block):
        return block
    own = {key: value for key, value in options.items() if key in block.written}
    written = ",".join(f"{key}={value}" for key, value in {**own, "chain": 1}.items())
    made = parse(f"{block.model.name}@{written}", blocks=True)
    return made if isinstance(made, Spec) else block


def label(block: Spec) -> str:
    """`56x56x128 → 128, 3x3 /2`, or a module of GoogLeNet."""
    options = dict(block.options)
    label = str(options["shape"])
    if "module" in options:
        return f"{label}, {options['module']}"
    if outputs := options.get("out_channels"):
        label += f" → {outputs}"
    stride = int(options.get("stride", 1))
    if "kernel" in options:
        label += f", {units.window((int(options['kernel']),) * 2, (stride,) * 2)}"
    elif stride > 1:
        label += f", /{stride}"
    chain = int(options.get("chain", 1))
    return f"{label}, {chain} in a chain" if chain > 1 else label
