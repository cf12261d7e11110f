"""A large file comes in part by part, in bounded memory; `make deep` brings a million rows in.

The figures of the long form are printed: `DEEP=full pytest -s tests/files/test_large.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from deep import DEEP
from drops import Drop, copies_in

ROWS = 1_000_000 if DEEP else 20_000
MEMORY = 400  # MB at most, of the process as a whole, however many rows

# VmHWM, since getrusage's maximum begins with that of the process which started this one.
_MEASURED = """
import json, sys, time
sys.path[:0] = {path!r}
from pathlib import Path
from drops import Drop
place, began, rows, parts, last, more = Drop(Path({folder!r})), time.monotonic(), 0, 0, "", True
while more:
    items, more = place.step()
    rows, parts = rows + sum(len(item.data["lines"]) for item in items), parts + 1
    last = items[-1].key if items else last
peak = next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([rows, parts, last, peak, round(time.monotonic() - began, 1)]))
"""


def written(path: Path, rows: int) -> None:
    with path.open("w", encoding="gb18030") as file:
        file.write("No,收件人,地址,SKU,Qty,Amount\n")
        for number in range(rows):
            broken = number % 1000 == 999
            row = f'"SO{number // 4:07}",张三,"广东省深圳市南山区科技园, {number} 号",SKU-{number % 997:04},{number % 9 + 1}'
            file.write(f"{row}\n" if broken else f'{row},"1,234.50"\n')


@pytest.fixture
def place(tmp_path, monkeypatch):
    folder = tmp_path / "drop"
    folder.mkdir()
    with copies_in(monkeypatch, tmp_path, folder):
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        yield Drop(folder)


def test_a_large_file_comes_in_whole_within_bounded_memory(place):
    path = place.folder / "large.csv"
    written(path, ROWS)
    os.utime(path, (0, 0))
    script = _MEASURED.format(path=sys.path, folder=str(place.folder))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    rows, parts, last, peak, seconds = json.loads(done.stdout)
    print(f"{ROWS} rows in {parts} parts: {seconds} s, {peak} MB at most")
    assert rows == ROWS - ROWS // 1000 * 4  # one of four rows is broken, and they are one thing
    assert last == f"SO{ROWS // 4 - 2:07}"
    assert len(place.errors("large.csv")) == ROWS // 1000 * 4
    assert peak < MEMORY
