"""Where webhooks may go, and that what was checked is what is connected to."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal.outbox import sending
from portal.outbox.addresses import AddressNotAllowed, Rules, check, is_public, parse, system_resolve
from portal.outbox.sending import Sender
from tests.webhooks.receiver import Receiver

PRODUCTION = Rules()
SANDBOX = Rules(allow_private=True)
PUBLIC = "93.184.216.34"
HOST = "hooks.shop.example"

NOT_PUBLIC = [
    # IPv4
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",  # a cloud's metadata
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # a cloud's door to its machines
    "169.254.0.1",
    "169.254.169.254",  # metadata
    "169.254.170.2",  # metadata of containers
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",  # metadata
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    # IPv6
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::ffff:93.184.216.34",  # public inside, but nobody says so with good intentions
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",  # 6to4 of 127.0.0.1
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    # no address at all
    "",
    "localhost",
    "127.1",
    "2130706433",
]
ARE_PUBLIC = [
    PUBLIC,
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2606:2800:220:1:248:1893:25c8:1946",
    "2a00:1450:4001:80b::200e",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ARE_PUBLIC)
def test_what_is_public(address: str) -> None:
    assert is_public(address)


def test_the_tables_agree_with_pythons_own_where_it_knows_better() -> None:
    for address in ARE_PUBLIC:
        assert ipaddress.ip_address(address).is_global, address
    for address in NOT_PUBLIC[:-4]:
        python = ipaddress.ip_address(address)
        if python.is_private or python.is_loopback or python.is_link_local or python.is_multicast:
            assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hooks",
        "ftp://shop.example/hooks",
        "file:///etc/passwd",
        "gopher://shop.example/",
        "javascript:alert(1)",
        "//shop.example/hooks",
        "shop.example/hooks",
        "https://",
        "https:///hooks",
        "https://./hooks",
        "https://user@shop.example/",
        "https://user:word@shop.example/",
        "https://shop.example@127.0.0.1/",
        "https://@shop.example/",
        "https://shop.example:80/",
        "https://shop.example:22/",
        "https://shop.example:8443/",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://shop.example:x/",
        "https://shop.example/#top",
        "https://shop.example/\r\nHost: evil.example",
        "https://shop.example/\tpath",
        "https://shop.example/a b",
        "https://shop.example\\@127.0.0.1/",
        "https://shöp.example/",
        "https://ⓛocalhost/",
        "https://１２７.０.０.１/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://shop.example/\x00",
        "https://shop.example/" + "a" * 500,
    ],
)
def test_what_is_no_address_is_refused_without_asking_anybody(url: str) -> None:
    with pytest.raises(AddressNotAllowed):
        check(url, PRODUCTION, resolve=_never)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://0/",
        "https://localhost/",
        "https://localhost./",
        "https://LOCALHOST/",
        "https://[::1]/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://2852039166/",
        "https://[fd00:ec2::254]/",
        "https://10.1.2.3/",
        "https://192.168.1.1/",
        "https://[64:ff9b::7f00:1]/",
    ],
)
def test_no_way_of_writing_it_leads_inside(url: str) -> None:
    with pytest.raises(AddressNotAllowed):
        check(url, PRODUCTION, resolve=system_resolve)
    assert Sender(PRODUCTION).post(url, {}, b"{}").error in ("address_not_allowed", "name_not_resolved")


def test_one_address_inside_among_many_is_enough_to_refuse() -> None:
    with pytest.raises(AddressNotAllowed, match=r"leads to 10\.0\.0\.1, which is no public address"):
        check(f"https://{HOST}/", PRODUCTION, resolve=lambda host, port: [PUBLIC, "10.0.0.1"])


def test_a_public_name_is_taken_apart() -> None:
    found = check(f"https://{HOST}/a/b?c=d", PRODUCTION, resolve=lambda host, port: [PUBLIC, PUBLIC])
    assert (found.host, found.port, found.target, found.addresses) == (HOST, 443, "/a/b?c=d", (PUBLIC,))
    assert found.host_header == HOST
    more = parse(f"https://{HOST}:8443", Rules(ports=frozenset({443, 8443})))
    assert (more.target, more.host_header) == ("/", f"{HOST}:8443")


def test_a_sandbox_may_tell_this_machine_and_nobody_at_large() -> None:
    for url in ("http://127.0.0.1:9001/", "https://[::1]:8443/", "http://10.0.0.7/"):
        assert check(url, SANDBOX, resolve=system_resolve).addresses
    for url in ("http://0.0.0.0/", "http://255.255.255.255/", "http://224.0.0.1/", "http://[ff02::1]/", "http://[::]/"):
        with pytest.raises(AddressNotAllowed):
            check(url, SANDBOX, resolve=system_resolve)
    assert Sender(PRODUCTION).post("http://127.0.0.1:9001/", {}, b"{}").error == "address_not_allowed"


def _never(host: str, port: int) -> Sequence[str]:
    raise AssertionError(f"{host} was asked for")


# What was checked is what is connected to.


class Names:
    """A resolver that gives another answer every time, as somebody does who means harm."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return [self.answers.pop(0)]


def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_checked() -> None:
    names, connected = Names(PUBLIC, "127.0.0.1", "127.0.0.1"), []

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        connected.append((address, port))
        raise ConnectionRefusedError(111, "Connection refused")

    sent = Sender(PRODUCTION, resolve=names, connect=connect).post(f"https://{HOST}/", {}, b"{}")

    assert (sent.error, connected, names.asked) == ("no_connection", [(PUBLIC, 443)], 1)
    sent = Sender(PRODUCTION, resolve=names, connect=connect).post(f"https://{HOST}/", {}, b"{}")
    assert (sent.error, connected, names.asked) == ("address_not_allowed", [(PUBLIC, 443)], 2)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[ssl.SSLContext, ssl.SSLContext]]:
    """Somebody who certifies names: (the server's side for a name, the client's side that trusts this authority)."""
    folder = tmp_path_factory.mktemp("authority")
    now = datetime.datetime.now(datetime.UTC)
    root_key = ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Story authority")])

    def certificate(name: x509.Name, key: ec.EllipticCurvePublicKey, *extensions: x509.ExtensionType) -> bytes:
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(root_name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
        for extension in extensions:
            made = made.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return made.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    root = folder / "root.pem"
    root.write_bytes(certificate(root_name, root_key.public_key(), x509.BasicConstraints(ca=True, path_length=0)))

    def certify(host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        chain: Path = folder / f"{host}.pem"
        chain.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate(subject, key.public_key(), x509.SubjectAlternativeName([x509.DNSName(host)]))
        )
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(chain)
        return server, ssl.create_default_context(cafile=str(root))

    return certify


def test_over_tls_the_name_is_verified_although_an_address_is_connected_to(
    authority: Callable[[str], tuple[ssl.SSLContext, ssl.SSLContext]],
) -> None:
    server, client = authority(HOST)
    receiver = Receiver(tls=server)

    def sends(host: str, tls: ssl.SSLContext | None) -> sending.Sent:
        sender = Sender(SANDBOX, resolve=lambda host, port: ["127.0.0.1"], tls=tls)
        return sender.post(f"https://{host}:{receiver.port}/hooks?a=b", {"webhook-id": "E1"}, b'{"a":1}')

    taken, other_name, other_authority = sends(HOST, client), sends("books.shop.example", client), sends(HOST, None)
    receiver.close()

    assert (taken.http_status, taken.address, taken.is_success) == (200, "127.0.0.1", True)
    (message,) = receiver.messages
    assert (message.path, message.body) == ("/hooks?a=b", b'{"a":1}')
    assert message.headers["host"] == f"{HOST}:{receiver.port}"
    assert message.headers["content-type"] == "application/json"
    for refused in (other_name, other_authority):
        assert (refused.error, refused.http_status) == ("bad_certificate", None)
    assert "does not hold for books.shop.example" in other_name.note


def test_a_proxy_of_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver()
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    sent = Sender(SANDBOX).post(receiver.url, {}, b"{}")
    receiver.close()
    assert sent.is_success


# Answers.


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    receiver, elsewhere = Receiver(), Receiver()
    receiver.says(status, b"over there", Location=elsewhere.url)
    sent = Sender(SANDBOX).post(receiver.url, {}, b"{}")
    for one in (receiver, elsewhere):
        one.close()
    assert (sent.http_status, sent.is_success, elsewhere.messages) == (status, False, [])
    assert "not followed" in sent.note


@pytest.mark.parametrize(
    ("status", "taken"), [(200, True), (201, True), (202, True), (204, True), (299, True), (418, False), (500, False)]
)
def test_any_2xx_is_taken_and_nothing_else(status: int, taken: bool) -> None:
    receiver = Receiver()
    receiver.will(status)
    sent = Sender(SANDBOX).post(receiver.url, {}, b"{}")
    receiver.close()
    assert (sent.http_status, sent.is_success) == (status, taken)


def test_of_a_long_answer_the_beginning_is_read_and_secrets_in_it_are_hidden() -> None:
    receiver = Receiver()
    receiver.says(500, b"no: \x1b[31m v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4= \r\n" + b"x " * 1_000_000)
    sent = Sender(SANDBOX).post(receiver.url, {}, b"{}")
    receiver.close()
    assert sent.answer.startswith("no: [31m v1,•••• x x x")
    assert len(sent.answer) == sending.SHOWN_CHARACTERS


@pytest.fixture
def strange() -> Iterator[Callable[[Callable[[socket.socket], object]], str]]:
    """A server that does what it is told with a connection, and no HTTP at all."""
    servers: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(act: Callable[[socket.socket], object]) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def once() -> None:
            try:
                line, _ = server.accept()
                with line:
                    line.recv(65536)
                    act(line)
            except OSError:
                pass  # it hung up, which is what these tests are about

        thread = threading.Thread(target=once, daemon=True)
        threads.append(thread)
        thread.start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/"

    yield serve
    for server in servers:
        server.close()
    for thread in threads:
        thread.join(5)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", "broken_off"),
        (b"HTTP/1.1", "broken_off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "broken_off"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "broken_off"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500 + b"\r\n", "broken_off"),
        (b"HTTP/1.1 200 OK\r\na: " + b"b" * 100_000 + b"\r\n\r\n", "broken_off"),
    ],
)
def test_what_is_no_answer(
    strange: Callable[[Callable[[socket.socket], object]], str], answer: bytes, error: str
) -> None:
    url = strange(lambda line: line.sendall(answer))
    sent = Sender(SANDBOX).post(url, {}, b"{}")
    assert (sent.error, sent.is_success, sent.http_status) == (error, False, None)


def test_one_byte_at_a_time_does_not_hold_the_worker(
    strange: Callable[[Callable[[socket.socket], object]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "WHOLE_SECONDS", 0.4)
    over = threading.Event()

    def drips(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nslow: ")
        while not over.wait(0.05):
            line.sendall(b"x")

    sent = Sender(SANDBOX).post(strange(drips), {}, b"{}")
    over.set()
    assert (sent.error, sent.is_success) == ("timed_out", False)
    assert 300 <= sent.duration_ms < 8000


def test_a_status_that_was_said_counts_although_the_body_never_ends(
    strange: Callable[[Callable[[socket.socket], object]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "WHOLE_SECONDS", 2.0)
    over = threading.Event()

    def drips(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        while not over.wait(0.05):
            line.sendall(b"x")

    sent = Sender(SANDBOX).post(strange(drips), {}, b"{}")
    over.set()
    assert (sent.http_status, sent.is_success) == (200, True)
