"""Files of torch's: programs and TorchScript are counted, pickles are never opened."""

from __future__ import annotations

import os
import pickle
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from cnnbench import build, count
from cnnbench.errors import CnnbenchError

NAMES = ("lenet5", "mobilenet_v1@width_mult=0.25,resolution=64", "separable")


class Trap:
    """What leaves a file behind where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.file),)


def program(net: nn.Module, file: Path, shape: tuple[int, ...]) -> Path:
    x = torch.randn(2, *shape)
    batch = torch.export.Dim("batch")
    torch.export.save(torch.export.export(net, (x,), dynamic_shapes=({0: batch},)), file)
    return file


@pytest.mark.parametrize("name", NAMES)
def test_programs_and_archives_count_like_their_network(name: str, tmp_path: Path) -> None:
    net, own = build(name).eval(), count(name)
    (image,) = own.input_shapes
    file = program(net, tmp_path / "net.pt2", image[1:])
    found = count(str(file))  # its input is its example's
    assert (found.total, found.peak_activation_bytes) == (own.total, own.peak_activation_bytes)
    assert {op.path for op in found.operators} == {op.path for op in own.operators}
    assert count(str(file), batch=3).total.macs == 3 * own.total.macs
    for suffix in (".ts", ".pt"):
        torch.jit.save(torch.jit.trace(net, torch.randn(1, *image[1:])), tmp_path / f"net{suffix}")
        found = count(str(tmp_path / f"net{suffix}"), image[1:])
        assert (found.total.macs, found.total.params) == (own.total.macs, own.total.params)


def refused(file: Path) -> str:
    with pytest.raises(CnnbenchError) as caught:
        count(str(file), (1, 8, 8))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    left = tmp_path / "left"
    trap = Trap(left)
    torch.save(trap, tmp_path / "new.pt")
    torch.save({"w": torch.ones(2), "x": trap}, tmp_path / "state.ts")
    torch.save(trap, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "bare.pt2").write_bytes(pickle.dumps(trap))
    for name in ("new.pt", "state.ts", "old.pt", "bare.pt2"):
        assert "pickle" in refused(tmp_path / name)
    assert not left.exists()


def test_pickles_within_a_program_are_never_opened(tmp_path: Path) -> None:
    """Its example, a weight that says it is a pickle, a constant that is an object."""
    left = tmp_path / "left"
    whole = program(nn.Conv2d(1, 4, 3), tmp_path / "whole.pt2", (1, 8, 8))
    torch.save(Trap(left), tmp_path / "trap")
    trap = (tmp_path / "trap").read_bytes()
    changes = {
        "sample_inputs/model.pt": lambda _: trap,
        "weights/model_weights_config.json": lambda text: text.replace(
            b'"use_pickle": false', b'"use_pickle": true'
        ),
        "weights/weight_0": lambda _: trap,
        "constants/model_constants_config.json": lambda _: (
            b'{"config": {"c": {"path_name": "custom_obj_0", "is_param": false, '
            b'"use_pickle": false, "tensor_meta": null}}}'
        ),
    }
    for name, change in changes.items():
        file = tmp_path / "changed.pt2"
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(file, "w") as new:
            for entry in old.namelist():
                data = old.read(entry)
                new.writestr(entry, change(data) if entry.endswith(name) else data)
        try:
            count(str(file), (1, 8, 8))
        except CnnbenchError as error:
            assert "\n" not in str(error)
        assert not left.exists(), name


EVIL = "__import__('os').mkdir({!r}) or "


def test_expressions_and_operators_of_a_program_are_looked_at(tmp_path: Path) -> None:
    """torch's loader evaluates what a program says of its sizes, and loads compiled code."""
    left = tmp_path / "left"
    whole = program(nn.Conv2d(1, 4, 3), tmp_path / "whole.pt2", (1, 8, 8))
    changes = {
        "expr_str": lambda text: text.replace(
            '"expr_str": "', '"expr_str": "' + EVIL.format(str(left)), 1
        ),
        "target": lambda text: text.replace("torch.ops.aten.conv2d.default", "os.mkdir"),
        "from_file": lambda text: text.replace("aten.conv2d.default", "aten.from_file.default"),
    }
    for name, change in changes.items():
        file = tmp_path / f"{name}.pt2"
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(file, "w") as new:
            for entry in old.namelist():
                data = old.read(entry)
                changed = change(data.decode()).encode() if entry.endswith("model.json") else data
                assert not entry.endswith("model.json") or changed != data, name
                new.writestr(entry, changed)
        assert "could do anything" in refused(file)
        assert not left.exists()
    shutil.copy(whole, tmp_path / "compiled.pt2")
    with zipfile.ZipFile(tmp_path / "compiled.pt2", "a") as archive:
        archive.writestr("whole/data/aotinductor/model/x.so", b"")
    assert "compiled code" in refused(tmp_path / "compiled.pt2")
    shutil.copy(whole, tmp_path / "twice.pt2")
    with zipfile.ZipFile(tmp_path / "twice.pt2", "a") as archive:
        archive.writestr("whole/MODELS/model.json", b"{}")
    assert "twice" in refused(tmp_path / "twice.pt2")


@pytest.mark.parametrize("data", [b"", b"\0" * 9, b"PK\3\4 and no more", b"text"])
@pytest.mark.parametrize("suffix", ["pt", "pt2", "ts"])
def test_what_is_no_archive(data: bytes, suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"net.{suffix}").write_bytes(data)
    assert "no archive" in refused(tmp_path / f"net.{suffix}")


def test_a_script_says_what_input_to_give(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(nn.Conv2d(1, 4, 3)), tmp_path / "net.ts")
    with pytest.raises(CnnbenchError, match="--input"):
        count(str(tmp_path / "net.ts"))
