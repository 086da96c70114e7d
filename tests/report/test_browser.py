"""A report in a headless Chromium, where there is one: no error, no request, and nothing wider than a phone."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from bmnas.report.writing import report_html
from tests.report.made import Made, make_run

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
# In the page that has the report in a frame as wide as a phone: how wide its content is.
LOOK = """<iframe id="f" src="report.html" style="width:390px;height:800px;border:0"></iframe>
<script>document.getElementById("f").onload = e => {
  const page = e.target.contentDocument;
  const wide = page.documentElement.scrollWidth, charts = page.querySelectorAll("svg.chart").length;
  const shown = [...page.querySelectorAll(".light")].filter(x => getComputedStyle(x).display != "none").length;
  document.body.append(`wide ${wide} charts ${charts} light ${shown}.`);
}</script>"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    evil = Made(task="<b>&", modalities=("<i>A", "B"), seeds=2, epochs=4, samples=80)
    runs = [make_run(folder / "run", evil), make_run(folder / "other", Made(seeds=1, epochs=2, samples=80))]
    (folder / "report.html").write_text(report_html(runs), encoding="utf-8")
    (folder / "look.html").write_text(LOOK)
    return folder


def chromium(place, *options: str, page: str = "report.html") -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    fixed = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={place / 'profile'}"]
    fixed += ["--allow-file-access-from-files", "--enable-logging=stderr", "--virtual-time-budget=5000"]
    command = [CHROMIUM, *fixed, *options, "--dump-dom", f"file://{place / page}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=240)


def test_it_opens_without_an_error_and_without_a_request(place):
    log = place / "net.json"
    done = chromium(place, f"--log-net-log={log}", "--net-log-capture-mode=Everything")
    assert "Runs side by side" in done.stdout
    assert "CONSOLE" not in done.stderr
    text = log.read_text(errors="replace")
    try:
        events = json.loads(text)["events"]
    except ValueError:  # the browser was quicker than its log
        events = json.loads(text.rstrip().rstrip(",") + "]}")["events"]
    urls = {event["params"]["url"] for event in events if "url" in event.get("params", {})}
    own = {url for url in urls if "report" in url or not url.startswith(("http", "file"))}
    # What the browser asks for on its own account is not of the page.
    assert not {url for url in urls - own if "google" not in url and "gvt1" not in url}


@pytest.mark.parametrize(("scheme", "light"), [("1", True), ("0", False)])
def test_it_fits_a_phone_in_light_and_dark(place, scheme, light):
    done = chromium(place, f"--blink-settings=preferredColorScheme={scheme}", page="look.html")
    told = done.stdout.rpartition("wide ")[2].partition(".")[0].split()
    assert int(told[0]) <= 390
    assert int(told[2]) > 20
    assert (int(told[4]) > 0) == light
