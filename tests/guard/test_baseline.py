"""The baseline file: how it reads, and that none that is broken ever passes."""

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnbench.counting.count import count
from cnnbench.errors import BaselineError
from cnnbench.guard import baseline as baselines
from cnnbench.guard.baseline import Baseline
from cnnbench.guard.costs import Costs, Layer, costs

from .scratch import CONFIG, Scratch

numbers = st.integers(0, 2**60)
texts = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), max_size=12)
layers = st.builds(
    Layer,
    layer=texts,
    does=texts,
    output=texts,
    **dict.fromkeys(("params", "macs", "bytes_moved", "live_bytes"), numbers),
)


@given(st.dictionaries(texts, st.lists(layers, min_size=1, max_size=3), max_size=3))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, models: dict) -> None:
    made = {
        label: Costs(
            input=[[1, 3, 8, 8]],
            dtype="float32",
            macs=sum(layer.macs for layer in parts),
            params=sum(layer.params for layer in parts),
            peak_activation_bytes=max(layer.live_bytes for layer in parts),
            activations=0,
            elementwise_flops=0,
            bytes_moved=sum(layer.bytes_moved for layer in parts),
            uncounted={"sinc": 1} if label else {},
            layers=parts,
        )
        for label, parts in models.items()
    }
    file = tmp_path_factory.getbasetemp() / "written.json"
    file.write_text(baselines.as_text(Baseline(models=made)), "utf-8", newline="\n")
    assert baselines.read(file).models == made


def test_one_line_a_model_and_layer_and_models_sorted() -> None:
    made = {name: costs(count(name)) for name in ("vgg16", "lenet5")}
    text = baselines.as_text(Baseline(models=made))
    lines = text.splitlines()
    assert len(lines) == 9 + sum(2 + len(model.layers) for model in made.values())
    assert [line.split('"')[1] for line in lines[7:] if line.startswith('"')] == ["lenet5", "vgg16"]
    json.loads(text)


def edited(scratch: Scratch, old: str, new: str) -> None:
    text = scratch.baseline.read_text("utf-8")
    assert old in text
    scratch.baseline.write_text(text.replace(old, new, 1), "utf-8")


def test_a_file_that_is_broken_is_never_a_pass(scratch: Scratch) -> None:
    good = scratch.baseline.read_text("utf-8")
    head, digest, model, first = (good.splitlines()[i].rstrip(",") for i in (0, 2, 7, 8))
    assert model.startswith('"nets:Net 3x16x16"') and "features.0" in first and head == "{"
    macs = json.loads(good)["models"]["nets:Net 3x16x16"]["macs"]
    cases = {
        "": "is empty",
        "   \n": "is empty",
        "nonsense": "line 1: no JSON",
        "[]": "is no baseline",
        "{}": "has no format",
        "null": "is no baseline",
        good[: len(good) // 2]: "no JSON",
        good.replace('"format": 2', '"format": 3'): "written by a newer cnnbench (0.1.0, format 3",
        good.replace('"format": 2', '"format": true'): "has no format",
        good.replace('"format": 2', '"format": 1'): "was changed after it was recorded",
        good.replace(digest, '"digest": ""'): "was changed after it was recorded",
        good.replace(f"{digest},\n", ""): "was changed after it was recorded",
        good.replace("features.0", "features.1", 1): "was changed after it was recorded",
        good.replace(f'"macs": {macs}', f'"macs": "{macs}"', 1): "line 8",
        good.replace("[[1,", '[["1",', 1): "line 8",
        good.replace("2 x MACs", "MACs"): "counted by another convention",
        good.replace(f'"macs": {macs}', '"macs": -1', 1): "line 8: nets:Net 3x16x16: macs input",
        good.replace(f'"macs": {macs}', f'"macs": {macs + 1}', 1): "is not that of its layers",
        good.replace(f'"macs": {macs}', f'"macs": {float(macs)}', 1): "line 8",
        good.replace(f'"macs": {macs}', '"macs": 1e999', 1): "line 8",
        good.replace(f'"macs": {macs}', '"macs": NaN', 1): "NaN is no cost",
        good.replace(f'"macs": {macs}', f'"macs": {10**40}', 1): "line 8",
        good.replace(f'"macs": {macs}', f'"macs": {"9" * 5000}', 1): "record it anew",
        good.replace('"macs": 55296', '"macs": -5', 1): "line 9: nets:Net 3x16x16: macs",
        good.replace('"dtype"', '"dtipe"'): "line 8",
        good.replace(
            '"dtype": "float32"', '"dtype": "float32", "dtype": "float16"'
        ): "stands in it",
        good.replace("{\n", "{\n<<<<<<< HEAD\n", 1): "line 2: a conflict that git left",
        good.replace("\n}", "\n=======\n}", 1): "a conflict that git left",
        "[" * 10**5: "record it anew",
        good.replace("features.0", "\\ud800"): "was changed after it was recorded",
        good.replace("features.0", "\\u001b[31m\\n"): "was changed after it was recorded",
        "\n".join([*good.splitlines()[:8], "]}", "}", "}"]): "is not that of its layers, 0",
    }
    for text, complaint in cases.items():
        scratch.baseline.write_text(text, "utf-8")
        assert scratch.run("check") == 2, complaint
        assert scratch.err.count("\n") == 1 and complaint in scratch.err, (complaint, scratch.err)
    scratch.baseline.write_bytes(good.encode() + b"\xff")
    assert scratch.run("check") == 2 and "no UTF-8" in scratch.err
    assert scratch.run("baseline") == 0  # which mends it
    assert scratch.baseline.read_text("utf-8") == good


def test_a_change_of_any_text_is_seen(scratch: Scratch) -> None:
    """Each number, word and pair of lines of it, which a merge by hand may have left otherwise."""
    good = scratch.baseline.read_text("utf-8")
    words = list(re.finditer(r"\d+|[A-Za-z]+", good))
    lines = good.splitlines()
    texts = [
        f"{good[: word.start()]}{_other(word[0])}{good[word.end() :]}"
        for word in words
        if word.start() > good.index("cnnbench")
    ]
    texts += ["\n".join([*lines[:at], *lines[at + 1 :]]) for at in range(2, len(lines))]
    texts += [
        "\n".join(
            [*lines[:at], f"{lines[at + 1].rstrip(',')},", lines[at].rstrip(","), *lines[at + 2 :]]
        )
        for at in range(8, len(lines) - 3)
    ]
    assert len(texts) > 100
    for text in texts:
        scratch.baseline.write_text(text, "utf-8")
        with pytest.raises(BaselineError):
            baselines.read(scratch.baseline)


def _other(word: str) -> str:
    return str(int(word) + 1) if word.isdecimal() else word.swapcase()


NAMES = ["\u202e", "\n", "\x1b[31m", "\u3000", "\u200d", "::error::", "\udc80"]


def test_whatever_a_layer_is_called_is_recorded_and_checked(scratch: Scratch) -> None:
    scratch.change(
        "self.head = nn.Linear(16, 10)",
        f"self.head = nn.Sequential(nn.Linear(16, 10))\n        for name in {NAMES!r}:\n"
        "            self.head.add_module(name, nn.Linear(10, 10))",
    )
    assert scratch.run("baseline") == 0 and scratch.run("check", "--strict") == 0
    text = scratch.baseline.read_text("utf-8")
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    scratch.change("nn.Linear(10, 10)", "nn.Linear(10, 10, bias=False)")
    assert scratch.run("check") == 0 and scratch.run("check", "--strict") == 1


def test_an_old_one_that_cannot_be_read_is_named(scratch: Scratch) -> None:
    edited(scratch, '"params"', '"parms"')
    assert scratch.run("baseline") == 0
    assert "compared with nothing: cnnbench-baseline.json, line 8" in " ".join(scratch.out.split())


def test_how_it_is_laid_out_is_no_change(scratch: Scratch) -> None:
    good = baselines.read(scratch.baseline)
    content = json.loads(scratch.baseline.read_text("utf-8"))
    scratch.baseline.write_text(json.dumps(content, indent=4, sort_keys=True), "utf-8")
    assert baselines.read(scratch.baseline) == good


def test_what_an_older_one_recorded_is_read_with_a_note(scratch: Scratch) -> None:
    content = json.loads(scratch.baseline.read_text("utf-8"))
    del content["digest"]
    scratch.baseline.write_text(json.dumps({**content, "format": 1}), "utf-8")
    assert scratch.run("check", "--strict") == 0
    assert scratch.out.count("recorded by an older cnnbench") == 1
    assert scratch.run("baseline") == 0 and scratch.run("check") == 0
    assert "older" not in scratch.out


def test_a_file_cut_anywhere_is_never_a_pass(scratch: Scratch) -> None:
    good = scratch.baseline.read_text("utf-8")
    for end in range(0, len(good.rstrip()), 37):
        scratch.baseline.write_text(good[:end], "utf-8")
        with pytest.raises(BaselineError, match="cnnbench baseline"):
            baselines.read(scratch.baseline)


def test_only_a_baseline_is_overwritten(scratch: Scratch) -> None:
    package = scratch.folder / "package.json"
    package.write_text('{"name": "something else"}')
    scratch.write("pyproject.toml", "[tool.cnnbench]\nbaseline = 'package.json'\n" + CONFIG)
    assert scratch.run("baseline") == 2
    assert "package.json is not overwritten, since it does not look like" in scratch.err
    assert package.read_text() == '{"name": "something else"}'
    package.write_text('{"a": 1}\n{"b": 2}\n')  # no JSON as a whole, and somebody's all the same
    assert scratch.run("baseline") == 2
    assert package.read_text() == '{"a": 1}\n{"b": 2}\n'


def test_a_write_that_is_interrupted_leaves_the_old_one(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = scratch.baseline.read_text("utf-8")
    scratch.change("nn.Linear(16, 10)", "nn.Linear(16, 11)")

    def interrupted(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        assert scratch.run("baseline") == 130
    assert scratch.baseline.read_text("utf-8") == before
    names = set(os.listdir(scratch.folder))
    assert names == {".git", "nets.py", "pyproject.toml", "cnnbench-baseline.json"}
    assert scratch.run("baseline") == 0
    assert scratch.baseline.read_text("utf-8") != before


def test_only_one_model_is_recorded_anew_and_a_broken_file_is_not_half_kept(
    scratch: Scratch,
) -> None:
    more = '\n[[tool.cnnbench.model]]\nname = "lenet5"\n'
    scratch.write("pyproject.toml", CONFIG + more)
    assert scratch.run("baseline", "--only", "lenet5") == 0
    assert "1 model recorded" in scratch.out
    assert set(baselines.read(scratch.baseline).models) == {"lenet5", "nets:Net 3x16x16"}
    scratch.baseline.write_text("{")
    assert scratch.run("baseline", "--only", "lenet5") == 2
    assert scratch.baseline.read_text() == "{"


def test_one_that_cannot_be_counted_keeps_its_record_and_the_others_are_recorded(
    scratch: Scratch,
) -> None:
    before = baselines.read(scratch.baseline).models
    (first, *_) = before
    nets = (scratch.folder / "nets.py").read_text("utf-8")
    scratch.write("pyproject.toml", CONFIG + MORE)
    scratch.write("nets.py", nets + BROKEN)
    assert scratch.run("baseline") == 1
    assert "no weights here" in scratch.err
    after = baselines.read(scratch.baseline).models
    assert after[first] == before[first]
    assert not any("broken" in label for label in after) and any("asks" in one for one in after)
    scratch.write("nets.py", nets + BROKEN.replace("raise ValueError", "return nn.ReLU() #"))
    assert scratch.run("baseline") == 0
    scratch.write("nets.py", nets + BROKEN)
    assert scratch.run("baseline") == 1
    assert any("broken" in label for label in baselines.read(scratch.baseline).models)


MORE = """
[[tool.cnnbench.model]]
name = "nets:broken"
input = "3x8x8"

[[tool.cnnbench.model]]
name = "nets:asks"
example = "nets:example"
set = { mode = "loss" }
"""
BROKEN = """

def broken():
    raise ValueError("no weights here")


class Asks(nn.Module):
    def __init__(self):
        super().__init__()
        self.idle = nn.Linear(4, 4)

    def forward(self, x, mode):
        return {"loss": x.sum() if x.sum() > -1e9 else x} if mode == "loss" else x


def asks():
    return Asks()


def example(batch=1):
    import torch

    return torch.ones(batch, 3, 8, 8)
"""
