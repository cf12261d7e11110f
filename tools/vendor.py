"""Fetch the browser code others wrote: exact versions, only the listed files, their licences and the icon sprite.

python tools/vendor.py            fetch with npm, refuse whatever differs from the recorded sha256
python tools/vendor.py --record   fetch and write the sha256 into tools/vendor.toml (after a change of version)
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "tools/vendor.toml"
VENDOR = ROOT / "static/vendor"
SPRITE = ROOT / "static/icons.svg"
LICENCES = ROOT / "static/THIRD_PARTY_LICENSES"

SOURCE_MAP = re.compile(rb"\s*(//#|/\*#)\s*sourceMappingURL=[^\s*]+(\s*\*/)?")
# Names of XML vocabularies and links in banner comments are not fetched by a browser.
HARMLESS = re.compile(
    rb"http://www\.w3\.org/(2000/svg|2000/xmlns/|XML/1998/namespace|1999/xlink|1999/xhtml|1998/Math/MathML)|/\*!.*?\*/",
    re.S,
)
# A quoted help text that names a page, inside popper: shown on the console, never fetched.
CONSOLE_TEXTS = re.compile(rb"https://popper\.js\.org/docs/v2/")
FETCHABLE = re.compile(rb"(?:https?:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+[^\s\"')]*", re.I)


def served_name(package: str, version: str, file: str) -> str:
    """``@tabler/core``, ``1.6.1``, ``dist/css/tabler.min.css`` → ``tabler-core@1.6.1/tabler.min.css``."""
    return f"{package.lstrip('@').replace('/', '-')}@{version}/{Path(file).name}"


def cleaned(name: str, content: bytes, emptied: Iterable[str] = ()) -> bytes:
    """Without source maps and the addresses in ``emptied``; what is no text stays as it is."""
    if name.endswith(".wasm"):
        return content
    for address in emptied:
        content = content.replace(address.encode(), b"")
    return SOURCE_MAP.sub(b"", content).rstrip() + b"\n"


def fetchable_urls(content: bytes) -> list[str]:
    """The addresses on other hosts that a browser could be sent to by this file."""
    rest = CONSOLE_TEXTS.sub(b"", HARMLESS.sub(b"", content))
    return [found.decode() for found in FETCHABLE.findall(rest)]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetch(package: str, version: str, folder: Path) -> Path:
    """npm checks the integrity the registry publishes for this version."""
    done = subprocess.run(
        ["npm", "pack", "--silent", f"{package}@{version}"],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return folder / done.stdout.strip().splitlines()[-1]


def members(archive: Path, names: Iterable[str]) -> dict[str, bytes]:
    wanted = {f"package/{name}": name for name in names}
    found = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and member.name in wanted:
                stream = tar.extractfile(member)
                found[wanted[member.name]] = stream.read() if stream else b""
    if absent := sorted(set(wanted.values()) - set(found)):
        raise SystemExit(f"{archive.name} has no {', '.join(absent)}")
    return found


def symbol(name: str, svg: bytes) -> str:
    paths = re.sub(r"\s+", " ", svg.decode().split(">", 1)[1].rsplit("</svg>", 1)[0]).strip()
    paths = paths.replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "").replace(" />", "/>").strip()
    return f'<symbol id="{name}" viewBox="0 0 24 24">{paths}</symbol>'


def sprite(icons: Mapping[str, bytes]) -> bytes:
    body = "\n".join(symbol(name, svg) for name, svg in sorted(icons.items()))
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>\n'.encode()


def fetch_icons(recipe: Mapping[str, Any], folder: Path) -> tuple[bytes, bytes]:
    sources = {f"icons/outline/{name}.svg": name for name in recipe["outline"]}
    sources |= {f"icons/filled/{name}.svg": f"{name}-filled" for name in recipe["filled"]}
    found = members(fetch(recipe["name"], recipe["version"], folder), [*sources, recipe["licence_file"]])
    licence = found.pop(recipe["licence_file"])
    return sprite({sources[path]: svg for path, svg in found.items()}), licence


def fetch_package(recipe: Mapping[str, Any], folder: Path) -> tuple[dict[str, bytes], bytes]:
    licence_file = recipe.get("licence_file")
    names = [*recipe["files"], *([licence_file] if licence_file else [])]
    found = members(fetch(recipe["name"], recipe["version"], folder), names)
    licence = found.pop(licence_file) if licence_file else MIT.format(copyright=recipe["copyright"]).encode()
    emptied = recipe.get("emptied", ())
    return {name: cleaned(name, content, emptied) for name, content in found.items()}, licence


def licence_text(recipe: Mapping[str, Any], licence: bytes) -> str:
    heading = f"{recipe['name']} {recipe['version']} ({recipe['licence']})"
    return f"{heading}\n{'-' * len(heading)}\n\n{licence.decode().strip()}\n"


def record(name: str, digest: str) -> None:
    text = RECIPE.read_text()
    line = re.compile(rf'^("?{re.escape(name)}"? = )"[0-9a-f]*"$', re.M)
    RECIPE.write_text(line.sub(rf'\g<1>"{digest}"', text))


def settle(name: str, content: bytes, expected: str, recording: bool) -> None:
    """Refuse a file that calls other hosts or is not the recorded one."""
    if urls := fetchable_urls(content):
        raise SystemExit(f"{name} would make browsers call {', '.join(urls)}")
    if recording:
        record(name, sha256(content))
    elif sha256(content) != expected:
        raise SystemExit(f"{name}: sha256 is {sha256(content)}, tools/vendor.toml says {expected or 'nothing'}")


def main(recording: bool) -> None:
    recipe = tomllib.loads(RECIPE.read_text())
    texts = []
    with tempfile.TemporaryDirectory() as temporary:
        for package in recipe["package"]:
            files, licence = fetch_package(package, Path(temporary))
            for name, content in files.items():
                settle(name, content, package["files"][name], recording)
                target = VENDOR / served_name(package["name"], package["version"], name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            texts.append(licence_text(package, licence))
        icons, licence = fetch_icons(recipe["icons"], Path(temporary))
    settle("sha256", icons, recipe["icons"]["sha256"], recording)
    SPRITE.write_bytes(icons)
    texts.append(licence_text(recipe["icons"], licence))
    LICENCES.write_text("\n\n".join(texts))


MIT = """MIT License

{copyright}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

if __name__ == "__main__":
    main(recording="--record" in sys.argv[1:])
