"""Threads: what affinity, the container's quota and the user's own wish allow."""

from pathlib import Path

import pytest
import torch

from cnnbench.devices import cores


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        (
            "0::/a/job\n",
            {"a/cpu.max": "250000 100000\n", "a/job/cpu.max": "max 100000\n"},
            2.5,
        ),
        (
            "0::/a/job\n",
            {"a/cpu.max": "400000 100000", "a/job/cpu.max": "150000 100000"},
            1.5,
        ),
        ("0::/not/mounted/here\n", {"cpu.max": "300000 100000\n"}, 3.0),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {"cpu.max": "nonsense\n"}, None),
        (
            "4:memory:/x\n3:cpu,cpuacct:/job\n0::/\n",
            {
                "cpu,cpuacct/job/cpu.cfs_quota_us": "50000",
                "cpu,cpuacct/job/cpu.cfs_period_us": "100000",
            },
            0.5,
        ),
        (
            "3:cpu:/host/path\n",
            {"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"},
            2.0,
        ),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("", {}, None),
    ],
)
def test_the_tightest_quota_of_any_group_counts(
    tmp_path: Path, membership: str, files: dict[str, str], expected: float | None
) -> None:
    tree(tmp_path, {"membership": membership})
    root = tree(tmp_path / "cgroup", files)
    root.mkdir(exist_ok=True)
    assert cores.quota(root, tmp_path / "membership") == expected


def test_threads_say_what_they_follow_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(cores, "affinity", lambda: 8)
    monkeypatch.setattr(cores, "quota", lambda: None)
    monkeypatch.setattr(cores.os, "cpu_count", lambda: 8)
    assert cores.threads() == cores.Threads(8, "all cores")
    monkeypatch.setattr(cores.os, "cpu_count", lambda: 192)
    assert cores.threads() == cores.Threads(8, "affinity to 8 cores")
    monkeypatch.setattr(cores, "quota", lambda: 2.5)
    assert cores.threads() == cores.Threads(2, "quota of 2.5 cores")
    monkeypatch.setattr(cores, "quota", lambda: 0.5)
    assert cores.threads() == cores.Threads(1, "quota of 0.5 cores")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert cores.threads() == cores.Threads(3, "OMP_NUM_THREADS")
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert cores.threads().number == 1
    assert cores.threads(5) == cores.Threads(5, "as asked")


def test_what_is_granted_is_the_least_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "affinity", lambda: 2)
    for limit, least in ((32.0, 2), (0.5, 0.5), (None, 2)):
        monkeypatch.setattr(cores, "quota", lambda limit=limit: limit)
        assert cores.granted() == least


def test_torchs_own_number_comes_back() -> None:
    before = torch.get_num_threads()
    with cores.limited(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
