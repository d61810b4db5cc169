"""What is timed: converted as asked, looked at, refused where it cannot run; a copy."""

import copy
import shutil
import threading

import pytest
import torch
from torch import Tensor, nn

from cnnbench import build
from cnnbench.devices.device import Device, find_device
from cnnbench.errors import CnnbenchError, DeviceError, InputError, MemoryShortage, SpecError
from cnnbench.models.network import Model
from cnnbench.timing.by_layer.onednn import reorders
from cnnbench.timing.preparing.builder import largest_batch
from cnnbench.timing.preparing.prepared import Prepared, prepare, ready
from cnnbench.timing.setting import Setting, check

from ..zoo import costly

CPU = find_device("cpu")
PLAIN = Setting()


def subject(
    model: Model, setting: Setting = PLAIN, shape: tuple[int, ...] | None = (3, 32, 32)
) -> Prepared:
    return prepare(ready(model, shape, setting, CPU), setting, CPU)


def small() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
    )


class Branching(nn.Module):
    """Its forward cannot be followed."""

    def __init__(self) -> None:
        super().__init__()
        self.net = small()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out if float(out.sum()) > 1e9 else out * 2


class Scaled(nn.Module):
    """Its numbers are multiplied by so much."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.first, self.second, self.by = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), by

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.second(self.first(x * self.by))
        return out


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_it_runs_as_the_setting_says(dtype: str, channels_last: bool) -> None:
    given = []
    net = small()
    net.register_forward_hook(lambda module, inputs, output: given.append((inputs[0], output)))
    one = subject(net, Setting(batch=2, dtype=dtype, channels_last=channels_last))
    assert one.seconds(2) > 0
    x, out = given[-1]
    assert (tuple(x.shape), str(x.dtype)) == ((2, 3, 32, 32), f"torch.{dtype}")
    assert x.is_contiguous(memory_format=torch.channels_last) is channels_last
    assert out.is_inference() and not out.requires_grad
    assert one.trace.dtype == dtype and one.trace.total.macs == 2 * 8 * 32 * 32 * 27
    weight = next(one.network.net.parameters())
    assert weight.is_contiguous(memory_format=torch.channels_last) is channels_last
    assert abs(float(x.float().mean())) < 0.1 and 0.9 < float(x.float().std()) < 1.1


def test_the_same_seed_gives_the_same_network_and_input() -> None:
    def drawn(seed: int) -> tuple[Tensor, Tensor]:
        network = ready("resnet20", None, Setting(), CPU, seed)
        (x,) = network.arguments(1, torch.device("cpu"), seed).positional
        return next(network.net.parameters()), x

    before = torch.get_rng_state()
    first, again, other = drawn(1), drawn(1), drawn(2)
    assert all(map(torch.equal, first, again)) and not any(map(torch.equal, first, other))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_module_of_the_users_is_copied_and_left_as_it_was() -> None:
    net = small().train()
    saved = copy.deepcopy(net.state_dict())
    for setting in (Setting(dtype="float64"), Setting(train=True, batch=2), Setting(fuse=True)):
        subject(net, setting).seconds()
    assert net.training and all(p.requires_grad and p.grad is None for p in net.parameters())
    assert all(torch.equal(saved[key], value) for key, value in net.state_dict().items())


def test_a_training_step_reaches_every_parameter() -> None:
    one = subject("resnet20", Setting(train=True, batch=2), None)
    one.seconds()
    parameters = list(one.network.net.parameters())
    first = [p.grad.clone() for p in parameters if p.grad is not None]
    assert len(first) == len(parameters) and one.trace.trained
    one.seconds()
    assert all(
        torch.allclose(before, p.grad, rtol=1e-2, atol=1e-3)
        for before, p in zip(first, parameters, strict=True)
        if p.grad is not None
    ), "gradients are of one step, not summed up"


@pytest.mark.parametrize("model", ["resnet20", "mobilenet_v2@resolution=64", "googlenet"])
def test_fusing_folds_batch_norm_and_changes_no_output(model: str) -> None:
    plain, fused = (ready(model, None, Setting(fuse=fuse), CPU) for fuse in (False, True))
    kinds = [{type(module) for module in network.net.modules()} for network in (plain, fused)]
    assert nn.BatchNorm2d not in kinds[1]
    (x,) = plain.arguments(1, torch.device("cpu"), 0).positional
    with torch.inference_mode():
        assert torch.allclose(plain.net(x), fused.net(x), rtol=1e-3, atol=1e-4)
    if nn.BatchNorm2d in kinds[0]:
        traces = [prepare(net, Setting(), CPU).trace for net in (plain, fused)]
        assert len(traces[1].operators) < len(traces[0].operators)
        assert traces[0].total.macs == traces[1].total.macs


def test_what_cannot_be_fused_is_said() -> None:
    with pytest.raises(InputError, match="--fuse cannot follow Branching's forward"):
        ready(Branching(), (3, 32, 32), Setting(fuse=True), CPU)

    shared = nn.Conv2d(3, 3, 1)
    twice = nn.Sequential(shared, nn.BatchNorm2d(3), shared)
    nn.init.normal_(twice[1].running_mean, 5.0)
    with pytest.raises(InputError, match="--fuse changes what Sequential computes"):
        ready(twice, (3, 8, 8), Setting(fuse=True), CPU)


@pytest.mark.parametrize(
    ("by", "name", "words"),
    [
        (float("nan"), "not_finite", "NaN or infinity from first on"),
        (1e38, "not_finite", "from"),
        (1e-42, "denormal", "of first's output is denormal"),
    ],
)
def test_numbers_that_lie_about_time_are_named(by: float, name: str, words: str) -> None:
    net = Scaled(by)
    with torch.no_grad():
        for layer in (net.first, net.second):
            layer.weight.fill_(1.0 if by < 1 or by != by else 10.0)
            assert layer.bias is not None
            layer.bias.zero_()
    (warning,) = subject(net).warnings
    assert warning.name == name and words in warning.text


def test_a_healthy_network_has_no_cautions() -> None:
    assert subject("resnet20", shape=None).warnings == []


class Raising(nn.Module):
    """Its forward fails on values, not on shapes."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.conv, self.error = nn.Conv2d(3, 4, 1), error

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_meta:
            raise self.error
        return self.conv(x)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ValueError("no such luck\nmore"), InputError, "cannot run: ValueError: no such luck"),
        (MemoryError("1 TB"), MemoryShortage, "does not fit: 1 TB"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
            MemoryShortage,
            "does not fit",
        ),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has"),
            MemoryShortage,
            "does not fit: 20.00 MiB more",
        ),
        (
            RuntimeError(
                "DefaultCPUAllocator: can't allocate memory: tried to allocate 2048 bytes."
            ),
            MemoryShortage,
            "does not fit: 2.00 KiB more could not be allocated",
        ),
    ],
)
def test_a_pass_that_fails_is_one_line(
    error: Exception, kind: type[CnnbenchError], words: str
) -> None:
    with pytest.raises(kind, match="Raising") as caught:
        subject(Raising(error))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_what_cannot_fit_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Device, "free_bytes", lambda self: 3 * 2**20)
    net = small()
    holds = subject(net).trace.peak_activation_bytes
    with pytest.raises(MemoryShortage, match=r"holds .* at batch 1000; cpu has 3.00 MiB free"):
        subject(net, Setting(batch=1000))
    setting = Setting(batch=1000)
    said = largest_batch(ready(net, (3, 32, 32), setting, CPU), setting, CPU)
    most = 3 * 2**20 // holds
    fits, failed = (int(word) for word in said.replace("(", "").split() if word.isdecimal())
    assert fits <= most < failed <= fits + max(1, fits // 8) and "did fit" in said
    monkeypatch.setattr(Device, "free_bytes", lambda self: 1)
    assert largest_batch(ready(net, (3, 32, 32), setting, CPU), setting, CPU) == (
        "not even batch 1 fits"
    )


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (Setting(backend="graph"), "needs a CUDA device"),
        (Setting(backend="graf"), r"no backend 'graf' \(did you mean graph\?\); there is eager"),
        (Setting(fuse=True, train=True), "leave one of them out"),
        (Setting(batch=0), "batch 0 makes no sense"),
    ],
)
def test_what_no_network_can_do(setting: Setting, words: str) -> None:
    with pytest.raises(CnnbenchError, match=words):
        check(setting, CPU)


def test_what_is_no_model() -> None:
    with pytest.raises(SpecError, match="int is no model"):
        ready(3, None, Setting(), CPU)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="does not say what input it takes"):
        ready(small(), None, Setting(), CPU)
    with pytest.raises(InputError, match=r"cannot take 5x8x8.*expects 3 channels"):
        subject(small(), shape=(5, 8, 8))
    with pytest.raises(DeviceError):
        check(Setting(dtype="float64"), Device(torch.device("mps")))


def test_what_cannot_be_copied_is_said() -> None:
    net = small()
    net.lock = threading.Lock()
    with pytest.raises(InputError, match="Sequential cannot be copied: cannot pickle"):
        subject(net)


def test_a_compiled_module_is_timed_as_the_original() -> None:
    net = build("lenet5_dense")
    assert subject(torch.compile(net), shape=(1, 32, 32)).network.net is not net  # type: ignore[arg-type]


@costly
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler")
def test_frozen_weights_are_packed_once() -> None:
    """In every pass of eager they are packed anew, by oneDNN's own log; the outputs are alike."""
    wide = nn.Sequential(nn.Conv2d(256, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU()).eval()
    runs = {
        name: subject(wide, Setting(backend=name), (256, 7, 7)).run for name in ("eager", "freeze")
    }
    with torch.inference_mode():
        outputs = [run() for run in runs.values()]
        logged = {name: reorders(run) for name, run in runs.items()}
    assert isinstance(outputs[0], Tensor) and isinstance(outputs[1], Tensor)
    assert torch.allclose(outputs[0], outputs[1], atol=1e-4)
    if (eager := logged["eager"]) is not None and eager.packed_bytes:
        assert logged["freeze"] is None or logged["freeze"].packed_bytes == 0


def test_what_is_frozen_does_not_train() -> None:
    with pytest.raises(DeviceError, match="freeze does not train; leave --train out"):
        check(Setting(backend="freeze", train=True), CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_graph_replays_what_eager_computes() -> None:
    gpu = find_device("cuda")
    network = ready("resnet20", None, Setting(), gpu)
    eager, graph = (prepare(network, Setting(backend=name), gpu) for name in ("eager", "graph"))
    assert graph.seconds() > 0
    torch.testing.assert_close(eager.run(), graph.run())
