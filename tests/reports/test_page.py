"""The page of a sweep in a real browser, opened from the disk, without a network."""

from __future__ import annotations

import base64
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .. import hostile
from ..commands import ROOT, command
from ..sweeps import made
from ..zoo import costly

pytestmark = costly

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
PHONE = 400  # pixels


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Headless Chromium that logs its console, and asks no host for anything."""
    if CHROMIUM is None or DRIVER is None:
        assert not os.environ.get("CNNBENCH_BROWSER"), "CI has installed no browser"
        pytest.skip("no chromium and chromedriver here")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
        *("disable-background-networking", "disable-component-update", "disable-sync"),
        *("host-resolver-rules=MAP * ~NOTFOUND", "disable-dev-shm-usage"),
        f"user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    made.store(folder / "run", made.zoo())
    done = command("report", "run", "--output", "page.html", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "page.html: 15 configurations, 12 charts\n"
    return folder / "page.html"


def opened(browser: Any, path: Path, width: int = 1100) -> None:
    """Open it, and wait until each chart is drawn."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get_log("browser")
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)  # no window is so narrow
    browser.get(path.as_uri())
    WebDriverWait(browser, 30).until(
        lambda driver: driver.execute_script(
            "return document.body.dataset.drawn || "
            "(!document.querySelector('.chart') && document.body.dataset.seen)"
        )
    )


def found(browser: Any, selector: str) -> list[Any]:
    return list(browser.find_elements("css selector", selector))


def cells(browser: Any, column: int) -> list[str]:
    """What a column of the table shows, from above."""
    return [cell.text for cell in found(browser, f"tbody td:nth-child({column})")]


def test_every_chart_is_drawn_with_marks_and_axes(browser: Any, page: Path) -> None:
    opened(browser, page)
    charts = found(browser, ".chart")
    assert len(charts) == 12
    for chart in charts:
        (svg,) = chart.find_elements("css selector", "svg.marks")
        marks = svg.find_elements("css selector", ".mark-symbol path, .mark-rect path")
        assert len(marks) >= 3, chart.get_attribute("aria-label")
        titles = svg.find_elements("css selector", ".role-axis-title text")
        assert titles and all(title.text for title in titles)
        legend = [
            text.text for text in svg.find_elements("css selector", ".role-legend-label text")
        ]
        assert len(legend) == len(set(legend)), legend
        assert 0 < svg.size["width"] <= chart.size["width"] + 1
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", [1100, PHONE])
def test_no_name_stands_on_another(browser: Any, page: Path, width: int) -> None:
    opened(browser, page, width)
    no_name_stands_on_another(browser)


def no_name_stands_on_another(browser: Any) -> None:
    for chart in found(browser, ".chart"):
        shown = {  # once: a name stands twice, over its own halo
            (text.text, text.rect["x"], text.rect["y"]): text.rect
            for text in chart.find_elements("css selector", "svg text")
            if text.text.strip() and text.is_displayed()
        }
        texts = list(shown.values())
        for index, a in enumerate(texts):
            for b in texts[index + 1 :]:
                across = min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"])
                down = min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"])
                assert min(across, down) <= 2, (chart.get_attribute("aria-label"), a, b)


def test_the_table_is_sorted_and_filtered(browser: Any, page: Path) -> None:
    opened(browser, page)
    headings = [cell.text for cell in found(browser, "thead th")]
    models, macs = headings.index("model") + 1, headings.index("MACs") + 1
    assert len(cells(browser, models)) == 15
    button = found(browser, f"thead th:nth-child({macs}) button")[0]
    button.click()
    assert cells(browser, models)[0] == "lenet5"
    assert cells(browser, models)[-1] == "vgg16@resolution=16"  # it has none
    button.click()
    assert cells(browser, models)[0] == "resnet50" and cells(browser, macs)[0] == "32.7 G"
    assert cells(browser, models)[-1] == "vgg16@resolution=16"
    filter_, shown = found(browser, "#filter")[0], found(browser, "#shown")[0]
    filter_.send_keys("resnet 8")
    assert set(cells(browser, models)) == {"resnet50", "resnet18"}
    assert re.fullmatch(r"\d of 15 rows", shown.text)
    filter_.send_keys(" nothing")
    assert cells(browser, models) == [] and shown.text == "0 of 15 rows"


def test_a_hostile_name_is_shown_as_text(browser: Any, page: Path) -> None:
    opened(browser, page)
    (name,) = {text for text in cells(browser, 1) if "onerror" in text}
    assert name.startswith("nets.py:<img src=x onerror=") and name.endswith("</script>")
    assert browser.title == "cnnbench: run"
    assert not found(browser, "table img") and not found(browser, "svg img")
    assert any("<img" in text.text for text in found(browser, "svg text"))
    assert browser.get_log("browser") == []


def test_pages_and_pictures_of_hostile_text_are_text(browser: Any, tmp_path: Path) -> None:
    hostile.project(tmp_path, hostile.TEXTS[::3])
    runs = [hostile.FOLDER, f"{hostile.FOLDER}2"]
    pair = [hostile.MODEL, f"{hostile.MODEL}@raises=-2"]
    lines = [
        ["report", runs[0], "--output", "one.html", "--figures", "."],
        ["report", "--compare", *runs, "--output", "two.html", "--figures", "."],
        *(
            ["compare", *pair, "--input", "3x8x8", "--on", hostile.DEVICE, "--output", name]
            for name in ("compare.svg", "compare.html")
        ),
        ["gradients", *pair, "--input", "3x8x8", "--seeds", "2", "--output", "gradients.svg"],
    ]
    for line in lines:
        done = command(*line, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        hostile.check(done.stdout + done.stderr)
    for page in ("one.html", "two.html"):
        opened(browser, tmp_path / page)
        assert "run\\x1b[31m\\u202e<b>" in browser.title
        hostile.check(found(browser, "html")[0].text)
        assert browser.get_log("browser") == []
    pictures = [*tmp_path.glob("*.svg"), tmp_path / "compare.html"]
    assert len(pictures) >= 6
    for picture in pictures:
        browser.get(picture.as_uri())
        assert not found(browser, "parsererror, svg script, svg image, img"), picture
        assert found(browser, "svg text") and "owned" not in browser.title
        assert browser.get_log("browser") == []
        if picture.suffix == ".svg":
            hostile.check(picture.read_text("utf-8"))


def test_it_loads_nothing(browser: Any, page: Path) -> None:
    opened(browser, page)
    loads_nothing(browser)


def loads_nothing(browser: Any) -> None:
    """And may not: whatever a name makes of the page, its policy allows no request."""
    script = "return performance.getEntriesByType('resource').map(entry => entry.name)"
    asked = [name for name in browser.execute_script(script) if not name.startswith("data:")]
    assert asked == []
    (policy,) = found(browser, "meta[http-equiv='Content-Security-Policy']")
    assert "default-src 'none'" in policy.get_attribute("content")


def test_a_phone_shows_it_without_scrolling_sideways(browser: Any, page: Path) -> None:
    opened(browser, page, width=PHONE)
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= browser.execute_script("return window.innerWidth")
    for chart in found(browser, ".chart"):
        (svg,) = chart.find_elements("css selector", "svg.marks")
        assert svg.size["width"] <= chart.size["width"] + 1
        right = svg.rect["x"] + svg.rect["width"] + 1
        for text in svg.find_elements("css selector", ".role-legend-label text"):
            assert text.rect["x"] + text.rect["width"] <= right, text.text


def test_two_runs_are_compared_on_a_page(browser: Any, tmp_path: Path) -> None:
    made.store(tmp_path / "a", [made.record("resnet18", seconds=0.02), made.record("lenet5")])
    made.store(tmp_path / "b", [made.record("resnet18", seconds=0.01), made.record("lenet5")])
    done = command("report", "--compare", "a", "b", "--output", "page.html", cwd=tmp_path)
    assert done.stdout == "page.html: 2 configurations, 1 chart\n", done.stderr
    opened(browser, tmp_path / "page.html")
    assert "1 faster, 1 indistinguishable in b" in found(browser, "header")[0].text
    assert browser.get_log("browser") == []


def test_many_ways_of_running_are_told_and_axes_have_numbers(browser: Any, tmp_path: Path) -> None:
    """The axes of the issue's own example: 3 batches, 2 dtypes, 2 layouts; times of one decade."""
    records = [
        made.record(
            model, 10**9, 0.021 + batch / 1e3, batch=batch, dtype=dtype, channels_last=layout
        )
        for model in ("mobilenet_v1", "conv@out_channels=128", "separable@out_channels=128")
        for batch in (1, 8, 12)
        for dtype in ("float32", "bfloat16")
        for layout in (False, True)
    ]
    made.store(tmp_path / "run", records)
    command("report", "run", "--output", "page.html", cwd=tmp_path)
    opened(browser, tmp_path / "page.html")
    captions = [caption.text for caption in found(browser, "figcaption")]
    assert sum("8 of 12 ways of running are drawn" in caption for caption in captions) == 2
    assert any("measured to run, batch 1, float32, contiguous" in caption for caption in captions)
    for chart in found(browser, ".chart"):
        for axis in chart.find_elements("css selector", ".role-axis"):
            labels = axis.find_elements("css selector", ".role-axis-label text")
            numbers = [text.text for text in labels if text.text[:1].isdigit()]
            lines = axis.find_elements("css selector", ".role-axis-title text")
            assert not lines or len(numbers) >= 2, lines[0].text
    assert browser.get_log("browser") == []


def test_many_rows_are_shown_in_parts(browser: Any, tmp_path: Path) -> None:
    records = [made.record(f"lenet5@num_classes={number}") for number in range(1, 501)]
    made.store(tmp_path / "run", records)
    command("report", "run", "--output", "page.html", cwd=tmp_path)
    opened(browser, tmp_path / "page.html")
    assert len(found(browser, "tbody tr")) == 200
    found(browser, "#more")[0].click()
    assert len(found(browser, "tbody tr")) == 500


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network")
    done = command("show", "googlenet", "--output", "net.html", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "net.html"


def test_a_network_is_reached_by_the_keyboard(browser: Any, network: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    opened(browser, network)
    parts = found(browser, ".part")
    assert len(parts) > 40 and all(part.get_attribute("tabindex") == "0" for part in parts)
    browser.execute_script("document.getElementById('view').focus()")
    body = browser.switch_to.active_element
    seen = []
    for _ in range(len(parts) + 1):
        body.send_keys(Keys.TAB)
        body = browser.switch_to.active_element
        seen.append(body.get_attribute("aria-label"))
    assert {part.get_attribute("aria-label") for part in parts} <= set(seen)
    told = found(browser, "#told")[0].text
    assert "macs" in told and "1,024,000" in told  # the last, the classifier
    assert browser.get_log("browser") == []


def test_a_network_is_looked_at_closer_and_whole(browser: Any, network: Path) -> None:
    opened(browser, network)
    (picture,) = found(browser, "#view svg")
    before = picture.size["width"]
    found(browser, "#closer")[0].click()
    assert picture.size["width"] > 1.3 * before
    found(browser, "#whole")[0].click()
    view = found(browser, "#view")[0]
    assert picture.size["height"] <= view.size["height"] + 2
    found(browser, "#closer")[0].click()
    (target,) = found(browser, ".part:last-of-type")[-1:]
    browser.execute_script("arguments[0].dispatchEvent(new Event('pointerenter'))", target)
    assert "layer" in found(browser, "#told")[0].text
    assert browser.get_log("browser") == []


def test_no_word_of_a_network_stands_on_another(browser: Any, network: Path) -> None:
    opened(browser, network)
    script = """
      const boxes = [...document.querySelectorAll('#view svg text')].map((one) => {
        const r = one.getBoundingClientRect();
        return [one.textContent, r.left, r.top, r.right, r.bottom];
      });
      const frames = [...document.querySelectorAll('#view svg .part')].map((one) => {
        const r = one.querySelector('.box').getBoundingClientRect();
        return [[...one.querySelectorAll('text')].map((t) => t.getBoundingClientRect().right),
                r.right];
      });
      return [boxes, frames];
    """
    texts, frames = browser.execute_script(script)
    for index, (a, *first) in enumerate(texts):
        for b, *second in texts[index + 1 :]:
            across = min(first[2], second[2]) - max(first[0], second[0])
            down = min(first[3], second[3]) - max(first[1], second[1])
            assert min(across, down) <= 3, (a, b)
    assert all(right <= edge for rights, edge in frames for right in rights)


def test_a_network_on_a_phone(browser: Any, network: Path) -> None:
    opened(browser, network, width=PHONE)
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= browser.execute_script("return window.innerWidth")
    policy = found(browser, "meta[http-equiv='Content-Security-Policy']")[0]
    assert "default-src 'none'" in policy.get_attribute("content")


@pytest.fixture(scope="module")
def all_of_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All about one network, with what a device is predicted to take."""
    folder = tmp_path_factory.mktemp("one")
    device = ROOT / "tests/golden/files/device.toml"
    line = "report", "mobilenet_v2", "--on", str(device), "--output", "net.html"
    done = command(*line, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "net.html"


def test_all_of_one_network_on_a_page(browser: Any, all_of_one: Path) -> None:
    opened(browser, all_of_one)
    assert len(found(browser, ".part")) > 10 and len(found(browser, ".chart")) == 7
    for chart in found(browser, ".chart"):
        (svg,) = chart.find_elements("css selector", "svg.marks")
        assert 0 < svg.size["width"] <= chart.size["width"] + 1
    assert len(found(browser, "tbody tr")) > 50
    cells_ = found(browser, ".cell")
    labels = [cell.get_attribute("aria-label") for cell in cells_]
    assert len(cells_) > 20 and labels[0] == "mobilenet_v2: 301 M MACs, 100.0%"
    (stage,) = [cell for cell, label in zip(cells_, labels, strict=True) if "stage2:" in label]
    stage.click()
    assert " › " in found(browser, "#trail")[0].text
    buttons = {button.text: button for button in found(browser, "#divided button")}
    assert list(buttons) == ["MACs", "params", "bytes moved", "time, eager"]
    buttons["params"].click()
    assert "params" in found(browser, ".cell")[0].get_attribute("aria-label")
    buttons["time, eager"].click()
    label = found(browser, ".cell")[0].get_attribute("aria-label")
    assert re.search(r": [\d.]+ ms, [\d.]+%$", label), label
    font = "return getComputedStyle(document.querySelector('.chart svg text')).fontSize"
    assert browser.execute_script(font) != "13px"  # the picture's style is its own
    assert browser.get_log("browser") == []


def test_what_is_divided_is_told_to_whoever_has_no_pointer(browser: Any, all_of_one: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    opened(browser, all_of_one)
    browser.execute_script("document.querySelector('.cell').focus()")
    told = []
    for _ in range(6):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        told.append(found(browser, "#cell")[0].text)
    assert len(set(told)) == 6 and all("MACs" in text for text in told)
    before = len(found(browser, ".cell"))
    browser.execute_script("document.querySelector('.cell[aria-label^=stage2]').focus()")
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert " › " in found(browser, "#trail")[0].text and len(found(browser, ".cell")) != before


def test_a_hostile_networks_pages_load_nothing(browser: Any, tmp_path: Path) -> None:
    hostile.project(tmp_path, hostile.TEXTS[::3])
    for words in ("report", "show"):
        line = words, hostile.MODEL, "--input", "3x8x8", "--output", f"{words}.html"
        done = command(*line, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        opened(browser, tmp_path / f"{words}.html")
        loads_nothing(browser)
        hostile.check(found(browser, "html")[0].text)
        assert not found(browser, "img, svg image, iframe") and "owned" not in browser.title
        for part in found(browser, ".part")[:3]:
            browser.execute_script("arguments[0].focus()", part)
        hostile.check(found(browser, "#told")[0].text)
        assert browser.get_log("browser") == []


def test_it_is_dark_where_a_reader_prefers_that(browser: Any, all_of_one: Path) -> None:
    def ground() -> str:
        script = "return getComputedStyle(document.body).backgroundColor"
        return str(browser.execute_script(script))

    opened(browser, all_of_one)
    assert ground() == "rgb(255, 255, 255)"
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    assert ground() == "rgb(22, 22, 22)"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("width", [1100, PHONE])
def test_a_networks_charts_bear_names_that_are_read(
    browser: Any, all_of_one: Path, width: int
) -> None:
    opened(browser, all_of_one, width)
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= browser.execute_script("return window.innerWidth")
    no_name_stands_on_another(browser)
    for name in ("Layers: multiply-accumulates", "What each operator of eager"):
        (chart,) = (
            chart
            for chart in found(browser, ".chart")
            if (chart.get_attribute("aria-label") or "").startswith(name)
        )
        (svg,) = chart.find_elements("css selector", "svg.marks")
        shown = {
            text.text
            for text in svg.find_elements("css selector", ".mark-text text")
            if text.get_attribute("opacity") != "0" and "." in text.text
        }
        assert len(shown) >= 3, (name, shown)


def test_it_is_printed(browser: Any, all_of_one: Path) -> None:
    opened(browser, all_of_one)
    paper = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True}
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", paper)["data"])
    assert printed.startswith(b"%PDF") and printed.count(b"/Type /Page\n") > 3
    assert len(found(browser, "tbody tr")) == 151  # every row
