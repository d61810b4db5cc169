"""The counters people use, one file each: how it is asked, and what it counts beside the MACs."""

from cnnbench.studies.counters.counter import Counter
from cnnbench.studies.counters.fvcore import FVCORE
from cnnbench.studies.counters.ptflops import PTFLOPS
from cnnbench.studies.counters.thop import THOP
from cnnbench.studies.counters.torch import TORCH
from cnnbench.studies.counters.torchinfo import TORCHINFO

COUNTERS: tuple[Counter, ...] = (FVCORE, TORCH, THOP, PTFLOPS, TORCHINFO)
