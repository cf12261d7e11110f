"""The same folder on a server: by SFTP to asyncssh and by FTP, plain and with TLS, to pyftpdlib, on this machine."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import warnings
from base64 import b64encode
from contextlib import contextmanager

import pytest
from drops import OLD, Drop, copies_in
from surroundings import certificate

from engine.api import DeliveryFailed, Network, Secret
from plugins.files import drop as room
from plugins.files.drop import FtpServer, SftpServer

asyncssh = pytest.importorskip("asyncssh")
GOOD = "No,Name\nA1,李\nA2,Wu\nA3\n"


@contextmanager
def sftp(folder, client_key=None):
    """Answers (port, fingerprint)."""
    key = asyncssh.generate_private_key("ssh-ed25519")

    connections = []

    class Server(asyncssh.SSHServer):
        def connection_made(self, connection):
            connections.append(connection)

        def begin_auth(self, username):
            return True

        def password_auth_supported(self):
            return True

        def validate_password(self, username, password):
            return (username, password) == ("li", "geheim-1")

        def public_key_auth_supported(self):
            return client_key is not None

        def validate_public_key(self, username, offered):
            return client_key is not None and offered.public_data == client_key.public_data

    def chrooted(channel):
        return asyncssh.SFTPServer(channel, chroot=str(folder).encode())

    ready, bound, stopping = threading.Event(), [], []

    async def serve():
        stop = asyncio.Event()
        stopping.append((asyncio.get_running_loop(), stop))
        options = {"server_factory": Server, "server_host_keys": [key], "sftp_factory": chrooted}
        async with asyncssh.listen("127.0.0.1", 0, **options) as listening:
            bound.append(listening.get_port())
            ready.set()
            await stop.wait()
            for connection in connections:
                connection.abort()
                await connection.wait_closed()

    def run():
        asyncio.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    digest = b64encode(hashlib.sha256(key.public_data).digest()).decode().rstrip("=")
    try:
        yield bound[0], f"SHA256:{digest}"
    finally:
        [(loop, stop)] = stopping
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


@contextmanager
def ftp(folder, pem=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what it builds on, until Python 3.12
        from pyftpdlib.authorizers import DummyAuthorizer
        from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
        from pyftpdlib.servers import FTPServer

    authorizer = DummyAuthorizer()
    authorizer.add_user("li", "geheim-1", str(folder), perm="elradfmwMT")
    options = {"authorizer": authorizer, "certfile": str(pem), "auth_failed_timeout": 0, "tls_control_required": True, "tls_data_required": True}
    handler = type("Handler", (TLS_FTPHandler if pem else FTPHandler,), options)
    server = FTPServer(("127.0.0.1", 0), handler)
    stopped = threading.Event()

    def run():
        while not stopped.is_set():
            server.serve_forever(timeout=0.02, blocking=False, handle_exit=False)
        server.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield server.address[1]
    finally:
        stopped.set()
        thread.join(10)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    place = tmp_path / "drop"
    place.mkdir()
    with copies_in(monkeypatch, tmp_path):
        yield place


def on(folder, **options):
    drop = Drop(folder, **{"private": True} | options)
    object.__setattr__(drop.connection, "folder", "/")
    return drop


def over_sftp(folder, port, fingerprint, **options):
    options = {"password": Secret("PASSWORD")} | options
    private = options.pop("private", True)
    server = SftpServer(host="127.0.0.1", port=port, user="li", fingerprint=fingerprint, **options)
    return on(folder, sftp=server, private=private)


def over_ftp(folder, port, tls="none", private=True):
    server = FtpServer(host="127.0.0.1", port=port, user="li", password=Secret("PASSWORD"), tls=tls)
    return on(folder, ftp=server, private=private)


def comes_in_and_goes_back(drop):
    drop.put("行.csv", GOOD)
    drop.put("young.csv.part", GOOD)
    assert [(item.key, item.data["Name"]) for item in drop.look()] == [("A1", "李"), ("A2", "Wu")]
    assert drop.errors("行.csv") == [["4", "", "The row has 1 cells, the heading 2."]]
    assert drop.archived() == ["行.csv"]
    drop.put("again.csv", GOOD)
    assert drop.look() == []
    assert drop.names() == ["again.csv.errors.csv", "young.csv.part", "行.csv.errors.csv"]
    drop.put("行.csv", "No,Name\nA4,Xu\nA5\nA6\n", changed=OLD + 1)
    assert [item.key for item in drop.look()] == ["A4"]
    assert len(drop.errors("行.csv")) == 2


def refusal(drop):
    with pytest.raises(DeliveryFailed) as caught:
        drop.look()
    assert "geheim-1" not in str(caught.value)
    return str(caught.value)


def test_by_sftp(folder):
    with sftp(folder) as (port, fingerprint):
        comes_in_and_goes_back(over_sftp(folder, port, fingerprint))


def test_by_sftp_with_a_key(folder):
    key = asyncssh.generate_private_key("ssh-ed25519")
    with sftp(folder, key) as (port, fingerprint):
        drop = over_sftp(folder, port, fingerprint, password=None, key=Secret("KEY_OF_LI"))
        drop.world.secrets["KEY_OF_LI"] = key.export_private_key("openssh").decode().replace("\n", "\\n")
        drop.put("x.csv", GOOD)
        assert [item.key for item in drop.look()] == ["A1", "A2"]
        drop.world.secrets["KEY_OF_LI"] = "no key"
        assert refusal(drop) == "The private key cannot be read; it should be OpenSSH or PEM, without a password."


def test_another_host_key_hears_no_password(folder):
    with sftp(folder) as (port, fingerprint):
        drop = over_sftp(folder, port, "SHA256:" + "A" * 43)
        assert refusal(drop) == f"The host key of 127.0.0.1 is {fingerprint}, not the expected one: somebody else may be answering."


def test_a_wrong_password_and_a_private_address_are_said(folder):
    with sftp(folder) as (port, fingerprint):
        drop = over_sftp(folder, port, fingerprint)
        drop.world.secrets["PASSWORD"] = "wrong-one"
        assert refusal(drop) == "127.0.0.1 does not let li in."
        said = "127.0.0.1: The address 127.0.0.1 is private; if that is meant, say `private: true` in the connection."
        assert refusal(over_sftp(folder, port, fingerprint, private=False)) == said
    assert refusal(over_sftp(folder, port, fingerprint)).startswith(f"127.0.0.1:{port} cannot be reached: ")


def test_by_ftp(folder):
    with ftp(folder) as port:
        comes_in_and_goes_back(over_ftp(folder, port))
        drop = over_ftp(folder, port)
        drop.world.secrets["PASSWORD"] = "wrong-one"
        assert refusal(drop) == "ftp://127.0.0.1: 530 Authentication failed."
        assert refusal(over_ftp(folder, port, private=False)).endswith("say `private: true` in the connection.")


def test_by_ftp_with_tls(folder, tmp_path, monkeypatch):
    _server, client = certificate(tmp_path, "127.0.0.1")
    with ftp(folder, tmp_path / "recorder.pem") as port:
        said = refusal(over_ftp(folder, port, "explicit"))
        assert "certificate" in said or "CERTIFICATE" in said
        monkeypatch.setattr(room, "NETWORK", Network(tls=lambda: client))
        comes_in_and_goes_back(over_ftp(folder, port, "explicit"))
        assert refusal(over_ftp(folder, port, "none")).startswith("ftp://127.0.0.1: 550 SSL/TLS required")


def test_names_that_would_leave_the_folder_are_left_alone():
    from plugins.files.places import usable

    assert [name for name in ("a.csv", "行.csv", "../a.csv", "a\r\nDELE b.csv", "..", "a\\b.csv", os.fsdecode(b"\xff.csv")) if usable(name)] == ["a.csv", "行.csv"]
