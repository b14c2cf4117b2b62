"""Takes the pictures of `docs/pictures` from a running demo: `python docs/pictures.py http://127.0.0.1:8050`.

Run it with the test environment's Python (`.venv-test/bin/python`) while `./comis up` runs. Knows pages, no figures.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, Final

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dashboard.readiness import find_browser

TO: Final = Path(__file__).resolve().parent / "pictures"
DESK: Final = (1920, 1080)
SELECT: Final = "document.querySelectorAll('.rowq')[0]?.click()"
PICTURES: Final[dict[str, tuple[str, tuple[int, int], str]]] = {
    "wall-zh": ("/wall", DESK, ""),
    "wall-en": ("/wall?lang=en", DESK, ""),
    "dispatch-zh": ("/dispatch?as=dispatcher", DESK, SELECT),
    "dispatch-en": ("/dispatch?as=dispatcher&lang=en", DESK, SELECT),
    "dispatch-light-zh": ("/dispatch?as=supervisor&theme=light", DESK, SELECT),
    "sources-zh": ("/sources", DESK, ""),
    "sources-en": ("/sources?lang=en", DESK, ""),
    "phone-zh": ("/dispatch?as=dispatcher", (390, 844), ""),
    "phone-wall-en": ("/wall?lang=en", (390, 1097), ""),
}


def take(driver: Any, address: str, name: str) -> None:
    """One picture, once the page holds the city and has painted it."""
    path, (width, height), click = PICTURES[name]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get(address + path)
    WebDriverWait(driver, 20).until(lambda d: d.execute_script("return !!window.comis?.painted && !!comis.store?.seq"))
    if click:
        driver.execute_script(click)
    time.sleep(3)  # figures come once a second, advice a little later
    driver.save_screenshot(str(TO / f"{name}.png"))
    print(f"docs/pictures/{name}.png")


def main(address: str) -> None:
    """Every picture of the table."""
    browser = find_browser()
    options = Options()
    options.binary_location = str(browser.chromium)
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1"):
        options.add_argument(argument)
    TO.mkdir(exist_ok=True)
    driver = webdriver.Chrome(options=options, service=Service(str(browser.chromedriver)))
    try:
        for name in PICTURES:
            take(driver, address, name)
    finally:
        driver.quit()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8050")
