"""A web server in a process of its own that notes every POST: (path, body, seconds since 1970).

It prints its port. ``GET /`` answers what came since it was last asked, as JSON. It answers at once, except
``/poison`` (refuses), ``/slow`` (after three seconds) and ``/flapping`` (fails every other two seconds).
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

CAME: list[tuple[str, Any, float]] = []
OK = "204 No Content"


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = head.lower().partition("content-length:")[2].partition("\r\n")[0].strip()
            method, path, _version = head.partition("\r\n")[0].split(" ")
            body = await reader.readexactly(int(length or 0))
            writer.write(asked() if method == "GET" else await taken(path, body))
            await writer.drain()
            if "connection: close" in head.lower():
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # whoever calls has hung up
    finally:
        writer.close()


def asked() -> bytes:
    came = json.dumps(CAME).encode()
    CAME.clear()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(came) + came


async def taken(path: str, body: bytes) -> bytes:
    CAME.append((path, json.loads(body or b"null"), time.time()))
    status = OK
    if path == "/poison":
        status = "422 Unprocessable Content"
    elif path == "/slow":
        await asyncio.sleep(3)
    elif path == "/flapping" and int(time.time()) % 4 < 2:
        status = "503 Service Unavailable"
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()


async def main() -> None:
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
