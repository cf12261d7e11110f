"""Serves the demo in a temporary folder and takes the pictures of it: ``make pictures``."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 120  # seconds for the demo data


def main() -> int:
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "order_hub.yaml"
        shutil.copy(ROOT / "apps/order_hub.yaml", file)
        command = [sys.executable, "-m", "engine.cli", "run", str(file), "--plugin", "plugins.order_hub",
                   "--plugin", "plugins.planning",
                   "--demo", "--demo-count", "300", "--quiet", "--port", str(port),
                   "--database", f"sqlite:///{folder}/pictures.db"]  # fmt: skip
        with subprocess.Popen(command, cwd=ROOT) as server:
            try:
                _wait(f"http://127.0.0.1:{port}/sign_in", server)
                return subprocess.call([sys.executable, "tools/screenshots.py", f"http://127.0.0.1:{port}"], cwd=ROOT)
            finally:
                server.terminate()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(address: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            urlopen(address).close()
            return
        except URLError:
            time.sleep(0.3)
    raise SystemExit("The demo did not start.")


if __name__ == "__main__":
    sys.exit(main())
