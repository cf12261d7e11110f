"""Where a connection may lead, and where never."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest
from recorders import Behaviour, HttpRecorder
from surroundings import World, call, http_to, task

from engine.connectors import HttpConnection
from engine.credentials import BearerCredential, QueryCredential, Secret, SignatureCredential
from engine.errors import DeliveryFailed, Message
from engine.outside import http as http_kind
from engine.outside.guard import address_mistake, read_url
from engine.outside.network import Network


@pytest.fixture
def erp():
    with HttpRecorder() as recorder:
        yield recorder


def failure(connection, world=None, **how):
    with pytest.raises(DeliveryFailed) as caught:
        call(connection, world, **how)
    return str(caught.value), caught.value.again, caught.value.unsure


# --- how an address may be written

ODD = [
    "http://2130706433/", "http://0x7f.1/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://0/",
    "http://127.0.0.1./", "http://localhost./", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://[::1%25lo]/",
    "http://[::ffff:127.0.0.1%eth0]/", "http://example.com\\@127.0.0.1/", "http://example.com@127.0.0.1/",
    "http://user:pass@example.com/", "http://127.0.0.1:80:80/", "http://example.com:99999/", "http://example.com:0/",
    "http://exa mple.com/", "http://example.com\t/", "http://example.com/\r\nHost: a", "http://", "http:///x",
    "//example.com/", "example.com", "file:///etc/passwd", "gopher://127.0.0.1:25/_x", "ftp://example.com/",
    "dict://127.0.0.1:11211/", "javascript:alert(1)", "http://[::1", "http://[1.2.3.4]/", "http://-a.example/",
    "http://a..example/", "http://" + "a" * 64 + ".example/", "http://example.com:/", "http://1.2.3.4.5/",
    "http://example.com/a/../b", "http://example.com/%2e%2e/b", "http://example.0x10/", "http://256.1.1.1/",
]  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_an_odd_spelling_is_no_address(text):
    assert isinstance(read_url(text), Message)


@pytest.mark.parametrize("text", ODD)
def test_an_odd_spelling_is_never_followed_even_into_private_networks(erp, text):
    _said, again, unsure = failure(http_to(erp, hosts=("127.0.0.1", "localhost")), url=text)
    assert (again, unsure) == (False, False)
    assert erp.arrivals == []


@pytest.mark.parametrize(
    ("text", "origin", "target", "shown"),
    [
        ("https://Example.COM/a?b=c", ("https", "example.com", 443), "/a?b=c", "https://example.com/a"),
        ("http://example.com:8080", ("http", "example.com", 8080), "/", "http://example.com:8080/"),
        ("https://[2606:4700::1111]:8443/x", ("https", "2606:4700::1111", 8443), "/x", "https://[2606:4700::1111]:8443/x"),
        ("https://a_b.xn--fsqu00a.example/%E4%B8%80", ("https", "a_b.xn--fsqu00a.example", 443), "/%E4%B8%80",
         "https://a_b.xn--fsqu00a.example/%E4%B8%80"),
        ("http://93.184.216.34/", ("http", "93.184.216.34", 80), "/", "http://93.184.216.34/"),
    ],
)  # fmt: skip
def test_a_usual_spelling_is_read(text, origin, target, shown):
    url = read_url(text)
    assert (url.origin, url.target, str(url)) == (origin, target, shown)


# --- which addresses may be connected to

NEVER = [
    "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1", "192.0.0.192", "100.100.100.200", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::127.0.0.1", "::7f00:1",
    "fe80::1", "fec0::1", "ff02::1", "fd00:ec2::254", "2002:7f00:1::", "2001:0:4136:e378::1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "::ffff:0:7f00:1",
]  # fmt: skip
PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "198.18.0.1",
    "192.0.2.1", "::1", "fd12::1", "fc00::1", "2001:db8::1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "240e::1", "64:ff9b::808:808", "1.1.1.1"]


@pytest.mark.parametrize("text", NEVER)
def test_special_addresses_are_never_reached(text):
    address = ip_address(text)
    assert address_mistake(address, private=False) is not None
    assert address_mistake(address, private=True) is not None


@pytest.mark.parametrize("text", PRIVATE)
def test_private_addresses_must_be_meant(text):
    assert address_mistake(ip_address(text), private=False) is not None
    assert address_mistake(ip_address(text), private=True) is None


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_fine(text):
    assert address_mistake(ip_address(text), private=False) is None


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:{port}", "http://localhost:{port}", "http://[::1]:{port}", "http://[::ffff:127.0.0.1]:{port}"]
)
def test_this_machine_is_not_reached_unless_it_is_meant(erp, base):
    connection = http_to(erp, base_url=base.format(port=erp.port), private=False)
    _said, again, unsure = failure(connection)
    assert (again, unsure) == (False, False)
    assert erp.arrivals == []


# --- what a name stands for


def resolving(*answers):
    """A name service that gives one answer after the other, and notes what it was asked."""
    asked = []

    def resolve(host, port, **_more):
        addresses = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return Network(resolve=resolve), asked


def test_a_name_that_stands_for_a_private_address_is_refused():
    network, _ = resolving(["10.0.0.7"])
    connection = HttpConnection(name="erp", base_url="https://erp.example.com")
    with pytest.raises(DeliveryFailed) as caught:
        http_kind.perform(task("http", connection), World(), network=network)
    assert (str(caught.value), caught.value.again) == (
        "erp.example.com: The address 10.0.0.7 is private; if that is meant, say `private: true` in the connection.",
        False,
    )


def test_one_private_address_among_public_ones_is_enough():
    network, _ = resolving(["93.184.216.34", "127.0.0.1"])
    connection = HttpConnection(name="erp", base_url="https://erp.example.com")
    with pytest.raises(DeliveryFailed, match=r"The address 127\.0\.0\.1 is private"):
        http_kind.perform(task("http", connection), World(), network=network)


def test_a_name_is_asked_once_so_that_it_cannot_change_between_check_and_connection(erp):
    network, asked = resolving(["127.0.0.1"], ["169.254.169.254"])
    connection = http_to(erp, base_url=f"http://erp.example.com:{erp.port}")
    http_kind.perform(task("http", connection), World(), network=network)
    assert asked == ["erp.example.com"]
    assert erp.arrivals[0]["headers"]["Host"] == f"erp.example.com:{erp.port}"


def test_a_name_nobody_knows():
    def resolve(*_asked, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    connection = HttpConnection(name="erp", base_url="https://erp.example.com")
    with pytest.raises(DeliveryFailed) as caught:
        http_kind.perform(task("http", connection), World(), network=Network(resolve=resolve))
    assert (str(caught.value), caught.value.again, caught.value.unsure) == (
        "The host erp.example.com cannot be found: Name or service not known", True, False,
    )  # fmt: skip


def test_proxies_of_the_environment_are_not_followed(erp, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert call(http_to(erp))["status"] == 200


# --- hosts and redirects


@pytest.fixture
def two(erp):
    with HttpRecorder() as other:
        yield erp, other


def test_a_call_stays_on_the_hosts_of_its_connection(two):
    erp, other = two
    assert failure(http_to(erp), url=f"{other.url}/x") == (f"'erp' does not lead to {other.url}/x; its hosts are listed.", False, False)
    call(http_to(erp, hosts=(f"127.0.0.1:{other.port}",)), url=f"{other.url}/x?y=1")
    assert [one["path"] for one in other.arrivals] == ["/x?y=1"]


def test_another_host_is_shown_no_credential(two):
    erp, other = two
    for auth in (BearerCredential(token=Secret("T")), QueryCredential(values={"k": Secret("T")}), SignatureCredential(key=Secret("T"))):
        world = World({"T": "geheim-9"})
        call(http_to(erp, hosts=(f"127.0.0.1:{other.port}",), auth=auth), world, url=f"{other.url}/x")
        assert world.shown == []
        assert not {"Authorization", "X-Appmill-Signature"} & set(other.arrivals[-1]["headers"])
        assert other.arrivals[-1]["path"] == "/x"


def redirect(recorder, path, to, status=307):
    recorder.paths[path] = Behaviour("as told", status=status, headers={"Location": to})


def test_a_redirect_is_not_followed_by_default(erp):
    redirect(erp, "/api/a", "/api/b?token=1", 302)
    assert failure(http_to(erp), path="/a") == (f"{erp.url}/api/a answered 302: → /api/b", False, False)
    assert len(erp.arrivals) == 1


def test_a_redirect_may_be_followed_with_everything_it_carried(erp):
    redirect(erp, "/api/a", "b")
    auth = SignatureCredential(key=Secret("T"))
    call(http_to(erp, redirects=1, auth=auth), World({"T": "geheim-9"}), path="/a", json={"n": 1}, key="m-1")
    assert [(one["method"], one["path"], one["body"], one["key"]) for one in erp.arrivals] == [
        ("POST", "/api/a", '{"n":1}', "m-1"), ("POST", "/api/b", '{"n":1}', "m-1"),
    ]  # fmt: skip
    assert len({one["headers"]["X-Appmill-Signature"] for one in erp.arrivals}) == 1


def test_after_a_post_a_303_is_only_looked_at(erp):
    redirect(erp, "/api/a", "/api/b", 303)
    call(http_to(erp, redirects=1), path="/a", json={"n": 1})
    assert [(one["method"], one["path"], one["body"]) for one in erp.arrivals] == [
        ("POST", "/api/a", '{"n":1}'), ("GET", "/api/b", ""),
    ]  # fmt: skip
    erp.paths["/api/b"] = Behaviour("status", status=500)
    assert failure(http_to(erp, redirects=1), path="/a", json={"n": 1})[1:] == (True, True)


def test_a_post_does_not_lose_its_body_to_a_302(erp):
    redirect(erp, "/api/a", "/api/b", 302)
    assert failure(http_to(erp, redirects=1), path="/a")[1:] == (False, False)
    assert len(erp.arrivals) == 1


def test_redirects_end(erp):
    redirect(erp, "/api/a", "/api/a")
    assert failure(http_to(erp, redirects=3), path="/a") == (f"{erp.url}/api/a answered 307: → /api/a", False, False)
    assert len(erp.arrivals) == 4


@pytest.mark.parametrize(
    "to",
    ["http://169.254.169.254/latest", "http://localhost:{port}/", "http://[::1]:{port}/", "//example.com/", "http://0x7f.1/",
     "http://2130706433:{port}/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://u:p@127.0.0.1:{port}/", "https:///x",
     "http://127.0.0.1:1/", "https://127.0.0.1:{port}/", "http://127.0.0.1:{port}\\@example.com/"],
)  # fmt: skip
def test_a_redirect_leads_nowhere_else(erp, to):
    redirect(erp, "/api/a", to.format(port=erp.port))
    _said, again, unsure = failure(http_to(erp, redirects=3), path="/a")
    assert (again, unsure) == (False, False)
    assert len(erp.arrivals) == 1


def test_a_redirect_to_a_listed_host_shows_it_no_credential_and_checks_its_address(two):
    erp, other = two
    redirect(erp, "/api/a", f"{other.url}/b")
    auth = BearerCredential(token=Secret("T"))
    call(http_to(erp, redirects=1, hosts=(f"127.0.0.1:{other.port}",), auth=auth), World({"T": "geheim-9"}), path="/a")
    assert "Authorization" in erp.arrivals[0]["headers"]
    assert "Authorization" not in other.arrivals[0]["headers"]
    network, asked = resolving(["127.0.0.1"], ["169.254.169.254"])
    redirect(erp, "/a", f"http://two.example:{erp.port}/b")
    connection = http_to(erp, base_url=f"http://one.example:{erp.port}", redirects=1, hosts=(f"two.example:{erp.port}",))
    with pytest.raises(DeliveryFailed, match=r"two\.example: The address 169\.254\.169\.254 is never connected to\."):
        http_kind.perform(task("http", connection, path="/a"), World(), network=network)
    assert asked == ["one.example", "two.example"]


def test_a_secure_connection_is_not_led_to_an_insecure_one():
    connection = HttpConnection(name="erp", base_url="https://a.example", hosts=("b.example",))
    assert not http_kind.may_go(connection, read_url("http://b.example/"))
    assert http_kind.may_go(connection, read_url("https://b.example/"))
    assert not http_kind.may_go(connection, read_url("https://b.example:8443/"))
    assert not http_kind.may_go(connection, read_url("http://a.example/"))


def test_a_mail_server_is_looked_at_as_closely():
    from surroundings import mail

    from engine.connectors import SmtpConnection

    for host in ("2130706433", "0x7f.1", "127.0.0.1", "localhost", "[::1]", "::ffff:127.0.0.1", "a b", ""):
        connection = SmtpConnection(name="post", host=host, port=2525, security="none", sender="a@b.example")
        with pytest.raises(DeliveryFailed) as caught:
            mail(connection)
        assert (caught.value.again, caught.value.unsure) == (False, False)
