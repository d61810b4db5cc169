"""The counters people use, one file each: how it is asked, and what it counts beside the MACs."""

from cnnbench.studies.audit import fvcore, ptflops, thop, torch_flop_counter, torchinfo
from cnnbench.studies.audit.counter import Habits, OtherCounter

# What each prints for a MAC, and its habits: batch norm, pooling, activations, biases, functions,
# a module that is shared.
COUNTERS = (
    OtherCounter(
        "fvcore",
        1,
        Habits("2 an element", "adaptive average: 1 an input", "no", "no", "yes", "each run"),
        fvcore.ask,
        fvcore.terms,
    ),
    OtherCounter(
        "torch",
        2,
        Habits("no", "no", "no", "no", "yes", "each run"),
        torch_flop_counter.ask,
        torch_flop_counter.terms,
    ),
    OtherCounter(
        "thop",
        1,
        Habits(
            *("4 an element", "average alone: 1 an output", "PReLU, softmax", "no", "no"),
            "times places, squared",
        ),
        thop.ask,
        thop.terms,
    ),
    OtherCounter(
        "ptflops",
        1,
        Habits(
            *("2 an element", "1 an input, by function again", "1 each, by function again"),
            *("1 an output", "not convolutions", "times places"),
        ),
        ptflops.ask,
        ptflops.terms,
    ),
    OtherCounter(
        "torchinfo",
        1,
        Habits("2 a channel and image", "no", "PReLU", "1 an output", "no", "each run"),
        torchinfo.ask,
        torchinfo.terms,
    ),
)
