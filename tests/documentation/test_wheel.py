"""The wheel has all that is used, and works where the repository is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path
from venv import EnvBuilder
from zipfile import ZipFile

import pytest

from ..commands import ROOT
from ..zoo import costly

LEAST = 77  # of setuptools, as [build-system] has it: 'license = "MIT"' is newer than that


def have_setuptools() -> bool:
    try:
        return int(version("setuptools").partition(".")[0]) >= LEAST
    except ImportError:
        return False


def run(*line: str | Path, cwd: Path) -> str:
    """What it prints; nothing of this repository or of a network is within its reach."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment = {**own, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not have_setuptools(), reason=f"a wheel is built by setuptools >= {LEAST}")
@costly
def test_an_installed_wheel_counts_and_shows_its_guide(tmp_path: Path) -> None:
    source, wheels, there = (tmp_path / name for name in ("source", "wheels", "there"))
    there.mkdir()
    unneeded = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "cnnbench", source / "cnnbench", ignore=unneeded)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    pip = (sys.executable, "-m", "pip")
    run(*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", wheels, source, cwd=there)
    (wheel,) = wheels.iterdir()
    names = set(ZipFile(wheel).namelist())
    files = {str(file.relative_to(source)) for file in (source / "cnnbench").rglob("*.*")}
    assert {name for name in files if not name.endswith(".pyc")} <= names
    assert any(name.endswith(".dist-info/licenses/cnnbench/LICENSE") for name in names)

    EnvBuilder(with_pip=False).create(tmp_path / "venv")
    scheme = {"base": str(tmp_path / "venv"), "platbase": str(tmp_path / "venv")}
    scripts = Path(sysconfig.get_path("scripts", "venv", vars=scheme))
    packages = Path(sysconfig.get_path("purelib", "venv", vars=scheme))
    # torch and the rest are this environment's; what its own .pth files add is not read.
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    python = scripts / Path(sys.executable).name
    run(*pip, "--python", python, "install", "-q", "--no-deps", wheel, cwd=there)
    home = run(python, "-c", "import cnnbench; print(cnnbench.__file__)", cwd=there)
    assert Path(home.strip()).is_relative_to(packages)
    assert "4.23 M" in run(scripts / "cnnbench", "flops", "mobilenet", cwd=there)
    listed = run(scripts / "cnnbench", "guide", cwd=there)
    for page in (ROOT / "cnnbench/docs").rglob("*.md"):
        assert f"{page.stem} " in listed
