"""Puts npm's axe-core, which finds faults of accessibility, into .venv/axe for the browser tests; never shipped."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "4.14.1"
FOLDER = Path(__file__).resolve().parents[1] / ".venv" / "axe"
SCRIPT = FOLDER / "node_modules" / "axe-core" / "axe.min.js"


def main() -> int:
    mark = FOLDER / f".installed-{VERSION}"
    if mark.exists() and SCRIPT.exists():
        return 0
    npm = shutil.which("npm")
    if npm is None:
        print("npm is needed to test accessibility: install nodejs and npm", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", "--no-save", "--ignore-scripts"]
    done = subprocess.run([*command, f"axe-core@{VERSION}"], check=False)
    if done.returncode == 0:
        mark.touch()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
