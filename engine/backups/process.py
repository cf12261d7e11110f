"""A backup in a process of its own: what to do comes by standard input, what it came to goes out, both JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from engine.backups.container import reading
from engine.backups.ledger import figures_of
from engine.backups.making import make
from engine.backups.verifying import verify
from engine.errors import AppmillError
from engine.secrets import KEY, read_keys
from engine.storage.database import Database
from engine.storage.files import FileStore

NICE = 10  # pages and deliveries come first


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing half is left when it is ended
    os.nice(NICE)
    told = json.loads(sys.stdin.buffer.read())
    database = Database(told["url"], pool=2)
    to = Path(told["to"])
    try:
        made = make(database, FileStore(told["files"]), to, keys=read_keys(os.environ.get(KEY, "")))
        with reading(to) as source:
            verify(source)
    except (AppmillError, OSError) as error:
        print(json.dumps({"error": str(error)}))
        return 1
    finally:
        database.close()
    print(json.dumps(figures_of(made)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
