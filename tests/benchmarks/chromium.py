"""A headless Chromium, spoken to through its own DevTools protocol: pages, scripts in them, and what they cost.

The only module of the benches that knows a browser. May not know what a page shows.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from websockets.sync.client import ClientConnection, connect

from dashboard.readiness import find_browser
from tests.benchmarks.stand import wait_for

ARGUMENTS: Final = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars", "--mute-audio",
    "--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-component-update",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--remote-debugging-port=0",
    "--disable-backgrounding-occluded-windows", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
ANSWER_S: Final = 60.0


class Page:
    """One page of the browser."""

    def __init__(self, connection: ClientConnection) -> None:
        """For a page that is there."""
        self.connection = connection
        self.number = 0
        for domain in ("Page", "Runtime", "Performance", "HeapProfiler"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One call of the protocol.  Raises: RuntimeError where the browser refuses, TimeoutError."""
        self.number += 1
        self.connection.send(json.dumps({"id": self.number, "method": method, "params": params}))
        deadline = time.monotonic() + ANSWER_S
        while True:
            message = json.loads(self.connection.recv(timeout=max(0.0, deadline - time.monotonic())))
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error'].get('message')}")
                result: dict[str, Any] = message["result"]
                return result

    def evaluate(self, script: str) -> Any:
        """The value of a script, waited for.  Raises: RuntimeError with what the page threw."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            thrown = answer["exceptionDetails"].get("exception", {})
            raise RuntimeError(thrown.get("description") or answer["exceptionDetails"].get("text"))
        return answer["result"].get("value")

    def before_each(self, script: str) -> None:
        """Run a script in every document before its own."""
        self.call("Page.addScriptToEvaluateOnNewDocument", source=script)

    def open(self, url: str, until: str, timeout_s: float = 60.0) -> None:
        """Go to a page and wait until a script says true.  Raises: TimeoutError."""
        self.call("Page.navigate", url=url)
        wait_for(lambda: self._says(until), timeout_s, f"{url}: not {until}", 0.05)

    def size(self, width: int, height: int) -> None:
        """Pixels of the screen, one to one."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def busy_s(self) -> float:
        """What the main thread has worked so far, s."""
        metrics = {one["name"]: one["value"] for one in self.call("Performance.getMetrics")["metrics"]}
        return float(metrics["TaskDuration"])

    def heap_bytes(self) -> int:
        """The script's heap after a forced collection."""
        self.call("HeapProfiler.collectGarbage")
        return int(self.call("Runtime.getHeapUsage")["usedSize"])

    def _says(self, script: str) -> bool:
        with contextlib.suppress(RuntimeError):  # not there yet
            return bool(self.evaluate(script))
        return False


@contextlib.contextmanager
def page(width: int = 1920, height: int = 1080) -> Iterator[Page]:
    """A browser of its own with one empty page.  Raises: CannotStart where there is no Chromium."""
    with tempfile.TemporaryDirectory(prefix="comis-chromium-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [find_browser().chromium, *ARGUMENTS, f"--window-size={width},{height}", f"--user-data-dir={profile}",
             "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            with connect(_address(Path(profile)), compression=None, max_size=None) as connection:
                made = Page(connection)
                made.size(width, height)
                yield made
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(profile: Path) -> str:
    """Where the first page listens; the browser writes its port into its profile."""
    file = profile / "DevToolsActivePort"
    wait_for(lambda: file.exists() and file.read_text().count("\n") >= 1, 30, "the browser does not start", 0.05)
    port = file.read_text().split()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=10) as answer:
        targets = json.load(answer)
    return next(target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page")
