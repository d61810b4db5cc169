"""The counters of ONNX files, one file each: how it is asked, what it counts beside the MACs."""

from cnnbench.studies.audit.counter import Habits, OtherCounter
from cnnbench.studies.audit.files import onnx_opcounter, onnx_tool

COUNTERS = (
    OtherCounter(
        "onnx-tool",
        1,
        Habits("31 an element", "its window", "1 to 80 each", "1 an output", "yes", "each run"),
        onnx_tool.ask,
        onnx_tool.terms,
        module="onnx_tool",
    ),
    OtherCounter(
        "onnx-opcounter",
        1,
        Habits("2 an element", "1 an output", "1 each", "no", "yes", "each run"),
        onnx_opcounter.ask,
        onnx_opcounter.terms,
        module="onnx_opcounter",
    ),
)
