"""Where files are dropped: a folder of this machine, or of a server that is reached by SFTP or FTP.

Names are those of the folder that is read, with ``/`` for folders in it. What goes wrong is one of ``ERRORS``, of which
``at_place`` makes DeliveryFailed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import ftplib
import io
import os
import posixpath
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from engine.api import Deadline, DeliveryFailed, Invalid, Network, message, reason_of

FOLDERS = "APPMILL_FOLDERS"
BLOCK = 256 * 1024
ERRORS = (OSError, ftplib.Error)
MOST_ENTRIES = 10_000
_ODD = re.compile(r"[\x00-\x1f\x7f/\\\udc80-\udcff]|^\.{1,2}$")


@dataclass(frozen=True)
class Entry:
    """A file of the folder. ``changed``: in UTC, by the clock of the place."""

    name: str
    size: int
    changed: dt.datetime


class Place(Protocol):
    def entries(self) -> Iterator[Entry]:
        """The files of the folder itself; no folders and no links."""

    def exists(self, name: str) -> bool: ...

    def rename(self, old: str, new: str) -> None: ...

    def fetch(self, name: str, into: BinaryIO, most: int) -> None:
        """Copy a file. Raises Invalid when it has more than ``most`` bytes."""

    def put(self, name: str, source: BinaryIO) -> None:
        """Write a file, in the place of one of this name; nobody sees half of it."""

    def make_folder(self, name: str) -> None:
        """With those above it, unless they are there."""


def usable(name: str) -> bool:
    """Whether a name can be passed on: no folder in it, and no control characters."""
    return not _ODD.search(name)


def _copy(source: Any, into: BinaryIO, most: int, deadline: Deadline) -> None:
    copied = 0
    while block := source.read(BLOCK):
        deadline.left()
        copied += len(block)
        if copied > most:
            raise too_large(most)
        into.write(block)


def too_large(most: int) -> Invalid:
    return Invalid(message("The file is larger than {most} MB.", most=most // 1_000_000))


# --- this machine


def allowed_folder(folder: str, environ: Mapping[str, str] = os.environ) -> Path:
    """A folder the operator of this machine opened to applications, in APPMILL_FOLDERS: whoever writes a definition
    must not read what the server can. Raises DeliveryFailed."""
    path = Path(folder).resolve()
    opened = [Path(each).resolve() for each in environ.get(FOLDERS, "").split(os.pathsep) if each.strip()]
    if any(path == one or one in path.parents for one in opened):
        return path
    said = message("The folder {folder} is not open to applications; the operator names folders in {variable}.",
                   folder=folder, variable=FOLDERS)  # fmt: skip
    raise DeliveryFailed(said, again=False)


class LocalPlace:
    def __init__(self, folder: Path, deadline: Deadline) -> None:
        self._folder, self._deadline = folder, deadline

    def entries(self) -> Iterator[Entry]:
        with os.scandir(self._folder) as found:
            for each in found:
                with contextlib.suppress(FileNotFoundError):  # somebody else took it
                    told = each.stat(follow_symlinks=False)
                    if stat.S_ISREG(told.st_mode):
                        yield Entry(each.name, told.st_size, dt.datetime.fromtimestamp(told.st_mtime, dt.UTC))

    def exists(self, name: str) -> bool:
        return (self._folder / name).exists()

    def rename(self, old: str, new: str) -> None:
        (self._folder / old).rename(self._folder / new)

    def fetch(self, name: str, into: BinaryIO, most: int) -> None:
        descriptor = os.open(self._folder / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as source:
            _copy(source, into, most, self._deadline)

    def put(self, name: str, source: BinaryIO) -> None:
        part = self._folder / f"{name}.part"
        part.unlink(missing_ok=True)  # whoever drops files could have left a link there
        with part.open("xb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        part.replace(self._folder / name)

    def make_folder(self, name: str) -> None:
        folder = self._folder
        for part in name.split("/"):
            folder = folder / part
            folder.mkdir(exist_ok=True)
            if folder.is_symlink():
                raise OSError(errno.ELOOP, f"{part} is a link")


@contextlib.contextmanager
def local(folder: str, deadline: Deadline) -> Iterator[Place]:
    path = allowed_folder(folder)
    with at_place(folder):
        if not path.is_dir():
            raise DeliveryFailed(message("There is no folder {folder}.", folder=folder))
        yield LocalPlace(path, deadline)


@contextlib.contextmanager
def at_place(where: str, *errors: type[Exception]) -> Iterator[None]:
    """Whatever goes wrong there is said with its name."""
    caught: tuple[type[Exception], ...] = (OSError, EOFError, *errors)
    try:
        yield
    except caught as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error) or type(error).__name__
        raise DeliveryFailed(message("{place}: {reason}", place=where, reason=reason[:300])) from None


# --- FTP


class FtpPlace:
    def __init__(self, server: ftplib.FTP, folder: str, deadline: Deadline) -> None:
        self._server, self._folder, self._deadline = server, folder, deadline

    def _at(self, name: str) -> str:
        return posixpath.join(self._folder, name)

    def entries(self) -> Iterator[Entry]:
        try:
            found = list(self._server.mlsd(self._folder, ["type", "size", "modify"]))
        except ftplib.error_perm:
            found = list(self._one_by_one())
        for name, facts in found[:MOST_ENTRIES]:
            if facts.get("type", "file") == "file" and facts.get("modify"):
                yield Entry(name, int(facts.get("size", 0)), _ftp_moment(facts["modify"]))

    def _one_by_one(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Of servers that have no machine-readable listing."""
        for path in self._server.nlst(self._folder)[:MOST_ENTRIES]:
            name = posixpath.basename(path)
            try:
                size = self._server.size(self._at(name))
                changed = self._server.sendcmd(f"MDTM {self._at(name)}").split()[1]
            except ftplib.error_perm:
                continue  # a folder
            yield name, {"size": str(size or 0), "modify": changed}

    def exists(self, name: str) -> bool:
        self._server.voidcmd("TYPE I")  # some tell no size of texts
        try:
            self._server.size(self._at(name))
        except ftplib.error_perm:
            return False
        return True

    def rename(self, old: str, new: str) -> None:
        self._server.rename(self._at(old), self._at(new))

    def fetch(self, name: str, into: BinaryIO, most: int) -> None:
        copied = 0

        def take(block: bytes) -> None:
            nonlocal copied
            self._deadline.left()
            copied += len(block)
            if copied > most:
                raise too_large(most)
            into.write(block)

        self._server.retrbinary(f"RETR {self._at(name)}", take, BLOCK)

    def put(self, name: str, source: BinaryIO) -> None:
        part = self._at(f"{name}.part")
        self._server.storbinary(f"STOR {part}", source, BLOCK)
        with contextlib.suppress(ftplib.error_perm):
            self._server.delete(self._at(name))
        self._server.rename(part, self._at(name))

    def make_folder(self, name: str) -> None:
        parts = name.split("/")
        for count in range(1, len(parts) + 1):
            with contextlib.suppress(ftplib.error_perm):  # it is there
                self._server.mkd(self._at("/".join(parts[:count])))


def _ftp_moment(text: str) -> dt.datetime:
    return dt.datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)


class _Ftp(ftplib.FTP_TLS):
    """FTP over a line whose address was judged; data is fetched from the same address, whatever the server says."""

    def open(self, network: Network, server: Any, *, private: bool, deadline: Deadline) -> None:
        line = network.connect(server.host, server.port, private=private, deadline=deadline)
        self.host, self.timeout, self.context = server.host, deadline.left(), network.tls()
        line.settimeout(self.timeout)
        self.sock = network.encrypt(line, server.host, deadline) if server.tls == "implicit" else line
        self.af = line.family
        self.file = self.sock.makefile("r", encoding=self.encoding, errors="surrogateescape")
        self.welcome = self.getresp()

    def ntransfercmd(self, cmd: str, rest: Any = None) -> tuple[Any, int | None]:
        line, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - encrypted below, where it is
        if self._prot_p:  # type: ignore[attr-defined]
            session = self.sock.session  # type: ignore[union-attr]  # some servers want the same one
            line = self.context.wrap_socket(line, server_hostname=self.host, session=session)
        return line, size


@contextlib.contextmanager
def ftp(
    server: Any, folder: str, password: str, *, private: bool, deadline: Deadline, network: Network
) -> Iterator[Place]:
    """``server``: host, port, user and tls, as drop.FtpServer says them."""
    line = _Ftp()
    line.encoding = "utf-8"
    with at_place(f"ftp://{server.host}", ftplib.Error, UnicodeError):
        try:
            line.open(network, server, private=private, deadline=deadline)
            if server.tls == "explicit":
                line.auth()
            ftplib.FTP.login(line, server.user, password)  # noqa: S321 - after TLS, unless the connection says none
            if server.tls != "none":
                line.prot_p()
            yield FtpPlace(line, folder, deadline)
            with contextlib.suppress(*ftplib.all_errors):
                line.quit()
        finally:
            line.close()


# --- SFTP


class SftpPlace:
    def __init__(self, client: Any, folder: str, deadline: Deadline) -> None:
        self._client, self._folder, self._deadline = client, folder, deadline

    def _at(self, name: str) -> str:
        return posixpath.join(self._folder, name)

    def entries(self) -> Iterator[Entry]:
        for each in self._client.listdir_iter(self._folder):
            if stat.S_ISREG(each.st_mode or 0):
                yield Entry(each.filename, each.st_size or 0, dt.datetime.fromtimestamp(each.st_mtime or 0, dt.UTC))

    def exists(self, name: str) -> bool:
        try:
            self._client.lstat(self._at(name))
        except FileNotFoundError:
            return False
        return True

    def rename(self, old: str, new: str) -> None:
        self._client.rename(self._at(old), self._at(new))

    def fetch(self, name: str, into: BinaryIO, most: int) -> None:
        with self._client.open(self._at(name), "rb") as source:
            source.prefetch(min(source.stat().st_size or 0, most + 1), max_concurrent_requests=64)
            _copy(source, into, most, self._deadline)

    def put(self, name: str, source: BinaryIO) -> None:
        part = self._at(f"{name}.part")
        self._client.putfo(source, part)
        with contextlib.suppress(FileNotFoundError):
            self._client.remove(self._at(name))
        self._client.rename(part, self._at(name))

    def make_folder(self, name: str) -> None:
        parts = name.split("/")
        for count in range(1, len(parts) + 1):
            folder = "/".join(parts[:count])
            if not self.exists(folder):
                self._client.mkdir(self._at(folder))


@contextlib.contextmanager
def sftp(
    server: Any, folder: str, secret: Mapping[str, str], *, private: bool, deadline: Deadline, network: Network
) -> Iterator[Place]:
    """``server``: host, port, user and fingerprint, as drop.SftpServer says them; ``secret``: password or key."""
    try:
        import paramiko
    except ImportError:
        said = message("SFTP needs the package paramiko: pip install 'appmill[files]'.")
        raise DeliveryFailed(said, again=False) from None
    with at_place(f"sftp://{server.host}", paramiko.SSHException):
        line = network.connect(server.host, server.port, private=private, deadline=deadline)
        transport = paramiko.Transport(line)
        try:
            transport.banner_timeout = transport.auth_timeout = deadline.left()
            transport.start_client(timeout=deadline.left())
            _check_host(server, transport.get_remote_server_key())
            _sign_in(paramiko, transport, server, secret)
            client = paramiko.SFTPClient.from_transport(transport)
            client.get_channel().settimeout(deadline.left())
            yield SftpPlace(client, folder, deadline)
        finally:
            transport.close()


def _check_host(server: Any, key: Any) -> None:
    """Before anything secret is said."""
    if key.fingerprint.rstrip("=") != server.fingerprint.rstrip("="):
        said = message("The host key of {host} is {got}, not the expected one: somebody else may be answering.",
                       host=server.host, got=key.fingerprint)  # fmt: skip
        raise DeliveryFailed(said, again=False)


def _sign_in(paramiko: Any, transport: Any, server: Any, secret: Mapping[str, str]) -> None:
    try:
        if "key" in secret:
            transport.auth_publickey(server.user, _private_key(paramiko, secret["key"]))
        else:
            transport.auth_password(server.user, secret["password"], fallback=False)
    except paramiko.AuthenticationException:
        said = message("{host} does not let {user} in.", host=server.host, user=server.user)
        raise DeliveryFailed(said, again=False) from None


def _private_key(paramiko: Any, text: str) -> Any:
    r"""``\n`` in it stands for a line end: a file of secrets has one line for each."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with contextlib.suppress(paramiko.SSHException, ValueError, IndexError):
            return kind.from_private_key(io.StringIO(text.replace("\\n", "\n")))
    said = message("The private key cannot be read; it should be OpenSSH or PEM, without a password.")
    raise DeliveryFailed(said, again=False)
