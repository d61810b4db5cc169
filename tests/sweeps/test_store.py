"""A store: what is finished is never lost, whatever ends the sweep."""

import signal
import subprocess
import sys
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cnnbench.errors import OutputError, StoreError
from cnnbench.sweeps.reading import standing
from cnnbench.sweeps.store import Store

from . import made


def keys(store: Store) -> list[str]:
    return [record["key"] for record in made.records(store)]


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    store = Store(tmp_path / "run" / "one")
    assert keys(store) == []
    with store.writing() as writer:
        writer.append({"key": "a", "text": "ä\n\u2028", "raw": [1e-300, 2**70, None]})
    with store.writing() as writer:
        writer.append({"key": "b"})
    assert made.records(store) == [
        {"key": "a", "text": "ä\n\u2028", "raw": [1e-300, 2**70, None]},
        {"key": "b"},
    ]


@settings(max_examples=50)
@example(cut=127, texts=["", "\x1f\U00010000", "\x1f\x1f\x1f\x0b\U00010000}"])
@given(cut=st.integers(0, 400), texts=st.lists(st.text(max_size=30), min_size=1, max_size=6))
def test_a_line_cut_short_is_no_record_and_no_obstacle(
    tmp_path_factory: pytest.TempPathFactory, cut: int, texts: list[str]
) -> None:
    """Cut anywhere, the whole lines before are there, and writing goes on after them."""
    store = Store(tmp_path_factory.mktemp("store"))
    with store.writing() as writer:
        for number, text in enumerate(texts):
            writer.append({"key": str(number), "text": text})
    (path,) = store.files()
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    ends = accumulate(len(line) + 1 for line in whole.splitlines())
    # A line is whole without its last byte, the end of line. (A text may hold a brace, too.)
    kept = [str(number) for number, end in enumerate(ends) if end - 1 <= cut]
    assert keys(store) == kept
    with store.writing() as writer:
        writer.append({"key": "next"})
    assert keys(store) == [*kept, "next"]


def test_a_last_line_that_lacks_nothing_but_its_end_is_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing() as writer:
        writer.append({"key": "a"})
        writer.append({"key": "b"})
    (path,) = store.files()
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    assert keys(store) == ["a", "b"]
    with store.writing() as writer:
        writer.append({"key": "c"})
    assert keys(store) == ["a", "b", "c"] and path.read_bytes().count(b"\n") == 3


@pytest.mark.parametrize(
    "text",
    ["my notes", '[\n{"a": 1}\n]', "[1, 2", '{"key": "a"}{"key": "b"}', '{"key": "a"},', "{}\r{}"],
)
def test_what_no_record_begins_with_is_not_removed(tmp_path: Path, text: str) -> None:
    (tmp_path / "records.jsonl").write_text(text, newline="")
    store = Store(tmp_path)
    with pytest.raises(StoreError, match="is no record"):
        standing(store)
    with store.writing():
        pass
    assert (tmp_path / "records.jsonl").read_bytes() == text.encode()


def test_a_file_that_is_taken_away_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing() as writer:
        writer.append({"key": "a"})
        (tmp_path / "records.jsonl").unlink()
        with pytest.raises(OutputError, match="was removed or replaced meanwhile; begin again"):
            writer.append({"key": "b"})


def test_two_writers_of_one_file_are_refused_and_of_two_are_not(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing() as first, store.writing("task-1.jsonl") as second:
        with pytest.raises(StoreError, match="another sweep is writing"), store.writing():
            pass
        first.append({"key": "a"})
        second.append({"key": "b"})
    assert sorted(keys(store)) == ["a", "b"]
    with store.writing():
        pass


WRITING = """
import sys
from pathlib import Path
from cnnbench.sweeps.store import Store
with Store(Path(sys.argv[1])).writing() as writer:
    for number in range(10**9):
        writer.append({"key": str(number), "text": "x" * 5000})
        print(number, flush=True)
"""


def test_a_killed_writer_loses_no_finished_record(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITING, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(20):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    told = 20 + len(process.stdout.read().splitlines())
    process.wait()
    found = keys(Store(tmp_path))
    assert found[:told] == [str(number) for number in range(told)] and len(found) - told <= 1
    with Store(tmp_path).writing() as writer:  # its lock is gone with it
        writer.append({"key": "next"})
    assert keys(Store(tmp_path))[-1] == "next"


FULL = """
import resource, signal, sys
from pathlib import Path
from cnnbench.errors import OutputError
from cnnbench.sweeps.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    with Store(Path(sys.argv[1])).writing() as writer:
        for number in range(100):
            writer.append({"key": str(number), "text": "x" * 900})
except OutputError as error:
    print(error)
"""


def test_a_full_disk_keeps_what_is_finished(tmp_path: Path) -> None:
    """As a limit on a file's size, which fails in the same place."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "what is finished is kept" in done.stdout
    found = keys(Store(tmp_path))
    assert found == [str(number) for number in range(len(found))] and 8 <= len(found) <= 11
    (path,) = Store(tmp_path).files()
    assert path.read_bytes().endswith(b"\n")  # nothing half-written stands there
    with Store(tmp_path).writing() as writer:
        writer.append({"key": "next"})
    assert keys(Store(tmp_path)) == [*found, "next"]
