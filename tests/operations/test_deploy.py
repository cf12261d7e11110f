"""What lies in deploy/ and docs/operating.md speaks of commands, options, variables and addresses that there are."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.cli import COMMANDS, whole_parser
from engine.web.health import live, metrics, ready

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OPERATING = (ROOT / "docs" / "operating.md").read_text()
ADDRESSES = {"/health/live", "/health/ready", "/metrics"}
BUILT_BESIDE = {"backup", "restore", "audit"}  # commands this page names as soon as they are there


def options_of(words: list[str]) -> Any:
    """The call as the command line reads it; fails where it would."""
    return whole_parser().parse_args(words)


def unit(path: Path) -> configparser.SectionProxy:
    reader = configparser.ConfigParser(strict=False, interpolation=None)
    reader.optionxform = str  # type: ignore[assignment, method-assign]
    reader.read(path)
    return reader["Service"]


def stops_in_time(options: Any, seconds: float) -> bool:
    """Whether what is under way can come to its end before somebody ends the process."""
    return float(getattr(options, "drain", 0)) + float(getattr(options, "grace", 30)) + 10 < seconds


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_calls_what_there_is_and_gives_away_nothing(path: Path) -> None:
    service = unit(path)
    command, *words = shlex.split(service["ExecStart"])
    options = options_of(words)
    assert command.endswith("/appmill")
    assert options.log == "json"
    assert stops_in_time(options, float(service["TimeoutStopSec"]))
    assert options.database is None  # it comes from the environment: no password in a list of processes
    hardened = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
                "CapabilityBoundingSet": "", "RestrictNamespaces": "yes", "UMask": "0077"}  # fmt: skip
    assert {name: service[name] for name in hardened} == hardened


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_systemd_understands_every_line(path: Path, tmp_path: Path) -> None:
    there = tmp_path / path.name
    there.write_text(path.read_text().replace("/opt/appmill/.venv/bin/appmill", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(there)], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if path.name in line] == []


@pytest.mark.parametrize("name", ["web", "work"])
def test_a_service_of_the_compose_file_calls_what_there_is(name: str) -> None:
    service = COMPOSE["services"][name]
    options = options_of(service["command"])
    (asked,) = re.findall(r"127\.0\.0\.1:(\d+)(/[a-z/]+)", " ".join(service["healthcheck"]["test"]))
    assert (int(asked[0]), asked[1]) == (options.port, "/health/ready")
    assert stops_in_time(options, float(service["stop_grace_period"].removesuffix("s")))
    assert service["cap_drop"] == ["ALL"]
    assert service["depends_on"] == {"database": {"condition": "service_healthy"}}


def test_the_addresses_that_are_asked_are_there() -> None:
    assert {view.__name__ for view in (live, ready, metrics)} == {address.rpartition("/")[2] for address in ADDRESSES}


def test_every_variable_is_one_that_is_read() -> None:
    read = set(re.findall(r"APPMILL_[A-Z_]+", "".join(path.read_text() for path in (ROOT / "engine").rglob("*.py"))))
    for path in (DEPLOY / "appmill.env.example", DEPLOY / "compose.yaml", ROOT / "docs" / "operating.md"):
        named = set(re.findall(r"APPMILL_[A-Z_]+", path.read_text()))
        assert named <= read, path.name


def test_the_guide_names_commands_and_options_that_there_are() -> None:
    calls = re.findall(r"^(?:sudo -E -u appmill )?appmill (.+?)(?:\s+#.*)?$", OPERATING, re.M)
    assert len(calls) >= 5
    for call in calls:
        words = shlex.split(call)
        if words[0] in COMMANDS or words[0] not in BUILT_BESIDE:
            options_of(words)


def test_the_guide_names_files_that_there_are() -> None:
    for name in re.findall(r"\]\(([^)#:]+)\)", OPERATING):
        assert (ROOT / "docs" / name).exists(), name
