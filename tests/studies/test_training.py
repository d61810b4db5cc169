"""The training loop against sums done by hand, and the digits it is given."""

import math
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnbench.errors import CnnbenchError, InputError
from cnnbench.studies.depth.digits import digits, distorted
from cnnbench.studies.depth.training import Training, accuracy, mode, sgd, train

IMAGES = torch.randn(12, 4, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(12) % 3


def linear() -> nn.Linear:
    net = nn.Linear(4, 3)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    return net


def few(net: nn.Module, steps: int = 6, **options: Any) -> Training:
    return train(net, IMAGES, LABELS, steps=steps, **{"batch": 4, "optimiser": sgd(), **options})


def test_two_steps_are_those_of_the_formula() -> None:
    """SGD with momentum m and decay d: v = m v + (gradient + d w), w = w - rate v."""
    net, rate, momentum, decay = linear(), 0.5, 0.9, 0.1
    optimiser = sgd(rate, momentum, decay)
    found = train(net, IMAGES, LABELS, steps=2, batch=12, optimiser=optimiser)
    w, v = torch.zeros(3, 4), torch.zeros(3, 4)
    b, u = torch.zeros(3), torch.zeros(3)
    losses = []
    for _ in range(2):
        scores = IMAGES @ w.T + b
        losses.append(float(F.cross_entropy(scores, LABELS)))
        error = (scores.softmax(1) - F.one_hot(LABELS, 3)) / 12
        v = momentum * v + error.T @ IMAGES + decay * w
        u = momentum * u + error.sum(0) + decay * b
        w, b = w - rate * v, b - rate * u
    assert found.losses == pytest.approx(losses) and found.losses[0] == pytest.approx(math.log(3))
    torch.testing.assert_close(net.weight.data, w)
    torch.testing.assert_close(net.bias.data, b)


def test_a_seed_repeats_a_training_and_moves_nothing_of_the_callers() -> None:
    nets = [nn.Sequential(nn.Dropout(0.5), linear()) for _ in range(3)]
    before, numpys = torch.get_rng_state(), np.random.get_state()[1]
    first, again, other = (few(net, seed=seed) for net, seed in zip(nets, (0, 0, 1), strict=True))
    assert first.losses == again.losses != other.losses
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpys)  # type: ignore[arg-type]


def test_batches_are_full_and_of_every_image() -> None:
    """Each of four images once in every two steps of two; of four, where more are asked for."""
    seen: list[list[int]] = []

    class Seeing(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            seen.append([int(n) for n in x[:, 0]])
            return super().forward(x)

    images = torch.arange(4.0).repeat(4, 1).T
    for batch in (2, 100):
        seen.clear()
        train(Seeing(4, 3), images, LABELS[:4], steps=4, batch=batch, optimiser=sgd())
        assert [len(some) for some in seen] == [min(batch, 4)] * 4
        whole = [number for some in seen for number in some]
        assert [sorted(whole[n : n + 4]) for n in (0, 4)] == [[0, 1, 2, 3]] * 2


def test_each_layer_keeps_its_mode() -> None:
    net = nn.Sequential(nn.BatchNorm1d(4), linear())
    net[0].eval()
    few(net, 1)
    accuracy(net, IMAGES, LABELS)
    assert (net.training, net[0].training, net[1].training) == (True, False, True)
    with mode(net, training=False):
        assert not any(module.training for module in net.modules())


def test_an_interrupted_training_keeps_its_losses() -> None:
    def stop(done: int, of: int, loss: float) -> None:
        if done == 3:
            raise KeyboardInterrupt

    whole, cut = few(linear()), few(linear(), progress=stop)
    assert cut.interrupted and not whole.interrupted
    assert cut.losses == whole.losses[:3]


def test_a_training_ends_where_it_diverges() -> None:
    found = few(linear(), 50, optimiser=sgd(1e38))
    assert found.diverged and len(found.losses) < 50 and not few(linear()).diverged


def test_another_optimiser() -> None:
    net = linear()
    few(net, 1, optimiser=lambda parameters: torch.optim.SGD(parameters, lr=0.0))
    assert not net.weight.any()


def test_accuracy_is_counted() -> None:
    net = linear()
    assert accuracy(net, IMAGES, LABELS) == pytest.approx(1 / 3)  # all scores equal: class 0
    few(net, 400, optimiser=sgd(0.5))
    right = (net(IMAGES).argmax(1) == LABELS).sum()
    assert accuracy(net, IMAGES, LABELS) == int(right) / 12 > 1 / 3


def test_outputs_must_be_scores() -> None:
    with pytest.raises(InputError, match="returns 2 an image, which are no scores of 3 classes"):
        few(nn.Linear(4, 2))


def test_digits_are_divided_by_class() -> None:
    pytest.importorskip("sklearn")
    found = digits((3, 16, 12), seed=4)
    assert found.images.shape == (1437, 3, 16, 12) and found.held_images.shape == (360, 3, 16, 12)
    assert float(found.images.mean()) == pytest.approx(0, abs=1e-5)
    assert float(found.images.std()) == pytest.approx(1, abs=1e-4)
    assert torch.equal(found.images[:, 0], found.images[:, 2])
    whole = torch.cat([found.labels, found.held_labels]).bincount()
    assert whole.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert ((found.held_labels.bincount() - whole / 5).abs() < 1).all()
    again, other = digits((3, 16, 12), seed=4), digits((3, 16, 12), seed=5)
    assert torch.equal(found.held_images, again.held_images)
    assert not torch.equal(found.held_images, other.held_images)
    small = digits((1, 8, 8))  # at its own size nothing is interpolated
    assert small.images.unique().numel() == 17


def test_digits_need_an_image_and_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="which 128 is not"):
        digits((128,))
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(CnnbenchError, match=r"pip install 'cnnbench\[train\]'"):
        digits((1, 8, 8))


def test_digits_too_large_for_memory_are_refused() -> None:
    with pytest.raises(InputError, match=r"600x600 take .* give a resolution of 386 or less"):
        digits((3, 600, 600))


def test_distorted_copies_follow_the_images_and_stay_digits() -> None:
    given = digits((1, 16, 16))
    few = given.images[:5]
    made = distorted(few, 3, seed=1)
    assert made.shape == (20, 1, 16, 16) and torch.equal(made[:5], few)
    assert torch.equal(made, distorted(few, 3, seed=1))
    assert not torch.equal(made[5:10], made[10:15])
    assert made.min() >= few.min() - 1e-5 and made.max() <= few.max() + 1e-5  # mixtures of these
    moved = [(copy - few).abs().mean() / few.abs().mean() for copy in made[5:].split(5)]
    assert all(0.05 < share < 1 for share in moved)
