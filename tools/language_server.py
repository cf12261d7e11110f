"""Puts npm's yaml-language-server, the one editors use, into .venv/language_server for the tests."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "1.25.0"
FOLDER = Path(__file__).resolve().parents[1] / ".venv" / "language_server"
PROGRAM = FOLDER / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"


def main() -> int:
    mark = FOLDER / f".installed-{VERSION}"
    if mark.exists() and PROGRAM.exists():
        return 0
    npm = shutil.which("npm")
    if npm is None:
        print(
            "npm is needed to test the schema in an editor's language server: install nodejs and npm", file=sys.stderr
        )
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", "--no-save", "--ignore-scripts"]
    done = subprocess.run([*command, f"yaml-language-server@{VERSION}"], check=False)
    if done.returncode == 0:
        mark.touch()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
