"""`cnnbench flops`, `show` and `list` by running them as a person does."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from cnnbench import __version__

from ..commands import ROOT, command
from ..zoo import costly


def results(*arguments: str) -> list[dict]:  # type: ignore[type-arg]
    done = command(*arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert list(document) == ["cnnbench", "command", "environment", "results"]
    assert document["cnnbench"] == __version__
    return document["results"]


def test_flops_json_has_the_vocabularys_keys_and_exact_numbers() -> None:
    (row,) = results("flops", "mobilenet@width_mult=1")
    assert row["model"] == "mobilenet_v1"
    assert row["input"] == [[1, 3, 224, 224]]
    assert (row["params"], row["macs"], row["flops"]) == (4231976, 568740352, 1137480704)
    for key in ("elementwise_flops", "activations", "peak_activation_bytes", "bytes_moved"):
        assert isinstance(row[key], int) and row[key] > 0
    work = row["flops"] + row["elementwise_flops"]
    assert row["intensity"] == pytest.approx(work / row["bytes_moved"])


def test_flops_of_several_with_input_batch_and_dtype() -> None:
    rows = results(
        *("flops", "resnet18", "mobilenet", "--input", "3x192x192", "--batch", "8"),
        *("--dtype", "float16"),
    )
    assert [row["model"] for row in rows] == ["resnet18", "mobilenet_v1"]
    assert [row["input"] for row in rows] == [[[8, 3, 192, 192]]] * 2
    assert rows[1]["macs"] == 8 * 418121728  # Howard et al. 2017, table 7
    assert rows[1]["dtype"] == "float16"


@pytest.mark.parametrize("width", ["80", "200"])
def test_tables_fit_the_terminal_and_lose_nothing(width: str) -> None:
    for arguments in (
        ("flops", "lenet5", "mobilenet_v1_shallow", "efficientnet_b0"),
        ("flops", "mobilenet_v2", "--layers"),
        ("flops", "mobilenet_v2", "--operators"),
        ("list",),
    ):
        done = command(*arguments, COLUMNS=width)
        assert done.returncode == 0, done.stderr
        assert max(map(len, done.stdout.splitlines())) <= int(width)
        assert "\x1b" not in done.stdout
        assert "…" not in done.stdout  # rich's mark of a cell cut short


@pytest.mark.parametrize("model", ["resnet50", "mobilenet_v2", "googlenet", "vgg16", "resnet110"])
def test_a_figure_fits_80_columns_line_by_line(model: str) -> None:
    head, _, root, *lines = command("show", model, COLUMNS="80").stdout.splitlines()
    assert head.startswith("layer") and root.startswith(model)
    drawn = lines[: lines.index("")]
    assert all(line[:1] in "├│└ " and line.count("─") == 1 for line in drawn)


def test_the_table_states_the_convention_in_one_line() -> None:
    done = command("flops", "mobilenet", COLUMNS="80")
    assert done.stdout.splitlines()[-1].startswith("FLOPs = 2 x MACs; ")
    assert "569 M" in done.stdout and "1.14 G" in done.stdout and "4.23 M" in done.stdout


def test_layers_add_up_to_the_total() -> None:
    (row,) = results("flops", "googlenet", "--layers")
    for key in ("params", "macs", "elementwise_flops", "activations", "bytes_moved"):
        assert sum(layer[key] for layer in row["layers"]) == row[key]
    assert max(layer["live_bytes"] for layer in row["layers"]) == row["peak_activation_bytes"]
    stem = row["layers"][0]
    assert (stem["layer"], stem["operator"]) == ("stem.conv1.conv", "conv2d")
    assert (stem["kernel"], stem["stride"], stem["groups"]) == ([7, 7], [2, 2], 1)
    assert (stem["inputs"], stem["output"]) == ([[1, 3, 224, 224]], [1, 64, 112, 112])


def test_operators_show_mobilenets_table_2() -> None:
    done = command("flops", "mobilenet", "--operators")
    line = next(line for line in done.stdout.splitlines() if line.startswith("1x1 conv"))
    assert "94.86%" in line and "74.59%" in line
    line = next(line for line in done.stdout.splitlines() if line.startswith("depthwise"))
    assert "3.06%" in line and "1.06%" in line


def test_csv_and_markdown() -> None:
    rows = list(csv.DictReader(io.StringIO(command("flops", "vgg11", "-f", "csv").stdout)))
    assert rows[0]["input"] == "1x3x224x224" and rows[0]["macs"] == "7609090048"
    rows = list(
        csv.DictReader(
            io.StringIO(command("flops", "vgg11", "lenet5", "--layers", "-f", "csv").stdout)
        )
    )
    assert {row["model"] for row in rows} == {"vgg11", "lenet5"}
    assert sum(int(row["macs"]) for row in rows) == 7609090048 + 325680
    markdown = command("flops", "vgg11", "-f", "markdown").stdout.splitlines()
    assert markdown[0].startswith("| model") and set(markdown[1]) <= set("|:-")
    assert "7.61 G" in markdown[2]


def test_output_goes_to_a_file_whole(tmp_path: Path) -> None:
    for name, start in (
        ("a.json", "{"),
        ("a.csv", "model,"),
        ("a.md", "| model"),
        ("a.txt", " "),
    ):
        path = tmp_path / name
        done = command("flops", "lenet5", "--output", str(path))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert path.read_text("utf-8").startswith(start)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "a.json", "a.md", "a.txt"]


def test_output_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    assert command("flops", "lenet5", "-o", str(tmp_path / "link.json")).returncode == 0
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["results"][0]["model"] == "lenet5"


def test_show_goes_as_deep_as_asked() -> None:
    (row,) = results("show", "resnet50", "--depth", "1")
    assert all(not layer["layers"] for layer in row["layers"])
    assert sum(layer["macs_share"] for layer in row["layers"]) == pytest.approx(1)
    (deeper,) = results("show", "resnet50", "--depth", "2")
    blocks = deeper["layers"][1]["layers"]
    assert blocks and all(not block["layers"] for block in blocks)
    done = command("show", "resnet50", "--depth", "1")
    assert "of MACs" in done.stdout and "35.81%" in done.stdout


def test_auxiliary_heads_are_remarked() -> None:
    done = command("flops", "googlenet@aux=true")
    assert "6.38 M of its params do not run: aux4a" in done.stdout


def test_a_closed_pipe_is_no_error() -> None:
    line = f"{sys.executable} -m cnnbench flops lenet5 resnet152 efficientnet_b7 --layers | head -1"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == "" and done.stdout.startswith("lenet5")


def test_show_folds_and_unfolds() -> None:
    folded, full = command("show", "resnet34"), command("show", "resnet34", "--full")
    assert "block2…3 x 2" in folded.stdout and "block3" in full.stdout
    assert "x 2" not in full.stdout
    assert len(full.stdout.splitlines()) > len(folded.stdout.splitlines())


@pytest.mark.parametrize(
    ("model", "seen"),
    [
        ("resnet50", ["7x7 conv /2, 64, BN, ReLU", "1x1 conv /2, 512, BN", "+ shortcut, ReLU"]),
        ("resnet18", ["+ identity, ReLU", "shortcut", "56x56x64", "28x28x128", "7x7x512"]),
        ("vgg16", ["224x224x64", "112x112x128", "56x56x256", "28x28x512", "2x2 max pool /2"]),
        ("googlenet", ["branch1x1", "branch3x3", "branch5x5", "branch_pool", "concatenate"]),
        ("mobilenet_v2", ["1x1 conv, 96, BN, ReLU6", "3x3 depthwise /2, 96, BN, ReLU6"]),
        ("mobilenet_v1", ["3x3 depthwise /2, 64, BN, ReLU", "1x1 conv, 128, BN, ReLU"]),
        ("alexnet", ["5x5 conv, 256, 2 groups, ReLU", "local response norm"]),
        ("lenet5", ["5x5 conv, 9, 9 groups", "tanh", "linear, 84"]),
        ("efficientnet_b0", ["global average pool", "sigmoid", "5x5 depthwise /2, 144, BN, SiLU"]),
    ],
)
def test_show_reads_like_the_paper(model: str, seen: list[str]) -> None:
    done = command("show", model)
    for words in seen:
        assert words in done.stdout


def test_show_json_is_the_tree_and_adds_up() -> None:
    (row,) = results("show", "resnet50", "--full")

    def macs(node: dict) -> int:  # type: ignore[type-arg]
        children = node["layers"]
        if children:
            assert sum(macs(child) for child in children) == node["macs"]
        return node["macs"]

    assert sum(macs(node) for node in row["layers"]) == row["macs"] == 4089184256
    (row,) = results("show", "resnet50")
    folded = [b for stage in row["layers"] for b in stage["layers"] if b["repeats"] > 1]
    assert [block["repeats"] for block in folded] == [2, 3, 5, 2]


def test_formats_of_show_and_list_are_for_programs() -> None:
    shown = list(csv.DictReader(io.StringIO(command("show", "vgg11", "-f", "csv").stdout)))
    assert shown[0]["name"] == "vgg11" and shown[1]["depth"] == "1" and "├" not in str(shown)
    listed = list(csv.DictReader(io.StringIO(command("list", "google", "-f", "csv").stdout)))
    assert [row["model"] for row in listed] == ["googlenet", "googlenet_naive"]
    assert listed[0]["aliases"] == "inception" and listed[0]["options"].startswith("aux=false ")
    assert "FLOPs = 2 x MACs" in command("show", "lenet5").stdout


def test_strict_passes_where_all_is_counted() -> None:
    assert command("flops", "googlenet", "efficientnet_b0", "--strict").returncode == 0


def test_list_filters_and_names_options() -> None:
    rows = results("list", "residual")
    names = {row["model"] for row in rows}
    assert {"resnet50", "mobilenet_v2"} <= names and "vgg16" not in names
    (row,) = results("list", "efficientnet_b3")
    assert row["options"]["width_mult"] == 1.2 and row["year"] == 2019
    text = command("list", "2017", "--explain").stdout
    assert "mobilenet_v1 [mobilenet]" in text and "width_mult: multiplies" in text


def test_help_is_in_panels() -> None:
    done = command("--help")
    assert done.returncode == 0
    for words in ("Build", "Count", "list", "show", "flops"):
        assert words in done.stdout
    versions = f"cnnbench {__version__}, torch {torch.__version__}\n"
    assert command("--version").stdout == versions


def test_one_that_cannot_be_counted_is_named_and_the_others_are_shown(tmp_path: Path) -> None:
    done = command("flops", "lenet5", "vgg16@resolution=16", "resnet20", "-f", "json")
    assert done.returncode == 1
    assert [row["model"] for row in json.loads(done.stdout)["results"]] == ["lenet5", "resnet20"]
    assert done.stderr.startswith("cnnbench: vgg16@resolution=16") and done.stderr.count("\n") == 1
    alone = command("flops", "vgg16@resolution=16")
    assert (alone.returncode, alone.stdout) == (2, "")
    begun = command("flops", "lenet5", "resnt50", "-f", "json")  # a name that nothing can mean
    assert (begun.returncode, begun.stdout) == (2, "") and "unknown model" in begun.stderr


def test_all_with_an_input_names_those_that_cannot_take_it() -> None:
    done = command("flops", "--all", "--input", "3x64x64", "-f", "json")
    counted = {row["model"] for row in json.loads(done.stdout)["results"]}
    assert done.returncode == 1 and {"resnet18", "mobilenet_v2"} <= counted
    lines = done.stderr.splitlines()
    assert any(line.startswith("cnnbench: lenet5 cannot take 3x64x64") for line in lines)
    assert not counted & {"lenet5", "vgg16"} and len(lines) > 5


def test_any_other_name_takes_a_table(tmp_path: Path) -> None:
    for name in ("x", "x.txt", "x.log", "costs.v2"):
        done = command("flops", "lenet5", "--output", str(tmp_path / name))
        assert done.returncode == 0 and "lenet5" in (tmp_path / name).read_text("utf-8")


def test_strict_names_what_failed_beside_what_is_not_in_the_convention(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(
        "import torch\nfrom torch import nn\n"
        "class Odd(nn.Module):\n    def forward(self, x):\n        return torch.special.i0e(x)\n"
        "class Broken(nn.Module):\n    def forward(self, x):\n        raise ValueError('boom')\n"
    )
    models = ("nets:Odd", "nets:Broken", "--input", "3x8x8", "--strict")
    strict = command("flops", *models, cwd=tmp_path)
    assert strict.returncode == 2 and strict.stdout == ""
    assert "boom" in strict.stderr and "special_i0e" in strict.stderr


def test_a_fit_for_another_back_end_says_what_its_predictions_are_of() -> None:
    device = ROOT / "tests/golden/files/device.toml"
    asked = ("mobilenet_v1", "--budget", "latency=5ms", "--candidates", "30", "--on", str(device))
    note = "predicted for eager passes"
    assert note not in command("fit", *asked).stdout
    assert note in command("fit", *asked, "--backend", "compile").stdout


def test_where_none_can_be_counted_each_is_named(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text("def one():\n    raise ValueError('first')\n")
    done = command("flops", "nets:one", "nets:two", "--input", "3x8x8", cwd=tmp_path)
    assert done.returncode == 2
    assert [line[:9] for line in done.stderr.splitlines()] == ["cnnbench:"] * 2
    assert "first" in done.stderr and "'two'" in done.stderr


@costly
def test_the_memory_of_a_training_step_and_the_largest_batch() -> None:
    step = ("flops", "lenet5", "plain20", "--train", "--optimizer", "adam", "--batch", "4")
    rows = results(*step, "--fit-memory", "64MiB")
    for row in rows:
        memory = row["memory"]
        parts = ("weight_bytes", "gradient_bytes", "optimizer_bytes", "activation_bytes")
        assert memory["optimizer"] == "adam"
        assert all(memory[key] > 0 for key in parts)
        assert max(memory[key] for key in parts) < memory["total_bytes"]
        assert memory["total_bytes"] <= sum(memory[key] for key in parts)
        for batch, fits in ((memory["largest_batch"], True), (memory["largest_batch"] + 1, False)):
            name = row["model"]
            (one,) = results("flops", name, *step[3:-1], str(batch))
            assert (one["memory"]["total_bytes"] <= 64 * 2**20) is fits
    shown = command(*step, "--fit-memory", "1kB", COLUMNS="80").stdout
    assert "Memory of a training step with adam" in shown
    assert "lenet5: not even one image fits into 1000 B" in shown
    (alone,) = results("flops", "plain20", *step[3:-1], "1")
    limit = str(alone["memory"]["total_bytes"])  # of one image, too little for two
    (alone,) = results("flops", "plain20", *step[3:], "--fit-memory", limit)
    assert alone["memory"]["largest_batch"] == 1


def test_the_largest_batch_of_a_pass() -> None:
    (row,) = results("flops", "resnet18", "--fit-memory", "100MiB")
    memory = row["memory"]
    assert (memory["gradient_bytes"], memory["optimizer"]) == (0, None)
    assert memory["total_bytes"] == row["weight_bytes"] + row["peak_activation_bytes"]
    # The peak of each further image is the same.
    room = 100 * 2**20 - row["weight_bytes"]
    assert memory["largest_batch"] == room // row["peak_activation_bytes"]
    shown = command("flops", "resnet18", "--fit-memory", "100MiB").stdout
    assert f"the largest batch that fits into 100 MiB is {memory['largest_batch']}" in shown
