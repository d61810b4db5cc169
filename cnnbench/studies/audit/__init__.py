"""The counters people use, one file each: how it is asked, and what it counts beside the MACs."""

from cnnbench.studies.audit.counter import OtherCounter
from cnnbench.studies.audit.fvcore import FVCORE
from cnnbench.studies.audit.ptflops import PTFLOPS
from cnnbench.studies.audit.thop import THOP
from cnnbench.studies.audit.torch_flop_counter import TORCH
from cnnbench.studies.audit.torchinfo import TORCHINFO

COUNTERS: tuple[OtherCounter, ...] = (FVCORE, TORCH, THOP, PTFLOPS, TORCHINFO)
