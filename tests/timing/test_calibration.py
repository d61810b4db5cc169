"""int8's scales from a folder: what it may hold, what becomes of it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnbench.devices.device import find_device
from cnnbench.errors import CnnbenchError, InputError, SettingError
from cnnbench.models.spec import parse
from cnnbench.timing.backends import calibration, exports
from cnnbench.timing.backends.calibration_folder import content, files_in, inputs_of
from cnnbench.timing.preparing.prepared import Prepared, prepare, ready
from cnnbench.timing.setting import Setting, calibrated, check

from ..commands import command
from ..zoo import costly

CPU = find_device("cpu")
SHAPE = (2, 3, 32, 32)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for name, size in (("a.png", (40, 60)), ("b.jpg", (32, 32)), ("c.JPEG", (300, 20))):
        array = draw.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(array).save(folder / name)
    (folder / "readme.txt").write_text("no image")
    return folder


def test_images_become_inputs_of_the_networks_shape(images: Path) -> None:
    passes = list(inputs_of(str(images), SHAPE, np.dtype("float32")))
    assert [one.shape for one in passes] == [SHAPE, SHAPE]
    assert all(one.dtype == np.float32 and one.flags.c_contiguous for one in passes)
    assert (passes[1][1] == passes[0][0]).all()  # filled up from the first on


def test_an_image_of_one_colour_is_that_colour_less_the_mean(tmp_path: Path) -> None:
    Image.new("RGB", (50, 50), (255, 0, 51)).save(tmp_path / "one.png")
    (found,) = inputs_of(str(tmp_path), (1, 3, 8, 8), np.dtype("float32"))
    wanted = [(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225]
    assert np.allclose(found[0, :, 3, 3], wanted, atol=1e-5)
    (last,) = inputs_of(str(tmp_path), (1, 8, 8, 3), np.dtype("uint8"))
    assert last[0, 0, 0].tolist() == [255, 0, 51]
    (grey,) = inputs_of(str(tmp_path), (1, 1, 8, 8), np.dtype("float32"))
    assert grey.shape == (1, 1, 8, 8) and 0 <= grey.min() <= grey.max() <= 1


def test_the_middle_of_an_image_is_cut_out(tmp_path: Path) -> None:
    array = np.zeros((256, 256), np.uint8)
    array[16:240, 16:240] = 255  # what the papers' crop of 224 of 256 keeps
    Image.fromarray(array).save(tmp_path / "one.png")
    (found,) = inputs_of(str(tmp_path), (1, 1, 224, 224), np.dtype("float32"))
    assert found.min() > 0.4 and np.median(found) == 1


@pytest.mark.parametrize("rows", [(3, 32, 32), (5, 3, 32, 32)])
def test_arrays_are_taken_as_they_are(rows: tuple[int, ...], tmp_path: Path) -> None:
    array = np.random.default_rng(0).standard_normal(rows)
    np.save(tmp_path / "one.npy", array)
    passes = list(inputs_of(str(tmp_path), SHAPE, np.dtype("float32")))
    assert len(passes) == (1 if len(rows) == 3 else 3)
    assert np.allclose(passes[0][0], array if len(rows) == 3 else array[0])


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 8, 8)), "holds 3x8x8 of float64; the network takes 3x32x32"),
        (np.zeros((0, 3, 32, 32)), "holds 0x3x32x32"),
        (np.zeros(()), "holds no side of float64"),
        (np.zeros((3, 32, 32), complex), "of complex128"),
        (np.full((3, 32, 32), np.nan), "values that are not finite"),
        (np.array([{}], object), "no array that can be read"),
    ],
)
def test_arrays_that_are_no_inputs(array: np.ndarray, said: str, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", array)
    with pytest.raises(InputError, match=said):
        list(inputs_of(str(tmp_path), SHAPE, np.dtype("float32")))


def test_images_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(b"not an image")
    with pytest.raises(InputError, match=r"one\.png is no image that can be read"):
        list(inputs_of(str(tmp_path), SHAPE, np.dtype("float32")))
    with pytest.raises(InputError, match=r"an image is no input of 10; --calibrate takes \.npy"):
        list(inputs_of(str(tmp_path), (1, 10), np.dtype("float32")))


def test_files_that_are_damaged_are_named(tmp_path: Path) -> None:
    archive, empty, damaged = (tmp_path / name for name in ("a.npy", "b.npy", "c.png"))
    with archive.open("wb") as file:
        np.savez(file, one=np.zeros(3))
    empty.write_bytes(b"")
    Image.new("RGB", (9, 9)).save(damaged)
    damaged.write_bytes(damaged.read_bytes()[:50] + bytes(30))
    Image.fromarray(np.zeros((9, 9), np.uint16)).save(tmp_path / "d.png")
    for path in sorted(tmp_path.iterdir()):
        alone = tmp_path / path.stem
        alone.mkdir()
        path.rename(alone / path.name)
        with pytest.raises(InputError, match=path.name):
            list(inputs_of(str(alone), SHAPE, np.dtype("float32")))


def test_what_is_finite_until_it_is_cast_is_not_taken(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.full((3, 32, 32), 1e300))
    with pytest.raises(InputError, match="not finite"):
        list(inputs_of(str(tmp_path), SHAPE, np.dtype("float32")))


def test_rows_are_taken_evenly_of_a_large_array(tmp_path: Path) -> None:
    rows = np.arange(1000, dtype=np.float32).reshape(1000, 1, 1, 1)
    np.save(tmp_path / "one.npy", rows)
    passes = list(inputs_of(str(tmp_path), (1, 1, 1, 1), np.dtype("float32")))
    taken = [float(one.item()) for one in passes]
    assert len(taken) == 256 and taken == sorted(taken) and taken[-1] > 990


def test_a_large_folder_is_sampled_evenly(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number:03}.npy").write_bytes(b"")
    found = files_in(str(tmp_path))
    places = [int(file.stem) for file in found]
    assert len(found) == 256 and places[0] == 0 and places[-1] > 990 and places == sorted(places)


def test_what_is_no_folder_of_inputs(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="has no image or array in it"):
        files_in(str(tmp_path))
    with pytest.raises(SettingError, match="cannot be read: No such file"):
        check(Setting(1, "int8", backend="onnxruntime", calibrate=str(tmp_path / "none")), CPU)
    with pytest.raises(SettingError, match="give --dtype int8"):
        calibrated(["float32"], str(tmp_path))
    assert calibrated(["float32", "int8"], "x") == [("float32", None), ("int8", "x")]


def test_it_is_for_graphs_of_one_input(images: Path) -> None:
    setting = Setting(1, "int8", backend="onnxruntime", calibrate=str(images))
    with pytest.raises(InputError, match="graphs of one input; this has 2"):
        next(calibration.passes(setting, [(1, 3, 8, 8)] * 2, ["float32"] * 2))


def test_records_without_it_are_as_before(images: Path) -> None:
    setting = Setting(1, "int8", backend="onnxruntime", calibrate="images")
    assert "calibrate" not in Setting().record()
    assert setting.record()["calibrate"] == "images"
    assert Setting.of(setting.record()) == setting and Setting.of(Setting().record()) == Setting()


def prepared(folder: Path | None) -> Prepared:
    setting = Setting(1, "int8", backend="onnxruntime", calibrate=folder and str(folder))
    return prepare(ready(parse("resnet20"), None, setting, CPU), setting, CPU)


@costly
def test_scales_follow_what_the_folder_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "exports"
    kept.mkdir()
    monkeypatch.setattr(exports, "folder", lambda network=None: kept)
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    draw = np.random.default_rng(0).standard_normal((16, 3, 32, 32))
    np.save(inputs / "one.npy", draw)
    usual, before = prepared(None).ran.output_error, content(str(inputs))
    alike = prepared(inputs).ran.output_error
    np.save(inputs / "one.npy", draw / 50)  # its scales are far too small for normal numbers
    assert content(str(inputs)) != before
    narrow = prepared(inputs).ran.output_error
    assert usual and alike and narrow and alike < 0.1 < narrow and usual < 0.1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["time", "lenet5", "--calibrate", "images"], "give --dtype int8"),
        (["compare", "lenet5", "resnet20", "--calibrate", "images"], "give --dtype int8"),
        (
            ["time", "lenet5", "--dtype", "int8", "--backend", "onnxruntime", "--calibrate", "no"],
            "--calibrate no cannot be read",
        ),
    ],
)
def test_a_wrong_option_is_one_line(line: list[str], said: str, images: Path) -> None:
    done = command(*line, "--quick", "--no-wait", cwd=images.parent)
    assert done.returncode == 2 and said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and not done.stdout


def test_it_is_recorded_and_said(images: Path) -> None:
    line = ["time", "resnet20", "--dtype", "float32,int8", "--backend", "onnxruntime"]
    done = command(
        *(*line, "--calibrate", "images", "--max-time", "0.2", "--no-wait", "--explain"),
        cwd=images.parent,
    )
    assert "scales from images" in " ".join(done.stdout.split()), done.stderr


def test_whatever_it_is_given_errors_are_ours(images: Path) -> None:
    for shape in ((1, 3, 1, 1), (1, 3, 5), (1,), (4, 1, 7, 3)):
        try:
            for array in inputs_of(str(images), shape, np.dtype("float32")):
                assert array.shape == shape
        except CnnbenchError:
            continue
