"""Reports in every format and at every width."""

import csv
import io
import json
import os
import stat
import threading
from pathlib import Path

import pytest

from cnnbench.errors import OutputError
from cnnbench.files import check_writable, write
from cnnbench.reports.formats.emit import Format, text
from cnnbench.reports.formats.terminal import plain
from cnnbench.reports.report import Column, Report, Table

ROWS = [
    {
        "model": "a|b@width_mult=0.5,resolution=160",
        "input": [[1, 3, 8, 8]],
        "macs": 2**60,
        "on": True,
    },
    {"model": "plain", "input": [[8, 3, 8, 8], [8, 4]], "macs": 1, "on": False},
]
COLUMNS = (
    Column("model", "model", left=True),
    Column("input", "input", str, left=True, under=True),
    Column("macs", "MACs", lambda n: f"{n:,}"),
)
REPORT = Report("flops", ROWS, [Table(COLUMNS, ROWS, "title")], ["note"], {"torch": "2"})


def test_json_keeps_integers_exact() -> None:
    document = json.loads(text(REPORT, Format.JSON))
    assert document["results"] == ROWS
    assert document["environment"] == {"torch": "2"}


def test_csv_has_base_units_and_flat_cells() -> None:
    first, second = csv.DictReader(io.StringIO(text(REPORT, Format.CSV)))
    assert first["input"] == "1x3x8x8" and second["input"] == "8x3x8x8 8x4"
    assert first["macs"] == str(2**60)
    assert (first["on"], second["on"]) == ("true", "false")


def test_markdown_escapes_what_would_split_a_cell() -> None:
    lines = text(REPORT, Format.MARKDOWN).splitlines()
    assert lines[0] == "### title" and lines[-1] == "note"
    assert lines[4].startswith("| a\\|b@width_mult=0.5,resolution=160 ")


def test_a_narrow_table_moves_columns_under_and_loses_nothing() -> None:
    wide, narrow = plain(REPORT, 120).splitlines(), plain(REPORT, 50).splitlines()
    assert "a|b@width_mult=0.5,resolution=160" in wide[3]
    assert max(map(len, narrow)) <= 50 and len(narrow) > len(wide)
    assert any(f"{2**60:,}" in line for line in narrow)
    assert any("resolution=160" in line for line in narrow)


@pytest.mark.parametrize("width", [0, 1, 20, 40, 60])
def test_no_width_cuts_a_number(width: int) -> None:
    lines = plain(REPORT, width).splitlines()
    assert any(f"{2**60:,}" in line for line in lines)


def test_files_are_written_whole_with_ordinary_permissions(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write(path, "new")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    path.chmod(0o640)
    write(path, "newer")
    assert path.read_text() == "newer" and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.json"
    path.write_text("old")

    def fails(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OutputError, match="No space left"):
        write(path, "new")
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(path.read_text()))
    reader.start()
    write(path, "through")
    reader.join()
    assert got == ["through"] and stat.S_ISFIFO(path.stat().st_mode)


def test_what_cannot_be_written_is_known_before(tmp_path: Path) -> None:
    check_writable(None)
    check_writable(tmp_path / "x.csv")
    with pytest.raises(OutputError, match="it is a folder"):
        check_writable(tmp_path)
    with pytest.raises(OutputError, match="there is no folder"):
        check_writable(tmp_path / "no" / "x.csv")
