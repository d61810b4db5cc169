"""How long a network's page takes to write, and to open in a browser until all of it is drawn.

    python results/scripts/pages.py [--rounds 5] [--output FILE.json]

Each round opens every page once, in random order, in a fresh tab of headless Chromium, which must
be installed beside its driver. A page is open when all charts, the picture and the table are drawn.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cnnbench import count
from cnnbench.devices.device import find_device

MODELS = ("lenet5", "mobilenet_v2", "efficientnet_b7", "efficientnet_b0@depth_mult=5")
_DRAWN = "return document.body.dataset.drawn && document.body.dataset.seen"
_PATIENCE_S = 60


def browser() -> Any:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("chromium-browser") or ""
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{flag}")
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))


def opened(driver: Any, page: Path) -> float:
    """Seconds until it is drawn, by the browser's own clock."""
    driver.switch_to.new_window("tab")
    driver.get(page.as_uri())
    deadline = time.monotonic() + _PATIENCE_S
    while not driver.execute_script(_DRAWN):
        assert time.monotonic() < deadline, page
        time.sleep(0.005)
    seconds = driver.execute_script("return performance.now() / 1000")
    driver.close()
    driver.switch_to.window(driver.window_handles[0])
    return float(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory() as folder:
        for name in MODELS:
            page = Path(folder) / f"{name}.html"
            start = time.perf_counter()
            line = [sys.executable, "-m", "cnnbench", "report", name, "--output", str(page)]
            subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
            written = time.perf_counter() - start
            found[name] = {
                "operators": len(count(name).operators),
                "written_s": written,
                "bytes": page.stat().st_size,
                "opened_s": [],
            }
        driver = browser()
        try:
            opened(driver, Path(folder) / f"{MODELS[0]}.html")  # the browser itself has begun
            for _ in range(arguments.rounds):
                for name in random.sample(MODELS, len(MODELS)):
                    found[name]["opened_s"].append(opened(driver, Path(folder) / f"{name}.html"))
        finally:
            driver.quit()
    first = statistics.median(found[MODELS[0]]["opened_s"])
    for name, row in found.items():
        middle = statistics.median(row["opened_s"])
        row["median_s"], row["against_first"] = middle, middle / first
        print(
            f"{name}: {row['operators']:,} operators, {row['bytes'] / 2**20:.1f} MiB, written in "
            f"{row['written_s']:.1f} s, opened in {middle:.2f} s ({middle / first:.2f}x the first)"
        )
    if arguments.output:
        measured = {
            "processor": find_device("cpu").name,
            "rounds": arguments.rounds,
            "pages": found,
        }
        arguments.output.write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
