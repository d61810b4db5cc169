"""Where other counters are wrong: a small network that sets each trap off, and the right number.

Two more stand elsewhere: gradients of grouped convolutions (test_training.py), and what each
counter makes of the networks (tests/studies/test_audit.py).
"""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from cnnbench.counting.cost import Kind
from cnnbench.counting.count import count
from cnnbench.errors import InputError

from ..commands import command
from .networks import Calls, conv

FULL = 8 * 8 * 4 * 3 * 9  # an 8x8 map, 4 filters over 3 channels of 3x3


class MyLayer(nn.Conv2d):
    """A convolution by another name."""


def weights(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.ones(shape))


def tie(net: nn.Sequential) -> nn.Sequential:
    net[1].weight = net[0].weight
    return net


CASES: dict[str, tuple[nn.Module, int, int]] = {
    "F.conv2d": (
        Calls(lambda net, x: F.conv2d(x, net.w, padding=1), w=weights(4, 3, 3, 3)),
        *(FULL, 108),
    ),
    "subclass of Conv2d": (MyLayer(3, 4, 3, padding=1, bias=False), FULL, 108),
    "padding='same'": (conv(3, 4, 3, padding="same"), FULL, 108),
    "padding='valid'": (conv(3, 4, 3, padding="valid"), 36 * 4 * 27, 108),
    "padding_mode='reflect'": (conv(3, 4, 3, padding=1, padding_mode="reflect"), FULL, 108),
    "dilation": (conv(3, 4, 3, padding=2, dilation=2), FULL, 108),
    "groups": (conv(3, 6, 3, padding=1, groups=3), 64 * 6 * 9, 54),
    "stride": (conv(3, 4, 3, stride=2, padding=1), FULL // 4, 108),
    "transposed, stride 2": (
        nn.ConvTranspose2d(3, 4, 3, stride=2, bias=False),
        *(FULL, 108),
    ),
    "transposed, groups": (
        nn.ConvTranspose2d(3, 6, 3, stride=2, groups=3, bias=False),
        *(64 * 6 * 9, 54),
    ),
    "transposed, 1-D": (
        nn.Sequential(nn.Flatten(), nn.Unflatten(1, (1, 192)), nn.ConvTranspose1d(1, 2, 5)),
        *(192 * 2 * 5, 12),
    ),
    "3-D": (
        nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv3d(1, 4, 3, padding=1, bias=False)),
        *(3 * 64 * 4 * 27, 108),
    ),
    "a module used twice": (
        Calls(lambda net, x: net.c(net.c(x)), c=conv(3, 3, 1)),
        *(2 * 64 * 9, 9),
    ),
    "one module at two places": (
        nn.Sequential(shared := conv(3, 3, 1), nn.Sequential(shared)),
        *(2 * 64 * 9, 9),
    ),
    "tied weights": (
        tie(nn.Sequential(conv(3, 3, 1), conv(3, 3, 1))),
        *(2 * 64 * 9, 9),
    ),
    "in place": (nn.Sequential(conv(3, 4, 1), nn.ReLU(inplace=True)), 64 * 12, 12),
    "nested containers": (
        Calls(
            lambda net, x: net.d["b"](net.l[1](x)),
            l=nn.ModuleList([nn.ModuleList(), nn.Sequential(nn.Sequential(conv(3, 3, 1)))]),
            d=nn.ModuleDict({"a": conv(9, 9, 9), "b": conv(3, 4, 1)}),
        ),
        *(64 * 9 + 64 * 12, 9 + 12 + 9**4),
    ),
    "checkpointed": (
        Calls(lambda net, x: checkpoint(net.c, x, use_reentrant=False), c=conv(3, 4, 1)),
        *(64 * 12, 12),
    ),
    "einsum": (
        Calls(lambda net, x: torch.einsum("bchw,kc->bkhw", x, net.w), w=weights(4, 3)),
        *(64 * 12, 12),
    ),
    "linear by hand": (
        Calls(lambda net, x: x.flatten(1) @ net.w.t(), w=weights(5, 192)),
        *(192 * 5, 960),
    ),
    "multi_dot": (
        Calls(
            lambda net, x: torch.linalg.multi_dot([x[0, 0], net.a, net.b]),
            a=weights(8, 2),
            b=weights(2, 4),
        ),
        *(8 * 8 * 2 + 8 * 2 * 4, 24),
    ),
    "lazy": (nn.Sequential(nn.LazyConv2d(4, 1), nn.Flatten(), nn.LazyLinear(2)), 64 * 20, 530),
    "compiled": (torch.compile(conv(3, 4, 1)), 64 * 12, 12),
    "one slice of a bank of weights": (
        Calls(lambda net, x: F.linear(x, net.bank[0]), bank=weights(2, 5, 8)),
        *(3 * 8 * 8 * 5, 80),
    ),
}


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("trap", CASES)
def test_counted_by_what_runs(trap: str, batch: int) -> None:
    net, macs, params = CASES[trap]
    result = count(net, (3, 8, 8), batch=batch)
    times = 1 if trap == "multi_dot" else batch  # it takes the first image
    assert (result.total.macs, result.total.params) == (times * macs, params)
    assert result.uncounted == {}
    assert result.total.flops == 2 * result.total.macs


def test_several_inputs_keywords_and_dtypes() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.c, self.e = conv(3, 4, 1), nn.Embedding(7, 4)

        def forward(self, image: Tensor, *, ids: Tensor) -> Tensor:
            return self.c(image).mean((2, 3)) + self.e(ids).sum(1)

    result = count(Two(), ["3x8x8", "ids:int64=5"], batch=2)
    assert result.input_shapes == ((2, 3, 8, 8), (2, 5))
    assert (result.total.macs, result.total.params, result.dtype) == (2 * 64 * 12, 40, "float32")
    with pytest.raises(InputError, match="unexpected keyword argument 'id'"):
        count(Two(), ["3x8x8", "id:int64=5"])


@pytest.mark.parametrize(
    ("layer", "each"),
    [
        *((nn.SiLU(), 1), (nn.ReLU6(), 1), (nn.Hardswish(), 1), (nn.GELU(), 1), (nn.Mish(), 1)),
        *((nn.MaxPool2d(2), 1), (nn.AvgPool2d(2), 1), (nn.BatchNorm2d(3), 2)),
        *((nn.GroupNorm(3, 3), 2), (nn.LocalResponseNorm(5), 5 + 5), (nn.Dropout(), 0)),
    ],
    ids=str,
)
def test_what_others_leave_out_is_in_the_convention(layer: nn.Module, each: int) -> None:
    result = count(layer, (3, 8, 8))
    assert (result.total.elementwise_flops, result.total.macs) == (each * 192, 0)
    assert result.uncounted == {}


def test_an_addition_counts_and_dropout_in_training_too() -> None:
    assert count(Calls(lambda _, x: x + x), (3, 8, 8)).total.elementwise_flops == 192
    net = nn.Sequential(conv(3, 3, 1), nn.Dropout())
    assert count(net, (3, 8, 8), train=True).forward.elementwise_flops >= 192


def test_unknown_operators_are_named_and_strict_refuses_them(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(
        "import torch\nclass Odd(torch.nn.Module):\n"
        "    def forward(self, x):\n        return torch.special.i0(x)\n"
    )
    arguments = ("flops", "odd.py:Odd", "--input", "3x8x8")
    named = command(*arguments, cwd=tmp_path)
    assert named.returncode == 0
    assert "not in the convention, counted as no work: i0 (1x)" in named.stdout
    strict = command(*arguments, "--strict", cwd=tmp_path)
    assert (strict.returncode, strict.stdout) == (2, "")
    assert strict.stderr.startswith("cnnbench: odd.py:Odd: not in the convention")


def test_frozen_parameters_are_parameters_and_buffers_are_not() -> None:
    net = nn.Sequential(conv(3, 4, 1), nn.BatchNorm2d(4))
    net[0].requires_grad_(False)
    net.register_buffer("scale", torch.ones(100))
    result = count(net, (3, 8, 8))
    assert (result.total.params, result.frozen_params) == (20, 12)


def test_nothing_is_left_in_the_state_dict() -> None:
    net = nn.Sequential(conv(3, 4, 1), nn.BatchNorm2d(4))
    before = list(net.state_dict())
    for train in (False, True):
        count(net, (3, 8, 8), batch=2, train=train)
        assert list(net.state_dict()) == before
        assert net[1].num_batches_tracked == 0


def test_lenet_is_not_zero_giga() -> None:
    assert "326 k" in command("flops", "lenet5").stdout


def test_attention_recurrence_and_convolution_have_their_kinds() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    kinds = {op.kind for op in count(layer, (5, 8)).operators}
    assert {Kind.LINEAR, Kind.MATMUL, Kind.NORMALISATION, Kind.ACTIVATION} <= kinds
    # Vaswani et al. 2017: four projections, scores and their sum, two linear layers of 16
    assert count(layer, (5, 8)).total.macs == 5 * 4 * 64 + 2 * 25 * 8 + 2 * 5 * 8 * 16


def test_a_lazy_network_stays_lazy() -> None:
    net = nn.Sequential(nn.LazyConv2d(4, 1), nn.ReLU())
    assert count(net, (3, 8, 8)).total.macs == 64 * 12
    assert isinstance(net[0], nn.LazyConv2d) and net[0].has_uninitialized_params()
    with pytest.raises(InputError, match="lazy layers, which cannot take this"):
        count(nn.Sequential(nn.LazyConv2d(4, 9)), (3, 8, 8))


def test_counting_the_zoo_imports_no_compiler() -> None:
    code = (
        "import sys, cnnbench\n"
        "for name in ('resnet18', 'mobilenet_v2', 'efficientnet_b0', 'googlenet', 'lenet5'):\n"
        "    cnnbench.count(name)\n"
        "print([m for m in ('torch._dynamo', 'torch._inductor', 'sympy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
