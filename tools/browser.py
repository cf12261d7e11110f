"""Make sure there is a browser for the browser tests: Debian's chromium and Chinese fonts, by apt-get if need be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")
PACKAGES = ("chromium", "fonts-noto-cjk")
FONTS = Path("/usr/share/fonts/opentype/noto")


def complete() -> bool:
    return CHROMIUM.exists() and any(FONTS.glob("*CJK*"))


def main() -> int:
    if complete():
        return 0
    command = ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES]
    if shutil.which("apt-get") is None:
        print(f"The browser tests need {CHROMIUM} and Noto CJK fonts; this system has no apt-get.", file=sys.stderr)
        return 1
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update", "-q"], command):
        done = subprocess.run([*as_root, *step], env=environment, capture_output=True, text=True)
        if done.returncode:
            print(f"{' '.join(step)} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}", file=sys.stderr)
            print(f"Install {' and '.join(PACKAGES)} by hand, then run the tests again.", file=sys.stderr)
            return 1
    if not complete():
        print(f"{' '.join(PACKAGES)} are installed, but {CHROMIUM} or the fonts are still missing.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
