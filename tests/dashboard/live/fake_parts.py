"""Stand-ins for the parts of COMIS: real processes of a few lines, so that starting and ending them is real too."""

from __future__ import annotations

import sys

IDLE = [sys.executable, "-S", "-c", "import signal; signal.pause()"]

STUBBORN = [
    sys.executable,
    "-S",
    "-c",
    """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
while True:
    signal.pause()
""",
]

BROKEN = [sys.executable, "-S", "-c", "import sys; sys.exit('the pack has no bounds')"]

MISCONFIGURED = [sys.executable, "-S", "-c", "import sys; print('comis: COMIS_PACK names no pack.'); sys.exit(78)"]

WEB = [
    sys.executable,
    "-c",
    """
import http.server, os

class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

http.server.HTTPServer((os.environ["COMIS_HOST"], int(os.environ["COMIS_PORT"])), Ready).serve_forever()
""",
]

GATEWAY = [
    sys.executable,
    "-c",
    """
import os, signal, socket
listening = socket.create_server((os.environ["COMIS_HOST"], int(os.environ["COMIS_DEVICE_PORT"])))
signal.pause()
""",
]

SIMULATION = [
    sys.executable,
    "-S",
    "-c",
    """
import os, pathlib, signal, time
print(time.monotonic(), flush=True)
pathlib.Path(os.environ["COMIS_DATA_DIR"], "simulation.begun").touch()
signal.pause()
""",
]

ALL = {"engine": IDLE, "web": WEB, "feeds": GATEWAY, "archiver": IDLE}
