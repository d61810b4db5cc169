"""Files that are wrong: one line, of the error that the reader chose."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from cnnbench.errors import ConfigError
from cnnbench.files import Complaint, read_toml, validated


class Point(BaseModel):
    model_config = ConfigDict(extra="forbid")
    across: int
    down: list[int] = []


def told(complaint: Complaint) -> ConfigError:
    return ConfigError(f"{complaint.key}: {complaint.text}")


@pytest.mark.parametrize("content", [b"a = ", b"\xff = 1", b"a = " + b"[" * 5000])
def test_what_is_no_toml_is_called_by_its_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "plan.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"^plan.toml is no TOML: [^\n]+$"):
        read_toml(file, ConfigError, name=file.name)
    file.write_bytes(b"\xef\xbb\xbfa = 1")  # as editors on Windows begin a file
    assert read_toml(file, ConfigError) == {"a": 1}
    file.unlink()
    with pytest.raises(ConfigError, match="No such file or directory; make one"):
        read_toml(file, ConfigError, hint="; make one")


def test_the_first_complaint_is_told() -> None:
    assert validated(Point, {"across": 3}, told) == validated(Point, b'{"across": 3}', told)
    with pytest.raises(ConfigError, match=r"^down\.1: input should be a valid integer"):
        validated(Point, {"across": 3, "down": [1, "x"]}, told)
    with pytest.raises(ConfigError, match=r"^it: invalid JSON"):
        validated(Point, b"{", told)
    with pytest.raises(ConfigError, match=r"^acros: extra inputs"):  # not that across is missing
        validated(Point, {"acros": 3}, told)


def test_pydantic_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, cnnbench.files; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
