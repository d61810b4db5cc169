"""Pictures of networks: every part in its place, its numbers in it, names as text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor, nn

from cnnbench import count
from cnnbench.counting.cost import Trace
from cnnbench.counting.division import Level
from cnnbench.counting.flow import flow
from cnnbench.errors import OutputError
from cnnbench.reports.pictures.layout import Box, Layout, Point, laid_out
from cnnbench.reports.pictures.maps import Map, Scale, faces
from cnnbench.reports.pictures.shades import Shade

from .. import hostile
from ..commands import ROOT, command
from ..zoo import costly

pytest.importorskip("grandalf")

from cnnbench.reports.pictures.labels import Sketch
from cnnbench.reports.pictures.network import draw, draw_both

SVG = "{http://www.w3.org/2000/svg}"
traced = cache(count)


def drawn(name: str, level: Level = Level.BLOCKS, shade: Shade = Shade.MACS) -> ET.Element:
    return ET.fromstring(draw(Sketch(name, traced(name), level, shade)).svg)


def parts(svg: ET.Element) -> list[ET.Element]:
    return [one for one in svg.iter(f"{SVG}g") if one.get("class") == "part"]


def box(part: ET.Element) -> Box:
    (found,) = [one for one in part.iter(f"{SVG}rect") if "box" in (one.get("class") or "")]
    x, y, width, height = (float(found.get(key) or 0) for key in ("x", "y", "width", "height"))
    return Box(x + width / 2, y + height / 2, width, height)


def words(of: ET.Element) -> list[str]:
    return [one.text or "" for one in of.iter(f"{SVG}text")]


def pair(number: int) -> st.SearchStrategy[tuple[int, int]]:
    """A maker, and a later reader."""
    return st.integers(1, number - 1).flatmap(
        lambda reader: st.tuples(st.integers(0, reader - 1), st.just(reader))
    )


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("name", ["lenet5", "resnet34", "googlenet", "mobilenet_v2"])
def test_each_part_is_there_and_stands_on_no_other(name: str, level: Level) -> None:
    svg, trace = drawn(name, level), traced(name)
    found = flow(trace, level)
    boxes = [box(part) for part in parts(svg)]
    assert len(boxes) == len(found.parts) + 1  # and the input
    for a, b in combinations(boxes, 2):
        apart = a.right < b.left or b.right < a.left or a.bottom < b.top or b.bottom < a.top
        assert apart, (a, b)
    for (maker, reader), wire in zip(found.edges, svg.iter(f"{SVG}polyline"), strict=True):
        first, *_, last = (wire.get("points") or "").split()
        start, end = boxes[maker + 1], boxes[reader + 1]  # an input at first
        assert [float(n) for n in first.split(",")] == pytest.approx(
            [start.x, start.bottom], abs=0.1
        )
        assert [float(n) for n in last.split(",")] == pytest.approx([end.x, end.top], abs=0.1)
        assert start.bottom < end.top
    macs = [int(part.get("data-macs") or 0) for part in parts(svg)]
    repeats = [int(part.get("data-repeats") or 1) for part in parts(svg)]
    assert sum(a * b for a, b in zip(macs, repeats, strict=True)) == trace.total.macs
    width, height = float(svg.get("width") or 0), float(svg.get("height") or 0)
    for wire in svg.iter(f"{SVG}polyline"):
        across = [float(point.split(",")[0]) for point in (wire.get("points") or "").split()]
        assert min(across) >= 0 and max(across) <= width
    assert all(b.left >= 0 and b.right <= width and b.bottom <= height for b in boxes)
    folds = [one for one in svg.iter(f"{SVG}rect") if one.get("class") == "fold"]
    assert len(folds) == len(found.folds)
    assert all(f"x {fold.repeats}" in words(svg) for fold in found.folds)


def test_folds_within_folds_have_their_own_frames_and_numbers() -> None:
    svg = drawn("plain34", Level.LAYERS)
    frames = [one for one in svg.iter(f"{SVG}rect") if one.get("class") == "fold"]
    assert len({(one.get("x"), one.get("y")) for one in frames}) == len(frames) == 8
    said = [one for one in svg.iter(f"{SVG}text") if (one.text or "").startswith("x ")]
    places = [(float(one.get("x") or 0), float(one.get("y") or 0)) for one in said]
    for a, b in combinations(places, 2):
        assert abs(a[0] - b[0]) > 25 or abs(a[1] - b[1]) > 14


def test_it_is_drawn_alike_each_time() -> None:
    sketch = Sketch("googlenet", traced("googlenet"), Level.BLOCKS)
    assert draw(sketch).svg == draw(sketch).svg


def test_a_part_says_what_a_paper_says() -> None:
    svg = drawn("resnet18", Level.LAYERS)
    said = [" | ".join(words(part)) for part in parts(svg)]
    assert said[0] == "input | 224x224x3"
    assert said[1] == "7x7 conv /2, 64, BN, ReLU | 112x112x64, 118 M MACs, 9.54 k params"
    assert "+ identity, ReLU | 56x56x64" in said
    assert all(part.get("tabindex") == "0" and part.get("aria-label") for part in parts(svg))
    assert "resnet18: 1.81 G MACs, 11.7 M params" in words(svg)


def test_a_block_says_what_its_multiplications_are_made_of() -> None:
    trace = count("bottleneck")
    picture = draw(Sketch("bottleneck", trace, Level.LAYERS, formulas=True))
    said = " ".join(words(ET.fromstring(picture.svg)))
    assert "192·16·28² = 2.41 M MACs" in said and "5²·16·32·28² = 10.0 M MACs" in said
    assert "192·16·28² + 5²·16·32·28² = 12,443,648 MACs" in said
    eight = draw(Sketch("bottleneck", count("bottleneck", batch=8), Level.LAYERS, formulas=True))
    assert "·28² =" not in eight.svg  # it is of one image


def test_the_darkest_has_the_most() -> None:
    for shade, key in ((Shade.MACS, "data-macs"), (Shade.PARAMS, "data-params")):
        found = parts(drawn("alexnet", Level.LAYERS, shade))
        darkness = {
            int(part.get(key) or 0): float(one.get("fill-opacity") or 0)
            for part in found
            for one in part.iter(f"{SVG}rect")
            if one.get("class") == "shade"
        }
        assert darkness[max(darkness)] == max(darkness.values()) <= 0.5
    none = parts(drawn("alexnet", Level.LAYERS, Shade.NONE))
    assert not [one for part in none for one in part.iter(f"{SVG}rect") if one.get("fill-opacity")]


def test_alexnets_towers_are_two() -> None:
    polygons = {
        " ".join(words(part)): len(list(part.iter(f"{SVG}polygon")))
        for part in parts(drawn("alexnet", Level.LAYERS))
    }
    assert {number for said, number in polygons.items() if "2 groups" in said} == {6}
    assert {number for said, number in polygons.items() if "groups" not in said} == {3}
    depthwise = parts(drawn("mobilenet_v1", Level.LAYERS))  # whose groups are no towers
    assert {len(list(part.iter(f"{SVG}polygon"))) for part in depthwise} == {3}


def test_boxes_grow_with_maps() -> None:
    maps = [Map.of(shape) for shape in ((1, 3, 224, 224), (1, 64, 56, 56), (1, 1000), (1, 7, 96))]
    assert [(one.height, one.width, one.channels) for one in maps] == [
        *((224, 224, 3), (56, 56, 64), (1, 1, 1000), (7, 1, 96))
    ]
    assert Map.of((1, 8, 9, 3), channels_last=True) == Map(8, 9, 3)
    scale = Scale.of(maps)
    wide, deep = scale.sides(maps[0]), scale.sides(maps[2])
    assert wide[0] > scale.sides(maps[1])[0] > deep[0] and wide[2] < deep[2]
    assert len(list(faces(maps[1], scale, 0, 0))) == 3


def test_what_differs_is_framed() -> None:
    def marked(a: str, b: str) -> list[list[str]]:
        both = [Sketch(name, traced(name), Level.LAYERS) for name in (a, b)]
        svg = ET.fromstring(draw_both(*both).svg)
        return [
            words(part)
            for part in parts(svg)
            if any("differs" in (one.get("class") or "") for one in part.iter(f"{SVG}rect"))
        ]

    assert marked("resnet18", "resnet18") == []
    said = [line[0] for line in marked("plain18", "resnet18")]
    assert "1x1 conv /2, 128, BN" in said and "+ identity, ReLU" in said
    assert "linear, 1000" not in said and "3x3 max pool /2" not in said


def test_files_are_written_whole(tmp_path: Path) -> None:
    pytest.importorskip("altair")
    for name in ("net.svg", "net.png", "net.html"):
        done = command("show", "lenet5", "--output", str(tmp_path / name))
        assert done.returncode == 0 and "params" in done.stdout, done.stderr
    assert (tmp_path / "net.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "net.html").read_text()
    assert "default-src 'none'" in page and "<svg" in page
    assert not re.search(r"(src|href)=\"https?:", page)
    done = command("show", "lenet5", "--diff", "alexnet", "--output", str(tmp_path / "two.svg"))
    assert done.returncode == 0
    assert "<title>alexnet and lenet5, blocks</title>" in (tmp_path / "two.svg").read_text()


def test_time_and_bound_are_of_a_device(tmp_path: Path) -> None:
    device = str(ROOT / "tests/golden/files/device.toml")
    for more, words_ in (("time", "in eager, predicted"), ("bound", "held by")):
        line = "show", "resnet20", "--on", device, "--color", more, "--output", "net.svg"
        assert command(*line, cwd=tmp_path).returncode == 0
        text = (tmp_path / "net.svg").read_text("utf-8")
        assert words_ in text and re.search(r'data-predicted-time="\d[\d.]* [mµ]s"', text)
    assert 'class="shade' in text


def test_time_and_bound_are_measured_here(tmp_path: Path) -> None:
    quick = "--no-wait", "--max-time", "0.05", "--device", "cpu", "--threads", "1"
    for more in (["--color", "bound"], ["--backend", "onnxruntime"]):
        done = command("show", "lenet5", *more, *quick, "--output", "net.svg", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        text = (tmp_path / "net.svg").read_text("utf-8")
        assert re.search(r'data-measured-time="\d[\d.]* [mµ]s"', text)
    assert "in onnxruntime, measured, darkest" in text
    line = "show", "lenet5", "--diff", "lenet5_dense", "--color", "time", *quick
    done = command(*line, "--output", "two.svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "two.svg").read_text("utf-8").count("in eager, measured") == 2


def test_what_nobody_could_follow_is_no_picture() -> None:
    with pytest.raises(OutputError, match="1,501 parts shows nothing; give --level stages"):
        placed([(100.0, 20.0)] * 1501, [])
    alone = placed([(100.0, 20.0)] * 3, [])  # beside each other
    assert len({one.x for one in alone.boxes}) == 3 and alone.routes == ()


def placed(sizes: list[tuple[float, float]], edges: list[tuple[int, int]]) -> Layout:
    """A layout without folds."""
    return laid_out(sizes, edges, [0.0] * len(sizes))


def confused(laid: Layout, edges: list[tuple[int, int]]) -> list[tuple[Point, Point]]:
    """Level pieces of trunks that lie on each other, of lines with no end in common."""
    level = [
        (edge, *sorted((x, further)), y)
        for edge, route in zip(edges, laid.routes, strict=True)
        for (x, y), (further, below) in pairwise(route)
        if y == below and x != further
    ]
    return [
        ((left, y), (start, height))
        for (a, left, right, y), (b, start, end, height) in combinations(level, 2)
        if y == height and left < end and start < right and not set(a) & set(b)
    ]


def crossed(laid: Layout) -> list[tuple[Point, Point, Box]]:
    """Pieces of lines that run through a box."""
    return [
        ((x, y), (further, below), one)
        for route in laid.routes
        for (x, y), (further, below) in pairwise(route)
        for one in laid.boxes
        if max(x, further) > one.left
        and min(x, further) < one.right
        and max(y, below) > one.top + 0.01
        and min(y, below) < one.bottom - 0.01
    ]


@pytest.mark.parametrize("number", [8, 80])
def test_what_each_later_layer_reads_is_a_column_beside_lines(number: int) -> None:
    """A dense block: the lines run to its left, and no box stands in their way."""
    edges = [(a, b) for b in range(number) for a in range(b)]
    laid = placed([(100.0, 20.0 + place % 3) for place in range(number)], edges)
    assert len({round(one.x) for one in laid.boxes}) == 1
    assert laid.joints and not crossed(laid)
    for (a, b), route in zip(edges, laid.routes, strict=True):
        assert route[0] == (laid.boxes[a].x, laid.boxes[a].bottom)
        assert route[-1] == (laid.boxes[b].x, laid.boxes[b].top)
    trunks = {
        (x, a) for (a, _), route in zip(edges, laid.routes, strict=True) for x, _ in route[2:-2]
    }
    assert len(trunks) == len({a for _, a in trunks}) == number - 2  # each maker has its own
    assert len({x for x, _ in trunks}) == len(trunks)  # all of them live to the end


@given(st.integers(2, 30).flatmap(lambda n: st.tuples(st.just(n), st.sets(pair(n), min_size=1))))
@example((9, {(0, 1), (0, 2), (0, 3), (0, 6), (1, 2), (1, 3), (1, 7), (3, 4), (3, 5), (3, 8)}))
def test_whatever_is_read_lies_above_and_lines_pass_no_box(
    graph: tuple[int, set[tuple[int, int]]],
) -> None:
    number, edges = graph
    laid = placed([(90.0 + 9 * (n % 4), 20.0 + 5 * (n % 3)) for n in range(number)], list(edges))
    for a, b in combinations(laid.boxes, 2):
        assert a.right < b.left or b.right < a.left or a.bottom < b.top or b.bottom < a.top
    assert all(laid.boxes[a].bottom < laid.boxes[b].top for a, b in edges)
    assert not crossed(laid) and not confused(laid, list(edges))


class Heads(nn.Module):
    """Equal blocks, of which one in the middle is returned too, and the image itself."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=2, dilation=2)
        self.blocks = nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1) for _ in range(5)])

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y, found = self.stem(x), []
        for block in self.blocks:
            found.append(y := block(y))
        return {"middle": found[2].flatten(1), "image": x, "halves": y.chunk(2, 1)}


def test_what_is_returned_from_the_middle_is_marked() -> None:
    trace = count(Heads(), (3, 16, 16))
    svg = ET.fromstring(draw(Sketch("heads", trace, Level.LAYERS)).svg)
    said = [words(part) for part in parts(svg)]
    assert [words[1] for words in said[-4:]] == ["2048", "16x16x3", "16x16x4", "16x16x4"]
    assert [text for text in words(svg) if text.startswith("x ")] == ["x 3", "x 2"]
    assert "3x3 conv, 8, dilation 2" in said[1]
    assert len(list(svg.iter(f"{SVG}polyline"))) == 3 + 4


def test_a_folds_number_stands_beside_all_boxes() -> None:
    svg = ET.fromstring(draw(Sketch("heads", count(Heads(), (3, 16, 16)), Level.LAYERS)).svg)
    for one in svg.iter(f"{SVG}text"):
        if (one.text or "").startswith("x "):
            x, y = float(one.get("x") or 0), float(one.get("y") or 0)
            for part in map(box, parts(svg)):
                across = part.left < x + 24 and part.right > x
                assert not (across and part.top < y and part.bottom > y - 10), one.text


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--level", "layers"], "--level is of a picture; give --output net.svg"),
        (["--color", "params"], "--color is of a picture; give --output net.svg"),
        (["--backend", "eager"], "--backend is of a picture; give --output net.svg"),
        (["--quick", "--output", "net.svg"], "without --color time nothing is measured"),
        (["--color", "macs", "--on", "x.toml", "--output", "net.svg"], "macs is of no time; leave"),
        (["--backend", "graph", "--output", "net.svg"], "graph does not tell its layers' times"),
        (["--backend", "eager,openvino", "--output", "net.svg"], "one back end at a time"),
        (["--backend", "all", "--output", "net.svg"], "one back end at a time; there is eager"),
        (["--output", "net.gif"], "cannot write net.gif in that format"),
        (["--output", "net.svg", "--format", "json"], "net.svg is a picture"),
    ],
)
def test_one_line_and_exit_2(more: list[str], complaint: str) -> None:
    done = command("show", "lenet5", *more)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr and done.stderr.count("\n") == 1


def test_hostile_names_are_text(tmp_path: Path) -> None:
    hostile.project(tmp_path, hostile.TEXTS[::3])
    line = "show", hostile.MODEL, "--input", "3x8x8", "--level", "layers"
    done = command(*line, "--output", "net.svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "net.svg").read_text("utf-8")
    hostile.check(text)
    assert {one.tag for one in ET.fromstring(text).iter()} <= {
        f"{SVG}{name}"
        for name in ("svg", "title", "style", "rect", "g", "text", "polygon", "polyline", "path")
    }


def figures() -> dict[str, str]:
    """The pictures that documentation shows, with the commands that draw them."""
    script = (ROOT / "results/scripts/network_figures.py").read_text()
    return dict(re.findall(r'^    "(\w+)": "(show [^"]+)",$', script, re.MULTILINE))


ONE = "block_inverted_residual"  # which shows that it works; CI looks at all


def data(text: str) -> list[tuple[dict[str, str], list[str]]]:
    """What a picture says, without where anything stands."""
    svg = ET.fromstring(text)
    return [
        ({key: value for key, value in part.attrib.items() if key.startswith("data-")}, words(part))
        for part in parts(svg)
    ]


@pytest.mark.parametrize(
    "name", [name if name == ONE else pytest.param(name, marks=costly) for name in figures()]
)
def test_the_documentations_pictures_are_current(name: str, tmp_path: Path) -> None:
    """By their data, not by their pixels."""
    done = command(*figures()[name].split(), "--output", str(tmp_path / "now.svg"))
    assert done.returncode == 0, done.stderr
    kept = (ROOT / f"results/figures/{name}.svg").read_text("utf-8")
    assert data((tmp_path / "now.svg").read_text("utf-8")) == data(kept)


def test_there_are_such_pictures() -> None:
    assert len(figures()) >= 8


def test_a_trace_without_operators_is_an_input() -> None:
    empty = Trace((), ((1, 3, 8, 8),), 768, "float32")
    assert len(parts(ET.fromstring(draw(Sketch("net", empty, Level.LAYERS)).svg))) == 1
