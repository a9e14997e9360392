"""The line between us and the acquirer, at its worst: what may have arrived is told from what cannot have."""

import io
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from portal import clock
from portal.acquirer import signing
from portal.acquirer.client import Answer, SignedClient, is_loopback, new_session
from portal.acquirer.errors import NotSent, NoVerdict
from portal.acquirer.results import Secret, SignatureVerdict

from .peer import (
    CLIENT_ID,
    OURS,
    STRANGERS,
    SUCCESS,
    THEIRS,
    Peer,
    Reply,
    credentials,
    drop,
    reset,
    says,
    slowly,
)

PATH = "/ams/sandbox/api/v1/payments/pay"
NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def client(url: str, *, connect_seconds: float = 10, read_seconds: float = 10, **changed: object) -> SignedClient:
    return SignedClient(
        credentials(url, **changed),
        sleep=lambda seconds: None,
        connect_seconds=connect_seconds,
        read_seconds=read_seconds,
    )


def refused(url: str, path: str = PATH, **changed: object) -> NotSent:
    with pytest.raises(NotSent) as caught:
        client(url, **changed).post("pay", path, {"a": "b"})
    assert caught.value.may_have_arrived is False
    assert caught.value.exchange is not None
    assert caught.value.exchange.error == caught.value.code
    assert caught.value.exchange.verdict is SignatureVerdict.NO_ANSWER
    return caught.value


def lost(peer: Peer, **changed: object) -> NoVerdict:
    with pytest.raises(NoVerdict) as caught:
        client(peer.url, **changed).post("pay", PATH, {"a": "b"})
    assert caught.value.may_have_arrived is True
    assert caught.value.exchange is not None
    assert caught.value.exchange.error == caught.value.code
    return caught.value


@contextmanager
def closed_port() -> Iterator[str]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else can take it
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


# What a good call is.


def test_the_bytes_signed_are_the_bytes_sent(peer: Peer) -> None:
    message = {"name": "Café ﷼", "amount": {"currency": "PHP", "value": "49900"}}
    with clock.using(clock.VirtualClock(NOON)):
        answer = client(peer.url).post("pay", PATH, message)

    (heard,) = peer.heard
    assert heard.body == '{"name":"Café ﷼","amount":{"currency":"PHP","value":"49900"}}'.encode()
    assert heard.uri == PATH
    assert heard.headers["client-id"] == CLIENT_ID
    assert heard.headers["request-time"] == "1772366400123"
    assert heard.headers["content-type"] == "application/json; charset=UTF-8"
    assert heard.headers["signature"].startswith("algorithm=RSA256, keyVersion=1, signature=")
    assert heard.is_signed_by(OURS.public_key())
    assert isinstance(answer, Answer)
    assert (answer.code, answer.status, answer.message) == ("SUCCESS", "S", "success.")


def test_the_exchange_keeps_what_crossed_the_wire(peer: Peer) -> None:
    reply = says(paymentId="2026")
    peer.will(reply)
    with clock.using(clock.VirtualClock(NOON)):
        kept = client(peer.url).post("pay", PATH, {"paymentMethodId": "28100103_TOKEN", "a": "b"}).exchange

    assert (kept.api, kept.method, kept.url) == ("pay", "POST", peer.url + PATH)
    assert kept.request_body == peer.heard[0].body
    assert kept.request_headers["signature"] == peer.heard[0].headers["signature"]
    assert kept.sent_at == NOON
    assert kept.http_status == 200
    assert kept.response_body == reply.body
    assert kept.response_headers["client-id"] == CLIENT_ID
    assert kept.verdict is SignatureVerdict.VERIFIED
    assert (kept.result_code, kept.result_status, kept.error) == ("SUCCESS", "S", "")
    assert 0 <= kept.duration_ms < 5000
    assert json.loads(kept.masked_request) == {"paymentMethodId": "••••", "a": "b"}
    assert json.loads(kept.masked_response) == {"result": SUCCESS, "paymentId": "2026"}


def test_one_connection_carries_many_calls(peer: Peer) -> None:
    speaking = client(peer.url)
    for _ in range(5):
        speaking.post("pay", PATH, {"a": "b"})
    assert [heard.line for heard in peer.heard] == [1] * 5


def test_connections_that_were_closed_are_opened_anew(peer: Peer) -> None:
    session = new_session()
    speaking = SignedClient(credentials(peer.url), session=session, sleep=lambda seconds: None)
    for _ in range(2):
        assert speaking.post("pay", PATH, {"a": "b"}).code == "SUCCESS"
        session.close()
    assert len(peer.heard) == 2


def test_a_gateway_url_may_end_in_a_slash(peer: Peer) -> None:
    client(peer.url + "/").post("pay", PATH, {})
    assert peer.heard[0].uri == PATH


def test_text_that_is_no_unicode_still_leaves_as_bytes(peer: Peer) -> None:
    client(peer.url).post("pay", PATH, {"note": "broken \ud83d half"})
    assert peer.heard[0].message == {"note": "broken ? half"}


# What cannot have arrived.


def test_a_refused_connection_is_not_sent_and_tried_three_times() -> None:
    pauses: list[float] = []
    with closed_port() as url:
        speaking = SignedClient(credentials(url), sleep=pauses.append)
        with pytest.raises(NotSent) as caught:
            speaking.post("pay", PATH, {"a": "b"})
    assert caught.value.code == "connect_failed"
    assert pauses == [0.2, 0.4]


def test_a_connection_refused_once_is_tried_again_with_the_same_bytes(peer: Peer) -> None:
    class Refusing(requests.adapters.HTTPAdapter):
        refusals = 1

        def send(self, request: requests.PreparedRequest, *args: object, **kwargs: object) -> requests.Response:
            tried.append(dict(request.headers))
            if self.refusals:
                self.refusals -= 1
                raise NotSent("connect_failed")
            return inner.send(request, *args, **kwargs)  # type: ignore[arg-type]

    tried: list[dict[str, str]] = []
    session = new_session()
    inner = session.get_adapter("http://")
    session.mount("http://", Refusing())
    speaking = SignedClient(credentials(peer.url), session=session, sleep=lambda seconds: None)
    assert speaking.post("pay", PATH, {"a": "b"}).code == "SUCCESS"
    assert len(peer.heard) == 1
    assert tried[0] == tried[1]


@pytest.mark.parametrize(
    "url",
    [
        "http://open-sea-global.alipay.com",
        "http://10.0.0.1:9000",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://[::2]:80",
    ],
)
def test_plain_http_is_refused_before_the_wire_but_for_the_loopback(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*args: object, **kwargs: object) -> None:
        raise AssertionError("something was sent or looked up")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    monkeypatch.setattr(socket.socket, "connect", nobody)
    assert refused(url).code == "plain_http_refused"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.8.7", "::1", "localhost"])
def test_the_loopback_is_known_by_its_name(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "10.0.0.1", "localhost.", "LOCALHOST.example", "128.0.0.1", "::"])
def test_other_hosts_are_not_the_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "url",
    ["", "open-sea-global.alipay.com", "ftp://127.0.0.1", "https://", "https://[", "https://a:b@host", "https://h:x"],
)
def test_a_gateway_url_that_is_none_is_refused(url: str) -> None:
    assert refused(url).code == "gateway_url_invalid"


def test_a_name_that_does_not_resolve_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert refused("https://gateway.invalid").code == "name_not_resolved"


def test_our_own_key_unreadable_is_not_sent(peer: Peer) -> None:
    reason = refused(
        peer.url, private_key_pem=Secret("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----")
    )
    assert reason.code == "own_key_unreadable"
    assert "nonsense" not in str(reason)
    assert peer.heard == []


@pytest.mark.parametrize("changed", [{"client_id": "A\r\nX: y"}, {"client_id": "clié"}, {"key_version": "1, x=2"}])
def test_credentials_no_header_carries_are_not_sent(peer: Peer, changed: dict[str, str]) -> None:
    assert refused(peer.url, **changed).code == "credentials_not_sendable"
    assert peer.heard == []


def test_a_certificate_nobody_vouches_for_is_not_sent(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path)
    peer.speaks_tls(certificate, key)
    # The environment may not lend trust: with these two, the library's own default would have accepted it.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    monkeypatch.setenv("CURL_CA_BUNDLE", certificate)
    assert refused(peer.url).code == "tls_failed"
    assert peer.heard == []


def test_even_a_session_told_not_to_verify_verifies(peer: Peer, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    peer.speaks_tls(certificate, key)
    careless = new_session()
    careless.verify = False
    with pytest.raises(NotSent) as caught:
        SignedClient(credentials(peer.url), session=careless).post("pay", PATH, {})
    assert caught.value.code == "tls_failed"
    assert peer.heard == []


def test_a_proxy_of_the_environment_is_not_used(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as nobody:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, nobody)
        assert client(peer.url).post("pay", PATH, {}).code == "SUCCESS"


def test_tls_spoken_to_a_port_without_it_is_not_sent(peer: Peer) -> None:
    assert refused(peer.url.replace("http://", "https://")).code == "tls_failed"
    assert peer.heard == []


def test_a_handshake_that_hangs_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        assert refused(url, connect_seconds=0.3).code == "connect_timeout"


# What may have arrived.


def test_a_line_dropped_after_the_request_was_read_is_no_verdict(peer: Peer) -> None:
    peer.will(drop)
    assert lost(peer).code == "connection_lost"
    assert len(peer.heard) == 1


def test_a_line_reset_after_the_request_was_read_is_no_verdict(peer: Peer) -> None:
    peer.will(reset)
    assert lost(peer).code == "connection_lost"
    assert len(peer.heard) == 1


def test_an_answer_that_does_not_come_in_time_is_no_verdict_and_never_sent_again(peer: Peer) -> None:
    peer.will(slowly(3))
    reason = lost(peer, read_seconds=1)
    assert reason.code == "read_timeout"
    assert reason.exchange is not None
    assert reason.exchange.duration_ms >= 1000
    assert len(peer.heard) == 1


def test_an_answer_that_stops_in_the_middle_is_no_verdict(peer: Peer) -> None:
    reply = says()
    reply.promised_length = len(reply.body) + 10
    peer.will(reply)
    assert lost(peer).code == "connection_lost"


def test_an_idle_connection_that_dies_as_we_use_it_is_no_verdict_and_not_sent_again(peer: Peer) -> None:
    peer.will(says(), drop, says())
    speaking = client(peer.url)
    speaking.post("pay", PATH, {"a": "1"})
    with pytest.raises(NoVerdict) as caught:
        speaking.post("pay", PATH, {"a": "2"})
    assert caught.value.code == "connection_lost"
    assert [heard.message["a"] for heard in peer.heard] == ["1", "2"]
    assert [heard.line for heard in peer.heard] == [1, 1]
    assert speaking.post("pay", PATH, {"a": "3"}).code == "SUCCESS"


def test_an_idle_connection_closed_before_we_use_it_is_replaced(peer: Peer) -> None:
    peer.closes_after_each_answer = True
    speaking = client(peer.url)
    for number in "12":
        speaking.post("pay", PATH, {"a": number})
        assert peer.ended.acquire(timeout=30)  # until their close has arrived here
    assert [(heard.message["a"], heard.line) for heard in peer.heard] == [("1", 1), ("2", 2)]


@pytest.mark.parametrize("status", [201, 204, 400, 401, 404, 429, 500, 502, 503])
def test_any_other_status_is_no_verdict_even_signed(peer: Peer, status: int) -> None:
    reply = Reply(b"" if status == 204 else says().body, status=status)
    peer.will(reply)
    reason = lost(peer)
    assert reason.code == "http_status"
    assert reason.params["status"] == status
    assert reason.exchange is not None
    assert reason.exchange.http_status == status


def test_a_redirect_is_not_followed(peer: Peer) -> None:
    peer.will(Reply(says().body, status=307, more_headers={"location": peer.url + "/elsewhere"}))
    assert lost(peer).code == "http_status"
    assert [heard.uri for heard in peer.heard] == [PATH]


def flawed(reply: Reply, **changed: object) -> Reply:
    for name, value in changed.items():
        setattr(reply, name, value)
    return reply


@pytest.mark.parametrize(
    ("reply", "code", "verdict"),
    [
        (flawed(says(), is_signed=False), "answer_unsigned", SignatureVerdict.MISSING),
        (flawed(says(), key=STRANGERS), "answer_wrongly_signed", SignatureVerdict.WRONG),
        (flawed(says(), key=OURS), "answer_wrongly_signed", SignatureVerdict.WRONG),
        (flawed(says(), signed_body=b"{}"), "answer_wrongly_signed", SignatureVerdict.WRONG),
        (flawed(says(), signed_uri="/ams/api/v1/payments/pay"), "answer_wrongly_signed", SignatureVerdict.WRONG),
        (flawed(says(), key_version="2"), "answer_key_unknown", SignatureVerdict.UNKNOWN_KEY),
        (flawed(says(), client_id="SANDBOX_SOMEBODY_ELSE"), "answer_for_another_client", SignatureVerdict.VERIFIED),
        (flawed(says(), client_id=None), "answer_for_another_client", SignatureVerdict.VERIFIED),
        (Reply(b"<html>proxy</html>"), "answer_not_json", SignatureVerdict.VERIFIED),
        (Reply(b"[1, 2]"), "answer_not_json", SignatureVerdict.VERIFIED),
        (Reply(b""), "answer_not_json", SignatureVerdict.VERIFIED),
        (Reply(b"\xff\xfe"), "answer_not_json", SignatureVerdict.VERIFIED),
        (Reply(b"[" * 50_000), "answer_not_json", SignatureVerdict.VERIFIED),
        (Reply(b'{"result": "SUCCESS"}'), "answer_without_result", SignatureVerdict.VERIFIED),
        (Reply(b'{"result": {"resultStatus": 1}}'), "answer_without_result", SignatureVerdict.VERIFIED),
        (Reply(b'{"resultStatus": "S"}'), "answer_without_result", SignatureVerdict.VERIFIED),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_that_may_not_be_believed_is_no_verdict(
    peer: Peer, reply: Reply, code: str, verdict: SignatureVerdict
) -> None:
    peer.will(reply)
    reason = lost(peer)
    assert reason.code == code
    assert reason.exchange is not None
    assert reason.exchange.verdict is verdict
    assert reason.exchange.response_body == reply.body


def test_the_code_of_an_unsigned_refusal_is_kept_for_display(peer: Peer) -> None:
    refusal = {"resultCode": "INVALID_SIGNATURE", "resultStatus": "F", "resultMessage": "wrong"}
    peer.will(flawed(says(refusal), is_signed=False))
    reason = lost(peer)
    assert reason.exchange is not None
    assert (reason.exchange.result_code, reason.exchange.result_status) == ("INVALID_SIGNATURE", "F")
    assert reason.params == {"said": "INVALID_SIGNATURE"}


def test_an_answer_without_a_key_version_is_tried_with_every_key(peer: Peer) -> None:
    peer.will(flawed(says(), key_version=None))
    keys = {"7": signing.public_pem(STRANGERS.public_key()), "8": signing.public_pem(THEIRS.public_key())}
    assert client(peer.url, acquirer_keys=keys).post("pay", PATH, {}).code == "SUCCESS"


def test_a_stored_key_that_is_no_key_verifies_nothing(peer: Peer) -> None:
    with pytest.raises(NoVerdict) as caught:
        client(peer.url, acquirer_keys={"1": "nonsense"}).post("pay", PATH, {})
    assert caught.value.code == "answer_wrongly_signed"


@pytest.mark.parametrize("size", [1_000_001, 5_000_000])
def test_an_answer_too_large_is_cut_off(peer: Peer, size: int) -> None:
    peer.will(Reply(b'{"result":"' + b"x" * size))
    reason = lost(peer)
    assert reason.code == "answer_too_large"
    assert reason.exchange is not None
    assert len(reason.exchange.response_body) <= 1_000_000 + 16_384


def test_a_session_of_ones_own_may_answer_in_the_same_process() -> None:
    class InProcess(requests.adapters.BaseAdapter):
        def send(self, request: requests.PreparedRequest, **kwargs: object) -> requests.Response:  # type: ignore[override]
            assert isinstance(request.body, bytes)
            reply = says(heard=request.body.decode())
            response = requests.Response()
            response.status_code = reply.status
            response.headers.update(reply.headers(request.path_url))
            response.raw = io.BytesIO(reply.body)
            return response

        def close(self) -> None:
            """Nothing to close."""

    session = requests.Session()
    session.mount("http://", InProcess())
    answer = SignedClient(credentials("http://127.0.0.1:9"), session=session).post("pay", PATH, {"a": "b"})
    assert answer.body["heard"] == '{"a":"b"}'


def test_a_session_listens_to_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/elsewhere.pem")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    heeded = new_session().merge_environment_settings("https://gateway.example", {}, None, None, None)
    assert (heeded["verify"], dict(heeded["proxies"])) == (True, {})


def test_no_cookie_is_sent_back(peer: Peer) -> None:
    peer.will(flawed(says(), more_headers={"set-cookie": "who=you; Path=/"}))
    speaking = client(peer.url)
    speaking.post("pay", PATH, {})
    speaking.post("pay", PATH, {})
    assert "cookie" not in peer.heard[1].headers


def test_nothing_secret_is_in_what_is_printed(peer: Peer) -> None:
    token = "28100103_VERY_SECRET_TOKEN"
    refusal = {"resultCode": "INVALID_ACCESS_TOKEN", "resultStatus": "F", "resultMessage": f"token {token} is dead"}
    peer.will(flawed(says(refusal), is_signed=False))
    ours = credentials(peer.url)
    with pytest.raises(NoVerdict) as caught:
        SignedClient(ours).post("revoke", PATH, {"accessToken": token})
    printed = f"{caught.value!r} {caught.value} {caught.value.exchange!r} {ours!r} {ours}"
    assert token not in printed
    assert "PRIVATE KEY" not in printed
    peer.will(says(refusal))
    assert client(peer.url).post("revoke", PATH, {"accessToken": token}).message == "token •••• is dead"


def self_signed(folder: Path) -> tuple[str, str]:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(THEIRS.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(THEIRS, hashes.SHA256())
    )
    (folder / "peer.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "peer.key").write_text(signing.private_pem(THEIRS))
    return str(folder / "peer.crt"), str(folder / "peer.key")
