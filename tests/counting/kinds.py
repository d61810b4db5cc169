"""Small networks on which counters fail, three of a kind; kinds.csv has each one's right value."""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .networks import Calls


def conv(inputs: int = 3, filters: int = 4) -> nn.Conv2d:
    """36 x 27 x filters MACs on 3x8x8."""
    return nn.Conv2d(inputs, filters, 3, bias=False)


# Values decide what runs.
def asserts() -> nn.Module:
    def forward(net: Calls, x: Tensor) -> Tensor:
        y: Tensor = net.conv(x)
        assert torch.isfinite(y).all(), "not finite"
        return y

    return Calls(forward, conv=conv())


def keeps_boxes() -> nn.Module:
    """As before non-maximum suppression."""

    def forward(net: Calls, x: Tensor) -> list[Tensor]:
        rows = net.conv(x).flatten(2).transpose(1, 2)
        return [image[image[:, 4].sigmoid() > 0.5] for image in rows]

    return Calls(forward, conv=conv(3, 6))


def experts() -> nn.Module:
    """Each token of 8 goes through one of four 8 x 8 layers, after an 8 x 4 gate."""

    def forward(net: Calls, x: Tensor) -> Tensor:
        tokens = x.reshape(-1, 8)
        chosen = net.gate(tokens).argmax(-1)
        out = torch.zeros_like(tokens)
        for index, expert in enumerate(net.experts):
            rows = torch.where(chosen == index)[0]
            out[rows] = expert(tokens[rows])
        return out.view_as(x)

    layers = nn.ModuleList(nn.Linear(8, 8, bias=False) for _ in range(4))
    return Calls(forward, gate=nn.Linear(8, 4, bias=False), experts=layers)


def exits_early() -> nn.Module:
    """A second layer where the first is not sure, as it never is; a try around the asking."""

    def forward(net: Calls, x: Tensor) -> Tensor:
        y: Tensor = net.first(x)
        try:
            sure = float(y.softmax(-1).max()) > 2
        except RuntimeError:
            sure = True
        return y if sure else net.second(y)

    return Calls(forward, first=nn.Linear(8, 8, bias=False), second=nn.Linear(8, 8, bias=False))


def reads_numpy() -> nn.Module:
    def forward(net: Calls, x: Tensor) -> Tensor:
        y: Tensor = net.linear(x)
        return y * torch.from_numpy(np.sign(y.detach().numpy()))

    return Calls(forward, linear=nn.Linear(8, 8, bias=False))


# A library checks values.
def samples() -> nn.Module:
    def forward(net: Calls, x: Tensor) -> Tensor:
        return torch.distributions.Categorical(logits=net.linear(x)).sample()

    return Calls(forward, linear=nn.Linear(8, 8, bias=False))


def normal() -> nn.Module:
    def forward(net: Calls, x: Tensor) -> Tensor:
        mean, spread = net.linear(x).chunk(2, -1)
        return torch.distributions.Normal(mean, F.softplus(spread)).log_prob(mean)

    return Calls(forward, linear=nn.Linear(8, 8, bias=False))


def packs() -> nn.Module:
    """A recurrent layer over sequences whose lengths are counted: 2 x 4 x (4 + 4) a step."""

    def forward(net: Calls, x: Tensor) -> Tensor:
        lengths = (x.abs().sum(-1) >= 0).sum(-1)
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        return net.cell(packed)[0].data

    return Calls(forward, cell=nn.RNN(4, 4, bias=False, batch_first=True))


# Values that follow from shapes and constants alone.
def sizes_from_a_tensor() -> nn.Module:
    def forward(net: Calls, x: Tensor) -> Tensor:
        sides = torch.tensor(x.shape[-2:], device=x.device) * 2
        return net.conv(F.interpolate(x, size=[int(side) for side in sides]))

    return Calls(forward, conv=conv())


def positions() -> nn.Module:
    """A mask of the input's shape, made on its device, whose sum decides."""

    def forward(net: Calls, x: Tensor) -> Tensor:
        mask = torch.zeros_like(x[0, 0])
        mask[1:-1, 1:-1] = 1
        steps = torch.arange(4, device=x.device)
        return net.conv(x) if mask.sum() == 36 and steps[-1].item() == 3 else x

    return Calls(forward, conv=conv())


def masked_buffer() -> nn.Module:
    """A buffer as a mask: 36 of 64 places are kept."""

    def forward(net: Calls, x: Tensor) -> Tensor:
        return net.linear(x[:, :, net.mask].transpose(1, 2))

    net = Calls(forward, linear=nn.Linear(3, 4, bias=False))
    mask = torch.zeros(8, 8, dtype=torch.bool)
    mask[1:-1, 1:-1] = True
    net.register_buffer("mask", mask)
    return net


# Indices that are Python's.
def reorders() -> nn.Module:
    return Calls(lambda net, x: net.conv(x[:, [2, 1, 0]]), conv=nn.Conv2d(3, 4, 1, bias=False))


def ranges() -> nn.Module:
    return Calls(
        lambda net, x: net.conv(x[:, :, range(0, 8, 2)][..., (0, 1), :]),
        conv=nn.Conv2d(3, 4, 1, bias=False),
    )


def booleans() -> nn.Module:
    return Calls(
        lambda net, x: net.conv(x[:, [True, False, True]]), conv=nn.Conv2d(2, 4, 1, bias=False)
    )


# A fast path of torch in evaluation.
class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = self.encoder(x, src_key_padding_mask=mask)
        return out


def attends() -> nn.Module:
    """Q, K, V and the output's projection, 8 x 8 a token, and 2 x 10 x 10 x 8."""
    return Calls(
        lambda net, x: net.attention(x, x, x)[0],
        attention=nn.MultiheadAttention(8, 2, bias=False, batch_first=True),
    )


def encodes() -> nn.Module:
    """Four projections of 8 x 8 and two of 8 x 16 a token, and 2 x 10 x 10 x 8."""
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, bias=False)


# State.
class Auxiliary(nn.Module):
    """A second head in training alone."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.auxiliary = conv(), conv(4, 64)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        if self.training:
            y = y + self.auxiliary(y).mean()
        return y


def scripted() -> nn.Module:
    made: nn.Module = torch.jit.script(Auxiliary())
    return made


def holds_a_script() -> nn.Module:
    return nn.Sequential(scripted(), nn.ReLU())


def traced() -> nn.Module:
    net = nn.Sequential(conv(), nn.BatchNorm2d(4)).eval()
    made: nn.Module = torch.jit.trace(net, torch.randn(1, 3, 8, 8))
    return made


class Merging(nn.Module):
    """One merged kernel in evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.down = conv(), conv(3, 2)
        self.up = nn.Conv2d(2, 4, 1, bias=False)
        self.merged = False

    def train(self, mode: bool = True) -> Merging:
        super().train(mode)
        self.merged = not mode
        return self

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x) if self.merged else self.conv(x) + self.up(self.down(x))
        return out


class Folding(Merging):
    """Weights are written as it is evaluated, once."""

    def train(self, mode: bool = True) -> Folding:
        if not mode and not self.merged:
            with torch.no_grad():
                self.conv.weight.add_(1.0)
        super().train(mode)
        return self


class StaysTraining(nn.Module):
    """Its second part is in training always: a batch norm after the merged convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.merging, self.auxiliary = Merging(), Auxiliary()

    def train(self, mode: bool = True) -> StaysTraining:
        super().train(mode)
        self.auxiliary.train()
        return self

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.merging(x) + self.auxiliary(x)
        return out


# Layers that torch does not know of.
class InList(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [conv(3, 8), nn.ReLU(), conv(8, 4)]

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class InDict(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.more = {"weight": nn.Parameter(torch.randn(4, 3, 3, 3))}

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.more["weight"])


def in_closure() -> nn.Module:
    hidden = conv()
    return Calls(lambda net, x: hidden(x))


# Buffers.
def sparse_buffer() -> nn.Module:
    net = Calls(lambda net, x: net.linear(x), linear=nn.Linear(6, 3, bias=False))
    net.register_buffer("adjacency", torch.eye(10).to_sparse())
    return net


def sparse_product() -> nn.Module:
    """Ten numbers that are not 0, times 3 columns."""
    net = Calls(lambda net, x: torch.sparse.mm(net.adjacency, net.linear(x[0])))
    net.linear = nn.Linear(6, 3, bias=False)
    net.register_buffer("adjacency", torch.eye(10).to_sparse())
    return net


def quantised_buffer() -> nn.Module:
    net = Calls(lambda net, x: net.linear(x), linear=nn.Linear(6, 3, bias=False))
    net.register_buffer("codes", torch.quantize_per_tensor(torch.ones(4), 0.1, 0, torch.qint8))
    return net


def window() -> nn.Module:
    """29 frames x 33 x 8 after a Fourier transform."""

    def forward(net: Calls, x: Tensor) -> Tensor:
        spectrum = torch.stft(x, 64, 16, window=net.window, return_complex=True, center=False)
        return net.linear(spectrum.abs().transpose(1, 2))

    net = Calls(forward, linear=nn.Linear(33, 8, bias=False))
    net.register_buffer("window", torch.hann_window(64))
    return net


# Randomness.
def drops_layers() -> nn.Module:
    def forward(net: Calls, x: Tensor) -> Tensor:
        for layer in net.layers:
            if not net.training or random.random() < 0.5:
                x = x + layer(x)
        return x

    layers = (nn.Conv2d(4, 4, 3, padding=1, bias=False) for _ in range(12))
    return Calls(forward, layers=nn.ModuleList(layers))


def drops_by_numpy() -> nn.Module:
    def forward(net: Calls, x: Tensor) -> Tensor:
        return net.conv(x) if not net.training or np.random.rand() < 2 else x

    return Calls(forward, conv=conv())


def drops_by_torch() -> nn.Module:
    def forward(net: Calls, x: Tensor) -> Tensor:
        times = int(torch.randint(1, 5, ())) if net.training else 1
        for _ in range(times):
            x = net.conv(x)
        return x

    return Calls(forward, conv=nn.Conv2d(4, 4, 3, padding=1, bias=False))


# What other counters cannot follow.
def takes_gradients() -> nn.Module:
    """The gradient of its input: forward, and back to the input."""

    def forward(net: Calls, x: Tensor) -> Tensor:
        with torch.enable_grad():
            y = x.detach().clone().requires_grad_()
            (gradient,) = torch.autograd.grad(net.conv(y).sum(), y)
        return gradient

    return Calls(forward, conv=conv())


def chooses_by_cond() -> nn.Module:
    """The first branch where the sum is large, which it is not."""

    def forward(net: Calls, x: Tensor) -> Tensor:
        out: Tensor = torch.cond(x.sum() > 1e9, lambda y: net.conv(net.conv(y)), net.conv, (x,))
        return out

    return Calls(forward, conv=nn.Conv2d(3, 3, 1, bias=False))


def autocasts() -> nn.Module:
    def forward(net: Calls, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out: Tensor = net.conv(x)
        return out

    return Calls(forward, conv=conv())


def parallel() -> nn.Module:
    return nn.DataParallel(conv())


def maps() -> nn.Module:
    return Calls(lambda net, x: torch.vmap(net.conv)(x[:, None])[:, 0], conv=conv())


def exported() -> nn.Module:
    made: nn.Module = torch.export.export(conv().eval(), (torch.randn(1, 3, 8, 8),)).module()
    return made


def quantised() -> nn.Module:
    """A linear layer in int8: packed weights and a bias."""
    return torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(8, 16)))


class SharedActivation(nn.Module):
    """One activation in two blocks, and twice in one, as detectors have it."""

    def __init__(self) -> None:
        super().__init__()
        act = nn.SiLU()
        self.first = nn.Sequential(conv(), act)
        self.second = nn.Sequential(conv(4, 4), act, act)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))  # type: ignore[no-any-return]


def autocasts_a_bias() -> nn.Module:
    class Casts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.conv(x)  # type: ignore[no-any-return]

    return Casts()
