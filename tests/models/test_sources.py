"""Networks that others wrote: from modules, files, packages; and everything that can be wrong."""

import json
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from torch import nn

from cnnbench.cli import run
from cnnbench.cli.completion import complete_spec
from cnnbench.counting.count import count
from cnnbench.errors import CnnbenchError, ShapeError, SourceError, SpecError
from cnnbench.models import sources
from cnnbench.models.build import build
from cnnbench.models.inputs import Input, parse_input
from cnnbench.models.sources import plugins
from cnnbench.models.sources.source import Found
from cnnbench.models.spec import SourceSpec, parse

from ..commands import ROOT, command

NETS = """
import os

import torch
from torch import nn

import neighbour  # a file beside this one

print("a module may print")


class Net(nn.Module):
    def __init__(self, width=8, *, bias=True):
        super().__init__()
        self.conv = nn.Conv2d(3, width, neighbour.KERNEL, bias=bias)
        self.fc = nn.Linear(width, 2)

    def forward(self, x):
        print("a forward may print")
        return self.fc(self.conv(x).mean((2, 3)))


class Carrying(Net):
    input_shape = (3, 8, 8)


class Family:
    @staticmethod
    def small():
        return Carrying(width=2)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.fc = nn.Linear(4, 3)

    def forward(self, image, ids, scale=None):
        return self.fc(self.embed(ids).mean(1)) + image.mean((1, 2, 3))[:, None] * scale[:, None]


class Silent(nn.Module):
    def forward(self, x):
        return {"nothing": None}


net = Net(width=4)
compiled = torch.compile(Carrying())
number = 3


def needing(width, depth):
    return Net(width)


def layers(channels=[4]):
    return nn.Sequential(*(nn.Conv2d(3, n, 1) for n in channels))


def number_of(x=1):
    return x


class Leaving(nn.Module):
    def forward(self, x):
        raise SystemExit(5)


class Identity(nn.Module):
    def forward(self, x):
        return x


class Unbuilt(nn.Module):
    def __init__(self):
        self.x = 1


class Wordless(Exception):
    def __str__(self):
        raise RuntimeError


class Odd(nn.Module):
    @property
    def input_shape(self):
        raise RuntimeError

    def forward(self, x):
        raise Wordless


def shouting():
    os.system("echo a child may print")
    torch.set_default_dtype(torch.float64)
    os.chdir("/")
    return Net()


def raising():
    raise ValueError("it cannot be\\nat all")


def leaving():
    raise SystemExit(3)
"""
MACS = 36 * 8 * 27 + 16  # 3x3 convolution of 8x8 to 6x6 in 8 filters, 8 -> 2 linear


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "shop").mkdir()
    (folder / "shop" / "nets.py").write_text(NETS)
    (folder / "shop" / "neighbour.py").write_text("KERNEL = 3\n")
    (folder / "own.py").write_text(NETS.replace("import neighbour", "from shop import neighbour"))
    (folder / "broken.py").write_text("import nowhere_at_all\n")
    (folder / "leaving.py").write_text("raise SystemExit('use it otherwise')\n")
    (folder / "wrong.py").write_text("def f(:\n")
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("spec", "inputs", "macs"),
    [
        ("own:Net", "3x8x8", MACS),
        ("shop/nets.py:Net", "3x8x8", MACS),
        ("./shop/nets.py:Net@width=16,bias=false", "3x8x8", 2 * MACS),
        ("own:net", "3x8x8", MACS / 2),
        ("own:Carrying", None, MACS),
        ("own:Carrying@resolution=10", None, 64 * 8 * 27 + 16),
        ("own:Family.small", None, MACS / 4),
        ("own:compiled", "3x8x8", MACS),
        ("own:layers@channels=[3,8]", "3x8x8", 64 * (9 + 24)),
        ("own:needing@width=8,depth=none", ["3x8x8"], MACS),
        ("own:Two", ["3x4x4", "ids:int64=7", "scale="], 12),
    ],
)
def test_networks_from_modules_and_files(
    here: Path, spec: str, inputs: str | None, macs: float
) -> None:
    assert count(spec, inputs).total.macs == macs
    assert isinstance(build(spec), nn.Module)


def test_what_their_code_prints_goes_to_stderr(folder: Path) -> None:
    done = command("flops", "own:Net", "--input", "3x8x8", "--format", "json", cwd=folder)
    (row,) = json.loads(done.stdout)["results"]
    assert (row["model"], row["macs"], row["input"]) == ("own:Net", MACS, [[1, 3, 8, 8]])
    assert "a module may print" in done.stderr and "a forward may print" in done.stderr


def test_a_builder_changes_nothing_for_the_next(folder: Path) -> None:
    done = command(
        *("flops", "own:shouting", "own:Net", "--input", "3x8x8", "-o", "costs.json"), cwd=folder
    )
    assert "a child may print" in done.stderr and done.stdout == ""
    rows = json.loads((folder / "costs.json").read_text())["results"]
    assert [row["dtype"] for row in rows] == ["float64", "float32"]


def test_a_network_without_operators_is_shown(here: Path) -> None:
    for arguments in (["show"], ["flops", "--layers"], ["flops", "--operators", "-f", "json"]):
        assert run([*arguments, "own:Identity", "--input", "3x8x8"]) == 0


def test_show_batch_dtype_and_keywords(folder: Path) -> None:
    done = command("show", "shop/nets.py:Carrying", "--dtype", "float16", cwd=folder)
    assert "3x3 conv, 8" in done.stdout and "linear, 2" in done.stdout
    done = command(
        *("flops", "own:Two", "--batch", "3", "--input", "image=3x4x4", "--input", "scale="),
        *("--input", "ids:int64=7", "--format", "json"),
        cwd=folder,
    )
    (row,) = json.loads(done.stdout)["results"]
    assert row["input"] == [[3, 3, 4, 4], [3], [3, 7]]
    assert (row["macs"], row["dtype"]) == (3 * 12, "float32")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["own:Nett"], "own has no 'Nett' (did you mean Net"),
        (["owm:Net"], "there is no module 'owm' in this folder or on Python's path"),
        (["own.deeper:Net"], "cannot import own.deeper: ModuleNotFoundError"),
        (["broken:Net"], "cannot import broken: ModuleNotFoundError: No module named 'nowhere_at"),
        (["wrong:f"], "cannot import wrong: SyntaxError"),
        (["leaving:f"], "cannot import leaving: SystemExit: use it otherwise"),
        (["nowhere.py:Net"], "there is no file nowhere.py"),
        (["shop:Net"], "shop has no 'Net'"),
        (["own.py"], "names no network; write own.py:NAME"),
        (["own:Net@"], "ends after '@'"),
        (["own:Net@width"], "malformed option 'width'"),
        (["own:Net"], "own:Net does not say what input it takes; give it: --input"),
        (["own:Net@depth=3"], "no option 'depth'"),
        (["own:net@width=3"], "is a network already and takes no options"),
        (["own:Net@width=wide"], "cannot build own:Net@width=wide: TypeError"),
        (["own:Carrying@resolution=big"], "resolution is a whole number of pixels"),
        (["own:needing"], "has no default for width, depth; write own:needing@width=…,depth=…"),
        (["own:number"], "not a function, a class or a network, but of type int"),
        (["own:number_of"], "what it returns is of type int, no torch.nn.Module"),
        (["own:Leaving", "--input", "3"], "own:Leaving cannot take 3: SystemExit: 5"),
        (["own:Unbuilt", "--input", "3"], "its __init__ does not call super().__init__()"),
        (["own:Odd", "--input", "3"], "own:Odd cannot take 3: Wordless: it says no more"),
        (["own:Odd"], "does not say what input it takes"),
        ([".own:Net"], "leave out the leading dot"),
        (["resnet18", "--input", ":int64=3x64x64"], "resnet18 takes real numbers"),
        (["own:raising"], "cannot build own:raising: ValueError: it cannot be"),
        (["own:leaving"], "cannot build own:leaving: SystemExit: 3"),
        (["own:Silent", "--input", "3"], "its forward returns a dict without a tensor"),
        (["own:Net", "--input", "4x8x8"], "conv (conv2d) expects 3 channels, given 1x4x8x8"),
        (["own:Net", "--input", "3x8x8", "--input", "3"], "TypeError: Net.forward() takes 2"),
        (["own:Net", "--input", "y=3x8x8"], "unexpected keyword argument 'y'"),
        (["own:Two", "--input", "3x4x4", "--input", "ids:int46=7"], "did you mean int"),
        (["own:Two", "--input", "x=3", "--input", "x=4"], "input 'x' is given twice"),
        (["own:Two", "--input", "1x=3"], "malformed input '1x=3'"),
        (["timm:resnet50@pretrained=true"], "leave out pretrained; weights change no cost"),
        (["torchvision:resnet50@weights=DEFAULT"], "leave out weights"),
    ],
)
def test_bad_input_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert run(["flops", *arguments]) == 2
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if "may print" not in line]
    assert len(lines) == 1 and complaint in lines[0], captured.err
    assert captured.out == ""


def test_debug_shows_where_their_code_raised(folder: Path) -> None:
    done = command("flops", "own:raising", "--debug", cwd=folder)
    assert done.returncode == 2
    assert "own.py" in done.stderr and "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("cnnbench: cannot build own:raising")
    assert "Traceback" not in command("flops", "own:raising", cwd=folder).stderr


def test_a_network_that_a_module_holds_is_not_changed(here: Path) -> None:
    held = build("own:net")
    assert count("own:net", "3x8x8", dtype="float16").dtype == "float16"
    assert {str(p.dtype) for p in held.parameters()} == {"torch.float32"}


def test_other_packages_add_models(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(here)
    point = EntryPoint(name="shopnet", value="own:Carrying", group=plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda: (point,))
    assert count("shopnet").total.macs == MACS
    assert count("shopnet@width=16").total.macs == 2 * MACS
    assert str(parse("shopnet@width=16")) == "shopnet@width=16"
    assert count("ShopNet").total.macs == MACS
    with pytest.raises(SpecError, match=r"did you mean shopnet"):
        parse("shopnett")
    assert complete_spec("shop") == [("shopnet", "from another package")]
    assert run(["list", "shop"]) == 0
    listed = capsys.readouterr().out
    assert "shopnet" in listed and "own:Carrying" in listed
    assert run(["list", "--format", "json"]) == 0
    last = json.loads(capsys.readouterr().out)["results"][-1]
    assert (last["model"], last["summary"]) == ("shopnet", "own:Carrying")


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_a_missing_library_says_what_to_install(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)  # type: ignore[arg-type]
    with pytest.raises(CnnbenchError, match=rf"type: pip install 'cnnbench\[{library}\]'"):
        build(f"{library}:resnet50")


def test_no_weights_are_ever_loaded() -> None:
    files = Path(plugins.__file__).parents[1].rglob("*.py")
    source = "".join(path.read_text("utf-8") for path in files)
    for call in ("torch.load(", "import pickle", "load_state_dict", " eval(", "exec("):
        assert call not in source


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3x224x224", Input((3, 224, 224))),
        ("image=3x8x8", Input((3, 8, 8), "image")),
        ("ids:int64=1x128", Input((1, 128), "ids", "int64")),
        (":float16=3x8x8", Input((3, 8, 8), "", "float16")),
        ("step:int64=", Input((), "step", "int64")),
        ("=3", Input((3,))),
    ],
)
def test_inputs(text: str, expected: Input) -> None:
    assert parse_input(text) == expected
    assert parse_input(str(expected)) == expected


def test_two_versions_of_a_project_are_counted_side_by_side(tmp_path: Path) -> None:
    for version, width in (("v1", 10), ("v2", 20)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "blocks.py").write_text(f"WIDTH = {width}\n")
        (tmp_path / version / "nets.py").write_text(
            "from torch import nn\nimport blocks\nnet = nn.Linear(3, blocks.WIDTH, bias=False)\n"
        )
        (tmp_path / version / "later.py").write_text(
            "from torch import nn\ndef net():\n"
            "    import blocks\n    return nn.Linear(3, blocks.WIDTH, bias=False)\n"
        )
    for file in ("nets", "later"):
        specs = [f"{tmp_path}/{version}/{file}.py:net" for version in ("v1", "v2", "v1")]
        assert [count(spec, "3").total.params for spec in specs] == [30, 60, 30]


def test_a_network_that_a_function_hands_out_again_is_not_changed(here: Path) -> None:
    (here / "cached.py").write_text(
        "from torch import nn\nNET = nn.Linear(3, 3)\ndef cached():\n    return NET\n"
    )
    assert count("cached:cached", "3", dtype="float16").dtype == "float16"
    assert count("cached:cached", "3").dtype == "float32"


def test_resolution_sets_the_inputs_sides_or_is_the_callables(here: Path) -> None:
    (here / "sized.py").write_text(
        "from torch import nn\ndef sized(resolution):\n    return nn.Linear(resolution, 2)\n"
    )
    assert count("sized:sized@resolution=8", "8").total.macs == 16
    assert run(["flops", "sized:sized@resolution=8", "--input", "8"]) == 0


@pytest.mark.parametrize("text", ["", "a b=3", "x:=3", "x:y:z=3", "x=3x", "3=3"])
def test_malformed_inputs(text: str) -> None:
    with pytest.raises(ShapeError):
        parse_input(text)


@pytest.mark.parametrize(
    ("text", "source", "name"),
    [
        ("a.b:c", "a.b", "c"),
        ("/tmp/x@y/n.py:f@k=1", "/tmp/x@y/n.py", "f"),
        ("timm:resnet50.a1_in1k@num_classes=10", "timm", "resnet50.a1_in1k"),
    ],
)
def test_sources_are_read_as_written(text: str, source: str, name: str) -> None:
    spec = parse(text)
    assert isinstance(spec, SourceSpec)
    assert (spec.source, spec.name, str(spec)) == (source, name, text)


def test_options_become_python_values() -> None:
    spec = parse("a:b@i=3,r=0.5,t=true,n=none,l=[1,[2,3]],u=(1,2),s=same,q='8'")
    assert spec.arguments == {
        "i": 3,
        "r": 0.5,
        "t": True,
        "n": None,
        "l": [1, [2, 3]],
        "u": (1, 2),
        "s": "same",
        "q": "8",
    }
    with pytest.raises(SpecError, match="malformed option"):
        parse("a:b@,")


def test_a_source_that_claims_a_name_of_ours_is_listed_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    point = EntryPoint("timm:", "nowhere.source", plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda: (point,))
    assert sources.names() == list(sources.SOURCES)
    ours = sources.source_of(SourceSpec("timm", "resnet50"))
    assert getattr(ours, "__name__", "") == sources.SOURCES["timm"]


def test_a_source_that_exits_as_it_is_imported_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "shop_that_exits.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("shop:", "shop_that_exits", plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda: (point,))
    with pytest.raises(SourceError, match="the source shop cannot be imported: 3"):
        sources.source_of(parse("shop:net"))


def test_a_source_that_two_packages_add_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("shop:", f"{package}.source", plugins.GROUP) for package in ("a", "b")]
    monkeypatch.setattr(plugins, "entry_points", lambda: tuple(points))
    with pytest.raises(SourceError, match=r"'shop' is .* installed sources, a.source and b.source"):
        build("shop:net")


def test_a_file_of_a_suffix_that_has_a_source_is_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    class Files:
        library = ""

        def find(self, spec: SourceSpec) -> Found:
            return Found(nn.Conv2d(3, len(spec.source), 1))

    monkeypatch.setitem(sources.SOURCES, ".net", "own_files")
    monkeypatch.setitem(sys.modules, "own_files", Files())  # type: ignore[arg-type]
    for text in ("a.net", "there/b.net"):
        spec = parse(text)
        assert (spec, str(spec)) == (SourceSpec(text, ""), text)
        assert count(text, "3x1x1").total.activations == len(text)
    assert [sources.typed(name) for name in (".net", "timm")] == ["path/file.net", "timm:NAME"]
    with pytest.raises(SpecError, match=r"unknown model 'a.nett'"):
        parse("a.nett")


def test_a_folder_that_has_our_name_in_it_leaves_us_as_we_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cnnbench.errors

    for folder, more in ((ROOT, ""), (tmp_path, "cnnbench.toml")):
        monkeypatch.chdir(folder)
        if more:
            (folder / more).write_text("")
            (folder / "cnnbench").mkdir()
        with pytest.raises(cnnbench.errors.CnnbenchError):
            count("nowhere_at_all:Net", (3,))
    assert sys.modules["cnnbench.errors"] is cnnbench.errors


def test_a_file_of_a_package_is_told_by_its_module(tmp_path: Path) -> None:
    package = tmp_path / "outer" / "inner"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "layers.py").write_text("from torch.nn import ReLU")
    (package / "net.py").write_text("from .layers import ReLU\nclass Net(ReLU): pass")
    done = command("flops", str(package / "net.py") + ":Net", "--input", "3", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"write inner.net:Net in {tmp_path / 'outer'}" in done.stderr
    told = command("flops", "inner.net:Net", "--input", "3", cwd=tmp_path / "outer")
    assert told.returncode == 0


def test_a_forward_that_names_a_gpu_is_told_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Conv2d):\n"
        "    def __init__(self): super().__init__(3, 4, 3)\n"
        "    def forward(self, x): return super().forward(x.cuda())\n"
    )
    done = command("flops", "net.py:Net", "--input", "3x8x8", cwd=tmp_path)
    if done.returncode == 0:
        pytest.skip("there is a GPU")
    assert done.stderr.count("\n") == 1 and "make it ask for x.device" in done.stderr
