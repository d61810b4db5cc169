"""What a user says of a forward's arguments: read, written, read again by another process."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume
from hypothesis import given as drawn
from hypothesis import strategies as st
from torch import Tensor, nn

from cnnbench import count
from cnnbench.errors import CnnbenchError, InputError, ShapeError
from cnnbench.models.arguments import shapes_of
from cnnbench.models.examples import from_file, mapped, tensors
from cnnbench.models.given import Given, On, parse_flags
from cnnbench.models.inputs import Input, parse_input

names = st.from_regex(r"[a-z_][a-z0-9_]{0,5}(\.[a-z_][a-z0-9_]{0,5}){0,2}", fullmatch=True)
shapes = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)
inputs = st.one_of(
    st.builds(Input, shapes, st.just("") | names, st.sampled_from(["", "int64", "float16"])),
    st.builds(
        Input, st.just(()), st.just("") | names, items=st.lists(shapes, min_size=1).map(tuple)
    ),
    st.builds(Input, st.just(()), st.just("") | names, file=st.just("photo.npy")),
)


@drawn(inputs)
def test_an_input_is_read_as_it_is_written(one: Input) -> None:
    assert parse_input(str(one)) == one


@drawn(
    st.lists(inputs, max_size=3, unique_by=lambda one: one.name.partition(".")[0] or str(one)),
    st.lists(st.tuples(st.text(), st.text() | st.integers() | st.booleans() | st.none())),
    st.booleans(),
)
def test_another_process_reads_the_same(some: list[Input], flags: list[Any], put: bool) -> None:
    assume(not {one.name.partition(".")[0] for one in some} & {name for name, _ in flags})
    one = Given(tuple(some), "", tuple(flags), put, On.VALUES)
    assert Given.read(json.loads(json.dumps(one.plain()))) == one


def test_flags_are_numbers_truths_and_texts() -> None:
    texts = ["mode=loss", "n=3", "x=0.5", "deep=true", "none=None", "empty=", 'quoted="3"']
    assert dict(parse_flags(texts)) == {
        "mode": "loss",
        "n": 3,
        "x": 0.5,
        "deep": True,
        "none": None,
        "empty": "",
        "quoted": "3",
    }
    for bad in (["mode"], ["=3"], ["a=1", "a=2"]):
        with pytest.raises(ShapeError):
            parse_flags(bad)


def test_dicts_lists_and_flags_become_arguments() -> None:
    texts = ("3x8x8", "batch.image=3x8x8", "batch.more.ids:int64=4", "boxes=[2x4,3x4]")
    asked = Given(tuple(map(parse_input, texts)), flags=(("mode", "loss"),))
    found = shapes_of(asked, 2, torch.float32)
    assert [tuple(x.shape) for x in found.positional] == [(2, 3, 8, 8)]
    assert found.named["batch"]["image"].shape == (2, 3, 8, 8)
    assert found.named["batch"]["more"]["ids"].dtype == torch.int64
    assert [tuple(x.shape) for x in found.named["boxes"]] == [(2, 4), (3, 4)] * 2
    assert found.named["mode"] == "loss"
    assert len(found.tensors) == 7


def test_without_a_batch_shapes_are_as_they_are() -> None:
    asked = Given((parse_input("10x16"), parse_input("edges:int64=2x30")), batched=False)
    found = shapes_of(asked, 1, torch.float32)
    assert found.positional[0].shape == (10, 16) and found.named["edges"].shape == (2, 30)
    with pytest.raises(ShapeError, match="leave --batch out"):
        shapes_of(asked, 2, torch.float32)


@dataclasses.dataclass
class Sample:
    image: Tensor
    size: int = 3


class Takes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, bias=False)
        self.example_input_array = torch.ones(5, 3, 8, 8)

    def forward(self, x: Any, mode: str = "") -> Any:
        x = x.image if isinstance(x, Sample) else x
        x = torch.stack(x) if isinstance(x, list) else x
        y = self.conv(x)
        return {"loss": y.mean()} if mode == "loss" else y


def test_structures_are_kept() -> None:
    held = {"a": [torch.ones(2), (torch.ones(3), 5)], "b": Sample(torch.ones(4)), "c": "text"}
    doubled = mapped(held, lambda x: 2 * x)
    assert [float(x.sum()) for x in tensors(doubled)] == [4, 6, 8]
    assert [float(x.sum()) for x in tensors(held)] == [2, 3, 4]
    assert doubled["b"].size == 3 and doubled["a"][1][1] == 5 and doubled["c"] == "text"


EXAMPLES = """
import torch
from tests.models.test_given import Sample

tensor = torch.ones(2, 3, 8, 8)
arguments = (tensor, "loss")
keywords = {"x": tensor, "mode": "loss"}
both = ((tensor,), {"mode": "loss"})
sample = Sample(tensor)
listed = [tensor[0], tensor[1]]

def made(batch=1):
    return torch.ones(batch, 3, 8, 8)

def fixed():
    return tensor

def broken():
    raise ValueError("no such data")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "examples.py").write_text(EXAMPLES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "batch", "images"),
    [
        *((name, 1, 2) for name in ("tensor", "arguments", "keywords", "both", "sample")),
        *(("listed", 1, 2), ("fixed", 1, 2), ("made", 1, 1), ("made", 4, 4)),
    ],
)
def test_examples(name: str, batch: int, images: int, folder: Path) -> None:
    found = count(Takes(), Given(example=f"examples.py:{name}"), batch=batch)
    assert found.total.macs == images * 3888


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("examples.py:nothing", "has no 'nothing'"),
        ("nowhere.py:x", r"there is no file nowhere\.py"),
        ("examples.py", r"write FILE\.py:NAME"),
        ("examples.py:broken", "ValueError: no such data"),
    ],
)
def test_examples_that_are_none(text: str, said: str, folder: Path) -> None:
    with pytest.raises(CnnbenchError, match=said):
        count(Takes(), Given(example=text))


def test_an_example_that_takes_no_batch(folder: Path) -> None:
    with pytest.raises(ShapeError, match="leave --batch 2 out"):
        count(Takes(), Given(example="examples.py:fixed"), batch=2)


def test_a_network_that_carries_an_example_is_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    spec = "tests.models.test_given:Takes"
    assert count(spec).input_shapes == ((1, 3, 8, 8),)
    assert count(spec, batch=7).total.macs == 7 * 3888
    assert count(spec, "3x9x9").input_shapes == ((1, 3, 9, 9),)


def test_files_of_numbers(folder: Path) -> None:
    numbers = np.arange(3 * 8 * 8, dtype=np.float64).reshape(3, 8, 8)
    np.save("one.npy", numbers)
    np.savez("one.npz", numbers)
    np.savez("two.npz", a=numbers, b=numbers)
    for text in ("one.npy", "one.npz", "two.npz:b"):
        assert from_file(text).shape == (3, 8, 8)
        assert count(Takes(), [f"@{text}"], batch=2).total.macs == 2 * 3888
    with pytest.raises(InputError, match=r"name one: two\.npz:a"):
        from_file("two.npz")
    with pytest.raises(InputError, match="has no 'c'"):
        from_file("two.npz:c")


def test_images(folder: Path) -> None:
    images = pytest.importorskip("PIL.Image")
    images.new("RGB", (6, 4), (255, 0, 51)).save("red.png")
    found = from_file("red.png")
    assert found.shape == (3, 4, 6)
    assert found.mean((1, 2)).tolist() == pytest.approx([1.0, 0.0, 0.2])


def test_safetensors(folder: Path) -> None:
    files = pytest.importorskip("safetensors.torch")
    files.save_file({"x": torch.ones(3, 8, 8)}, "one.safetensors")
    assert from_file("one.safetensors").shape == (3, 8, 8)


def test_no_pickle_is_opened(folder: Path) -> None:
    np.save("pickled.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    torch.save({"x": torch.ones(3)}, "weights.pt")
    with pytest.raises(InputError, match="cannot be read"):
        from_file("pickled.npy")
    for text, said in (
        ("weights.pt", r"is none of \.npy"),
        ("no.npy", r"there is no file no\.npy"),
    ):
        with pytest.raises(InputError, match=said):
            from_file(text)
