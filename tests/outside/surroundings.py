"""What a performer is given in tests: secrets, files, a clock, and a note of the moment of sending."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fake_clock import START

from engine.builtin import default_registry
from engine.connectors import Connection, HttpConnection, SmtpConnection
from engine.credentials import Secret
from engine.errors import DeliveryFailed, Missing, message
from engine.outside.carrying import carry_out
from engine.outside.exchanges import Exchange
from engine.outside.task import Task
from engine.outside.tokens import Tokens

REGISTRY = default_registry()


class World:
    """Surroundings made of what the test says."""

    def __init__(self, secrets: dict[str, str] | None = None, files: dict[int, tuple[str, str, bytes]] | None = None):
        self.secrets, self.files = secrets or {}, files or {}
        self.shown: list[tuple[str, str]] = []
        self.sent = 0
        self.turns: list[str] = []
        self.renewed: dict[str, str] = {}
        self.exchanges: list[Exchange] = []
        self.tokens = Tokens()
        self.before: Callable[[], None] | None = None

    def secret(self, name: str, host: str) -> str:
        self.shown.append((name, host))
        if name not in self.secrets:
            raise DeliveryFailed(message("The secret {name} is not set.", name=name))
        return self.secrets[name]

    def latest(self, name: str, host: str) -> str:
        return self.renewed.get(name) or self.secret(name, host)

    def renew(self, name: str, value: str) -> None:
        self.renewed[name] = value

    def open_file(self, attachment_id: int) -> tuple[str, str, bytes]:
        if attachment_id not in self.files:
            raise Missing(message("The file is not in the store any more."))
        return self.files[attachment_id]

    def now(self) -> dt.datetime:
        return START

    def turn(self, operation: str) -> None:
        self.turns.append(operation)

    def kept(self, name: str, get: Callable[[], tuple[str, float]]) -> str:
        return self.tokens.kept("", name, get)

    def forget(self, name: str) -> None:
        self.tokens.forget("", name)

    def note(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def about_to_send(self) -> None:
        if self.before:
            self.before()
        self.sent += 1


def task(kind: str, connection: Connection | None, key: str = "k-1", attempt: int = 1, seconds: float = 5.0, **data: Any):
    return Task(kind, data, connection, key, attempt, seconds)


def call(connection: HttpConnection, world: World | None = None, **how: Any) -> Any:
    """One HTTP call as the delivery makes it; ``key``, ``attempt`` and ``seconds`` beside its data."""
    return carry_out(REGISTRY, task("http", connection, **how), world or World())


def mail(connection: SmtpConnection, world: World | None = None, **how: Any) -> Any:
    given = {"to": ["li@example.com"], "subject": "Hello", "text": "Good morning."} | how
    return carry_out(REGISTRY, task("mail", connection, **given), world or World())


def http_to(recorder: Any, **options: Any) -> HttpConnection:
    return HttpConnection(**{"name": "erp", "base_url": f"{recorder.url}/api", "private": True} | options)


def smtp_to(recorder: Any, **options: Any) -> SmtpConnection:
    usual = {"name": "post", "host": "127.0.0.1", "port": recorder.port, "security": "none", "private": True}
    return SmtpConnection(**usual | {"sender": "Desk <desk@appmill.example>"} | options)


def password(name: str = "MAIL_PASSWORD") -> Secret:
    return Secret(name)


def certificate(folder: Path, *names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(for a server, for clients who trust it) of a certificate made now, for names and addresses."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "recorder")])
    now = dt.datetime.now(dt.UTC)
    others: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names
    ]
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(others), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    file = folder / "recorder.pem"
    file.write_bytes(pem + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))  # fmt: skip
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    client = ssl.create_default_context(cadata=pem.decode())
    return server, client
