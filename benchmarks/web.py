"""Server CPU per request of the Order Hub's pages, against bare Flask pages of the same size on the same data.

``python benchmarks/web.py [--sizes 1000,100000,1000000] [--requests 500]``

For each size: a SQLite database with that many orders of two lines each is filled; the application and the floor
(``bare.py``) are served side by side by waitress with the same file; every request is made over HTTP by a client
in this process, in turns, and what is counted is the CPU time of the serving process (user + system, of all its threads). Figures are
milliseconds per request and the ratio to the floor measured in the same run.
"""

from __future__ import annotations

import argparse
import datetime as dt
import http.client
import json
import random
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
GOALS = {"list": 2.0, "record": 2.0, "create": 4.0, "transition": 4.0}
ROUNDS = 5
PASSWORD = "appmill demo 2026"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


# --- data ------------------------------------------------------------------------------------------------------------


def fill(path: Path, count: int) -> None:
    """The tables as the application makes them, ``count`` orders written straight into them."""
    sys.path.insert(0, str(ROOT))
    from engine import demo
    from engine.application import open_application
    from engine.extensions import registry_for
    from engine.storage.tokens import tokens

    app = open_application(
        str(ROOT / "apps/order_hub.yaml"), f"sqlite:///{path}", registry=registry_for(ROOT / "apps/order_hub.yaml")
    )
    demo.make_people(app, demo.people(app.definition))
    demo.seed(app, 0, 1)
    app.database.close()
    conn = sqlite3.connect(path, isolation_level=None)
    conn.executescript("PRAGMA synchronous=OFF; PRAGMA cache_size=-400000")
    conn.execute("BEGIN")
    write(conn, count, tokens)
    conn.execute("COMMIT")
    conn.executescript("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()


def write(conn: sqlite3.Connection, count: int, tokens: Callable[[str], list[str]]) -> None:
    pick = random.Random(7)
    customers = [row[0] for row in conn.execute("SELECT id FROM customer")]
    products = conn.execute("SELECT id, name, price FROM product WHERE price IS NOT NULL").fetchall()
    seller = conn.execute("SELECT id FROM _user WHERE login = 'li'").fetchone()[0]
    start = dt.datetime(2026, 11, 1)
    orders, lines, stays, searched = [], [], [], []
    for id in range(1, count + 1):
        # A few hundred to a few thousand open orders, whatever the history behind them: one in 40, at least 300.
        state = (
            ("pending", "preparing", "producing", "shipped")[id % 4] if id > count - max(300, count // 40) else "signed"
        )
        at = (start - dt.timedelta(minutes=(count - id) % 500_000)).strftime("%Y-%m-%d %H:%M:%S.%f")
        due = (start + dt.timedelta(days=pick.randrange(-20, 40))).strftime("%Y-%m-%d")
        number = f"SO{id // 100_000 + 200001}-{id % 100_000:05d}"
        orders.append(
            (
                id,
                state,
                at,
                at,
                seller if state == "pending" else None,
                "sales",
                at,
                seller,
                at,
                number,
                number,
                pick.choice(customers),
                seller,
                at[:10],
                due,
                "normal",
                "direct",
                20,
                20_000_000_000,
            )
        )
        for place in range(2):
            product, name, price = pick.choice(products)
            lines.append((id, place, at, at, name, product, name, 10, price, 10 * price))
        stays.append(("order", id, state, at))
        searched.append((id, " ".join(tokens(number))))
        if len(orders) == 20_000 or id == count:
            flush(conn, orders, lines, stays, searched)
    conn.execute(
        "INSERT OR REPLACE INTO sqlite_sequence (name, seq) SELECT 'order', ? WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'order')",
        (count,),
    )


def flush(conn: sqlite3.Connection, orders: list, lines: list, stays: list, searched: list) -> None:
    conn.executemany(
        'INSERT INTO "order" (id, version, state, state_since, state_due, owner, owner_role, created_at, created_by, updated_at,'
        " _title, number, customer, sales_person, ordered_on, due_on, priority, channel, quantity, amount)"
        " VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        orders,
    )
    conn.executemany(
        "INSERT INTO order_line (version, _parent, _position, created_at, updated_at, _title, product, product_name, quantity, price, amount)"
        " VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        lines,
    )
    conn.executemany("INSERT INTO _stay (form, record_id, state, entered_at) VALUES (?, ?, ?, ?)", stays)
    conn.executemany("INSERT INTO _fts_order (rowid, words) VALUES (?, ?)", searched)
    for each in (orders, lines, stays, searched):
        each.clear()


# --- servers ---------------------------------------------------------------------------------------------------------


@contextmanager
def serving(command: list[str], port: int) -> Iterator[int]:
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait(port, process)
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def wait(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(600):
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()
            return
        except OSError:
            if process.poll() is not None:
                raise SystemExit(
                    f"the server ended: {process.stderr.read()[-2000:] if process.stderr else ''}"
                ) from None
            time.sleep(0.1)
    raise SystemExit("the server did not start within a minute")


def cpu(pid: int) -> float:
    """Seconds of CPU the threads of the process have used, to the nanosecond."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


class Visitor:
    """One browser: a connection that stays open, and cookies."""

    def __init__(self, port: int) -> None:
        self.conn = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, data: dict[str, str] | None = None) -> tuple[int, str, str]:
        headers = {"Cookie": "; ".join(f"{key}={value}" for key, value in self.cookies.items())} if self.cookies else {}
        if data is not None:
            headers |= FORM | {"Sec-Fetch-Site": "same-origin"}
        self.conn.request(method, path, urlencode(data) if data is not None else None, headers)
        answer = self.conn.getresponse()
        body = answer.read().decode()
        for header in answer.headers.get_all("Set-Cookie") or ():
            key, _, value = header.partition(";")[0].partition("=")
            if key != "appmill_toasts":  # the page a redirect leads to would take the notice at once
                self.cookies[key] = value
        return answer.status, body, answer.headers.get("Location", "")

    def sign_in(self, login: str) -> None:
        _status, body, _ = self.ask("GET", "/sign_in")
        status, body, _ = self.ask(
            "POST", "/sign_in", {"login": login, "password": PASSWORD, "csrf_token": token(body)}
        )
        assert status == 303, f"signing in answered {status}: {body[:300]}"


def token(body: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', body)
    return found[1] if found else ""


@dataclass
class Asked:
    """One kind of request to one server; ``ask`` makes the n-th of them."""

    pid: int
    ask: Callable[[int], object]
    done: int = 0

    def milliseconds(self, requests: int) -> float:
        """CPU milliseconds per request of the serving process."""
        before = cpu(self.pid)
        for _ in range(requests):
            self.ask(self.done)
            self.done += 1
        return (cpu(self.pid) - before) * 1000 / requests


def measure(mine: Asked, least: Asked, requests: int) -> tuple[float, float]:
    """CPU milliseconds per request of both, in turns: what disturbs the machine meanwhile disturbs both. The medians
    of ``ROUNDS`` rounds, after a tenth of the requests to warm up."""
    for each in (mine, least):
        each.milliseconds(max(5, requests // 10))
    turns = [(mine.milliseconds(requests // ROUNDS), least.milliseconds(requests // ROUNDS)) for _ in range(ROUNDS)]
    return median(turn[0] for turn in turns), median(turn[1] for turn in turns)


# --- what is asked ---------------------------------------------------------------------------------------------------


def checked(answer: tuple[int, str, str], expected: int) -> str:
    status, body, location = answer
    assert status == expected, (
        f"answered {status}, not {expected}: {' '.join(re.sub('(?s).*<main|<[^>]+>', ' ', body).split())[:600]}"
    )
    return location or body


def order_form(products: list[int], customer: int, seller: int) -> dict[str, str]:
    lines = {}
    for place in range(10):
        lines |= {
            f"lines.{place}.product": str(products[place]),
            f"lines.{place}.quantity": "10",
            f"lines.{place}.price": "1.5",
        }
    return {
        "customer": str(customer), "sales_person": str(seller), "ordered_on": "2026-11-02", "due_on": "2026-12-24",
        "priority": "normal", "channel": "direct", "note": "benchmark", "customer_po": "", "contract": "", "lines": "",
    } | lines  # fmt: skip


def first_rows(path: Path) -> tuple[dict[str, str], list[int]]:
    """A form to post, and the orders that can be frozen."""
    conn = sqlite3.connect(path)
    products = [row[0] for row in conn.execute("SELECT id FROM product LIMIT 10")]
    customer, seller = conn.execute(
        "SELECT c.id, u.id FROM customer c, _user u WHERE u.login = 'li' LIMIT 1"
    ).fetchone()
    pending = [
        row[0] for row in conn.execute("SELECT id FROM \"order\" WHERE state = 'pending' ORDER BY id LIMIT 2000")
    ]
    conn.close()
    return order_form(products, customer, seller), pending


def ours(port: int, pid: int, count: int, path: Path, folder: Path) -> dict[str, Asked]:
    form, pending = first_rows(path)
    visitor = Visitor(port)
    visitor.sign_in("admin")
    csrf = token(visitor.ask("GET", "/order/new")[1])
    form |= {"csrf_token": csrf}
    reason = {"csrf_token": csrf, "_reason": "benchmark"}
    keep_frame(visitor.ask("GET", "/order?view=open")[1], folder / "list.json", r"(?s)(.*<tbody[^>]*>)(.*)(</tbody>.*)")
    said = {id: sorted(words(checked(visitor.ask("GET", f"/order/{id}"), 200))) for id in compared(count)}
    (folder / "words.json").write_text(json.dumps(said))
    return {
        "list": Asked(pid, lambda n: checked(visitor.ask("GET", "/order?view=open"), 200)),
        "record": Asked(pid, lambda n: checked(visitor.ask("GET", f"/order/{1 + n * 37 % count}"), 200)),
        "create": Asked(pid, lambda n: checked(visitor.ask("POST", "/order/new", form), 303)),
        "transition": Asked(
            pid, lambda n: checked(visitor.ask("POST", f"/order/{pending[n]}/take/freeze", reason), 303)
        ),
    }


def compared(count: int) -> list[int]:
    """Records of every state there is, and one of the past."""
    return [count // 2, *range(count - 3, count + 1)]


def words(page: str) -> set[str]:
    """Every word a reader of the page sees."""
    return set(re.sub(r"(?s)<(script|style).*?</\1>|<[^>]+>", " ", page).split())


def refuse_easier(visitor: Visitor, folder: Path) -> None:
    """The floor must say everything the real record page says, or it is no floor."""
    for id, said in json.loads((folder / "words.json").read_text()).items():
        missing = set(said) - words(checked(visitor.ask("GET", f"/record/{id}"), 200))
        if missing:
            raise SystemExit(f"the bare page of record {id} does not say: {' '.join(sorted(missing))}")


def keep_frame(body: str, path: Path, pattern: str) -> None:
    """What stands around the rows of the real page, and its size, for the floor."""
    found = re.fullmatch(pattern, body)
    assert found, "the page has no rows to take out"
    path.write_text(json.dumps([found[1], found[3], len(body.encode())]))


def floor(port: int, pid: int, count: int, path: Path, folder: Path) -> dict[str, Asked]:
    form, pending = first_rows(path)
    visitor = Visitor(port)
    refuse_easier(visitor, folder)
    return {
        "list": Asked(pid, lambda n: checked(visitor.ask("GET", "/list"), 200)),
        "record": Asked(pid, lambda n: checked(visitor.ask("GET", f"/record/{1 + n * 37 % count}"), 200)),
        "create": Asked(pid, lambda n: checked(visitor.ask("POST", "/create", form), 303)),
        "transition": Asked(
            pid, lambda n: checked(visitor.ask("POST", f"/freeze/{pending[-1 - n]}", {"_reason": "benchmark"}), 303)
        ),
    }


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def run(count: int, requests: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Per kind: (ours, the floor)."""
    path = folder / f"{count}.db"
    started, port, other = time.time(), free_port(), free_port()
    fill(path, count)
    print(f"{count:>9,} orders: filled in {time.time() - started:.0f} s", flush=True)
    options = ["--database", f"sqlite:///{path}", "--port", str(port), "--quiet"]
    appmill = [sys.executable, "-m", "engine.cli", "run", "apps/order_hub.yaml", *options]
    bare = [sys.executable, str(HERE / "bare.py"), str(path), str(other), str(folder)]
    with serving(appmill, port) as pid:
        mine = ours(port, pid, count, path, folder)
        with serving(bare, other) as pid_of_bare:
            least = floor(other, pid_of_bare, count, path, folder)
            freezable = len(first_rows(path)[1]) // 2 * 10 // 11
            found = {
                kind: measure(mine[kind], least[kind], min(requests, freezable) if kind == "transition" else requests)
                for kind in GOALS
            }
    path.unlink()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", default="1000,100000,1000000")
    parser.add_argument("--requests", type=int, default=500)
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in (int(size) for size in options.sizes.split(",")):
            results[count] = found = run(count, options.requests, Path(folder))
            for kind, goal in GOALS.items():
                (mine, least), missed = found[kind], found[kind][0] / found[kind][1] > goal
                print(
                    f"  {kind:<11}{mine:7.2f} ms   bare {least:6.2f} ms   {mine / least:5.2f} ×  (goal {goal} ×)"
                    f"{'   MISSED' if missed else ''}",
                    flush=True,
                )
    least_count, most_count = min(results), max(results)
    for kind in GOALS if least_count != most_count else ():
        growth = results[most_count][kind][0] / results[least_count][kind][0]
        print(
            f"  {kind:<11}grows {growth:.2f} × from {least_count:,} to {most_count:,} (goal 1.3 ×){'' if growth <= 1.3 else '   MISSED'}"
        )


if __name__ == "__main__":
    main()
