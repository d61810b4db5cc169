"""Files that nobody here made: MACs as ONNX Runtime's own shapes give them, read from its profile.

`results/scripts/model_files.py` has the larger list, of other packages.
"""

import csv
from pathlib import Path

import onnx
import pytest

from cnnbench import count

ROWS = list(csv.DictReader(Path(__file__).with_name("real.csv").open()))
FOLDER = Path(onnx.__file__).parent / "backend/test/data/light"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_files_of_the_onnx_package(row: dict[str, str]) -> None:
    found = count(f"{FOLDER / row['file']}.onnx")
    assert (found.total.macs, found.total.params) == (int(row["macs"]), int(row["params"]))
    assert not found.uncounted
