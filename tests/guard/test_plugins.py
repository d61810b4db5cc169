"""Within other tools: pytest's fixture, pre-commit's hook, a GitHub Actions job."""

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import yaml

from ..commands import ROOT
from ..documentation.pages import DOCS, texts
from ..zoo import costly
from .scratch import Scratch

TESTS = """
def test_within(cost_budget):
    trace = cost_budget("mobilenet_v2", max_macs="320M", max_params=4_000_000)
    assert trace.total.macs == 300_774_272


def test_over(cost_budget):
    cost_budget("mobilenet_v2", max_macs="300M", max_peak_activation_bytes="1MiB")


def test_misspelt(cost_budget):
    cost_budget("mobilenet_v2", max_mac="300M")


def test_without_a_limit(cost_budget):
    cost_budget("mobilenet_v2")
"""


@costly
def test_the_fixture_fails_a_test_with_the_layers(tmp_path: Path) -> None:
    (tmp_path / "test_ours.py").write_text(TESTS)
    for name, text in texts().items():
        (tmp_path / name).write_text(text, "utf-8")  # the guide's test_costs.py, too
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "3 failed, 2 passed" in done.stdout, done.stdout
    assert "mobilenet_v2: MACs 301 M, limit 300 M, 0.26% over it" in done.stdout
    assert "mobilenet_v2: peak memory 10.5 MiB, limit 1.00 MiB" in done.stdout
    assert "conv2d 1x1 320→1280, 7x7x1280" in done.stdout  # the largest layer
    assert "cost_budget has no 'max_mac' (did you mean max_macs" in done.stdout
    assert 'cost_budget needs a limit, such as max_macs="320M"' in done.stdout


def test_the_plugin_costs_nothing_until_it_is_asked_for() -> None:
    code = (
        "import sys, cnnbench.reports.pytest_plugin; "
        "assert not {'torch', 'typer', 'pydantic', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="pre-commit wants a repository")
@costly
def test_the_hook(scratch: Scratch, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    line = ["pre_commit", "try-repo", str(ROOT), "cnnbench-check", "--all-files"]

    def committed() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *line],
            cwd=scratch.folder,
            env={**os.environ, "PRE_COMMIT_HOME": str(home), "PATH": path, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
        )

    done = committed()
    assert done.returncode == 0 and "Passed" in done.stdout, done.stdout + done.stderr
    scratch.change("nn.Linear(16, 10)", "nn.Linear(16, 11)")
    done = committed()
    assert done.returncode == 1 and "Failed" in done.stdout
    assert "head" in done.stdout and "linear 16→11" in done.stdout


def guides() -> list[dict[str, str]]:
    """The steps of the guide's job."""
    guide = (DOCS / "guides/ci.md").read_text("utf-8")
    (text,) = re.findall(r"```yaml\n(name: costs\n.*?)```", guide, re.S)
    job = yaml.safe_load(text)
    assert job[True] == "pull_request"  # YAML 1.1 reads `on` so
    first, second, *run = job["jobs"]["costs"]["steps"]
    assert first["uses"].startswith("actions/checkout@")
    assert first["with"] == {"fetch-depth": 0}  # which is a clone with all there is
    assert second["uses"].startswith("actions/setup-python@")
    return list(run)


def actions(**given: str) -> list[dict[str, Any]]:
    """The steps of the action, with its inputs where GitHub writes them."""
    action = yaml.safe_load((ROOT / ".github/actions/check/action.yml").read_text("utf-8"))
    inputs = {name: given.get(name, one["default"]) for name, one in action["inputs"].items()}

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], text)

    steps = action["runs"]["steps"]
    assert all(step["shell"] == "bash" and "${{" not in step["run"] for step in steps)
    return [
        {
            "run": step["run"],
            "folder": filled(step["working-directory"]),
            "env": {name: filled(text) for name, text in step["env"].items()},
        }
        for step in steps
    ]


def played(steps: list[dict[str, Any]], clone: Path, **environment: str) -> list[tuple[int, str]]:
    """Each step by bash as GitHub runs it, stopping at the first fault."""
    ended = []
    for step in steps:
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=clone / step.get("folder", "."),
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                **environment,
                **step.get("env", {}),
            },
            capture_output=True,
            text=True,
        )
        ended.append((done.returncode, done.stdout + done.stderr))
        if done.returncode:
            break
    return ended


@pytest.mark.skipif(which("bash") is None, reason="GitHub runs bash")
def test_the_action_checks_as_the_guides_job_does(tmp_path: Path) -> None:
    """The same command, in place of which one that prints what it is given."""
    for name in ("cnnbench", "pip"):
        (tmp_path / name).write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    given = {"PATH": path, "GITHUB_BASE_REF": "main"}
    (_, job), (_, action) = (
        played(steps, tmp_path, **given)[-1] for steps in (guides(), actions())
    )
    assert job.split() == ["check", "--format", "github", "--against", "origin/main"]
    assert action.split() == ["check", "--format=github", "--against=origin/main"]


@pytest.mark.skipif(which("bash") is None, reason="GitHub runs bash")
@costly
def test_the_guides_job_step_by_step(
    scratch: Scratch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In a clone with all branches, as a checkout of GitHub's."""
    scratch.git("checkout", "-qb", "feature")
    scratch.change("nn.Linear(16, 10)", "nn.Linear(16, 11)")
    scratch.change("        return self", "        time.sleep(0.01)\n        return self")
    scratch.change("import torch\n", "import time\n\nimport torch\n")
    scratch.write("requirements.txt", "torch\ncnnbench\n")
    scratch.commit("one class more, and slower")
    clone = tmp_path_factory.mktemp("runner") / "clone"
    summary = clone.parent / "summary.md"
    scratch.git("clone", "-q", str(scratch.folder), str(clone))
    ended = played(guides(), clone, GITHUB_BASE_REF="main", GITHUB_STEP_SUMMARY=str(summary))
    assert [code for code, _ in ended] == [0, 1], ended
    output = ended[-1][1]
    assert "::error title=cnnbench%3A nets%3ANet 3x16x16::MACs 350,368 → 350,384" in output
    assert "head linear 16→11" in output
    assert ": slower" in output and "(between its layers)" in output
    assert "### nets:Net 3x16x16" in summary.read_text("utf-8")


@pytest.mark.skipif(which("bash") is None, reason="GitHub runs bash")
def test_the_actions_inputs_are_no_commands(scratch: Scratch) -> None:
    """Nothing is installed, counts alone are compared, in the folder and format that are named."""
    project = scratch.folder / "a project"
    project.mkdir()
    for name in ("nets.py", "pyproject.toml", "cnnbench-baseline.json"):
        (scratch.folder / name).rename(project / name)
    config = "pyproject.toml; touch pwned; $(touch pwned) `touch pwned`"
    (project / "pyproject.toml").rename(project / config)
    given = {"working-directory": project.name, "install": "", "against": "", "format": "junit"}
    (_, nothing), (code, output) = played(actions(**given, config=config), scratch.folder)
    assert (code, nothing) == (2, "") and "touch pwned" in output  # it is no TOML by its name
    assert not list(scratch.folder.rglob("pwned"))
