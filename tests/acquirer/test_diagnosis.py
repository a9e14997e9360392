"""A signed test call, explained: each thing that can be wrong has its finding, and only that."""

import socket
from datetime import timedelta
from typing import Any

import pytest

from portal import clock
from portal.acquirer import Diagnosis, signing
from portal.acquirer.antom import Antom
from portal.acquirer.client import SignedClient
from portal.acquirer.results import Secret

from .peer import CLIENT_ID, OURS, STRANGERS, THEIRS, Peer, Reply, code, credentials, drop, reset, slowly

PATH = "/ams/sandbox/api/v1/payments/inquiryPayment"


def diagnose(url: str, *, read_seconds: float = 10, **changed: Any) -> Diagnosis:
    ours = credentials(url, **changed)
    client = SignedClient(ours, sleep=lambda seconds: None, connect_seconds=10, read_seconds=read_seconds)
    return Antom(ours, client=client).diagnose()


def found(diagnosis: Diagnosis) -> list[str]:
    assert diagnosis.is_healthy == ([code for code, _ in diagnosis.findings] == ["healthy"])
    assert all(detail.endswith((".", ",")) for _, detail in diagnosis.findings)
    return [code for code, _ in diagnosis.findings]


def no_such_payment(**changed: Any) -> Reply:
    reply = code("ORDER_NOT_EXIST", "F")
    for name, value in changed.items():
        setattr(reply, name, value)
    return reply


def test_a_healthy_account(peer: Peer) -> None:
    peer.will(no_such_payment())
    diagnosis = diagnose(peer.url)
    assert found(diagnosis) == ["healthy"]
    assert diagnosis.exchange is not None
    (heard,) = peer.heard
    assert heard.uri == PATH
    assert heard.is_signed_by(OURS.public_key())
    assert list(heard.message) == ["paymentRequestId"]
    assert heard.message["paymentRequestId"].startswith("TEST")


def test_the_acquirer_refuses_our_signature(peer: Peer) -> None:
    reply = code("INVALID_SIGNATURE", "F")
    reply.is_signed = False
    peer.will(reply)
    diagnosis = diagnose(peer.url, key_version="3")
    assert found(diagnosis) == ["signature_refused"]
    assert "under key version 3" in diagnosis.findings[0][1]


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("UNKNOWN_CLIENT", "wrong_environment"),
        ("CLIENT_INVALID", "wrong_environment"),
        ("NO_INTERFACE_DEF", "wrong_environment"),
        ("KEY_NOT_FOUND", "key_not_found"),
        ("REQUEST_TRAFFIC_EXCEED_LIMIT", "throttled"),
        ("ACCESS_DENIED", "unexpected_answer"),
        ("SUCCESS", "unexpected_answer"),
    ],
)
def test_the_acquirer_says_what_is_wrong(peer: Peer, name: str, finding: str) -> None:
    status = {"REQUEST_TRAFFIC_EXCEED_LIMIT": "U", "SUCCESS": "S"}.get(name, "F")
    peer.will(code(name, status))
    diagnosis = diagnose(peer.url)
    assert found(diagnosis) == [finding]
    assert name in diagnosis.findings[0][1]


def test_an_unknown_client_is_answered_unsigned(peer: Peer) -> None:
    reply = code("UNKNOWN_CLIENT", "F")
    reply.is_signed = False
    peer.will(reply)
    assert found(diagnose(peer.url)) == ["wrong_environment", "answer_unsigned"]


def test_an_answer_nobody_signed(peer: Peer) -> None:
    peer.will(no_such_payment(is_signed=False))
    assert found(diagnose(peer.url)) == ["answer_unsigned"]


def test_an_answer_signed_with_a_key_we_do_not_hold(peer: Peer) -> None:
    peer.will(no_such_payment(key=STRANGERS))
    assert found(diagnose(peer.url)) == ["answer_signed_with_another_key"]


def test_an_answer_with_a_key_version_we_do_not_hold(peer: Peer) -> None:
    peer.will(no_such_payment(key=STRANGERS, key_version="2"))
    diagnosis = diagnose(peer.url)
    assert found(diagnosis) == ["answer_key_version_unknown"]
    assert "key version 2; we hold 1" in diagnosis.findings[0][1]


def test_the_right_key_stored_under_the_wrong_version(peer: Peer) -> None:
    peer.will(no_such_payment(key_version="2"))
    diagnosis = diagnose(peer.url)
    assert found(diagnosis) == ["answer_key_version_differs"]
    assert "says key version 2, and verifies with the key stored as 1" in diagnosis.findings[0][1]


def test_two_keys_stored_the_wrong_way_round(peer: Peer) -> None:
    peer.will(no_such_payment(key_version="2"))
    keys = {"1": signing.public_pem(THEIRS.public_key()), "2": signing.public_pem(STRANGERS.public_key())}
    assert found(diagnose(peer.url, acquirer_keys=keys)) == ["answer_key_version_differs"]


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"signed_uri": "/ams/api/v1/payments/inquiryPayment"}, "path (production instead of sandbox)"),
        ({"signed_body": code("ORDER_NOT_EXIST", "F").body, "body": code("ORDER_NOT_EXIST", "F").body + b"\n"}, "body"),
    ],
)
def test_the_part_of_the_content_that_differs_is_named(peer: Peer, changed: dict[str, Any], part: str) -> None:
    peer.will(no_such_payment(**changed))
    diagnosis = diagnose(peer.url)
    assert found(diagnosis) == ["answer_content_differs"]
    assert part in diagnosis.findings[0][1]


def test_a_client_id_changed_on_the_way(peer: Peer) -> None:
    def behave(heard: Any) -> Reply:
        reply = no_such_payment()
        signed = reply.headers(heard.uri)
        reply.is_signed = False
        reply.more_headers = signed | {"client-id": "SANDBOX_ANOTHER"}
        return reply

    peer.will(behave)
    diagnosis = diagnose(peer.url)
    assert found(diagnosis) == ["answer_client_differs", "answer_content_differs"]
    assert "client id" in diagnosis.findings[1][1]


def test_an_answer_for_another_client(peer: Peer) -> None:
    peer.will(no_such_payment(client_id="SANDBOX_ANOTHER"))
    diagnosis = diagnose(peer.url)
    assert found(diagnosis) == ["answer_client_differs"]
    assert "SANDBOX_ANOTHER" in diagnosis.findings[0][1]


@pytest.mark.parametrize(("seconds", "way"), [(-125, "125 s ahead of"), (125, "125 s behind")])
def test_a_clock_that_is_off(peer: Peer, seconds: int, way: str) -> None:
    now = clock.now().replace(microsecond=0)
    with clock.using(clock.VirtualClock(now)):
        peer.will(no_such_payment(response_time=(now + timedelta(seconds=seconds)).isoformat()))
        diagnosis = diagnose(peer.url)
    assert found(diagnosis) == ["clock_skew"]
    assert f"Our clock is {way} the acquirer's" in diagnosis.findings[0][1]


@pytest.mark.parametrize("seconds", [-59, 0, 59])
def test_a_clock_that_is_near_enough(peer: Peer, seconds: int) -> None:
    now = clock.now().replace(microsecond=0)
    with clock.using(clock.VirtualClock(now)):
        peer.will(no_such_payment(response_time=(now + timedelta(seconds=seconds)).isoformat()))
        assert found(diagnose(peer.url)) == ["healthy"]


def test_our_own_key_stored_as_theirs(peer: Peer) -> None:
    peer.will(no_such_payment())
    diagnosis = diagnose(peer.url, acquirer_keys={"1": signing.public_bare(OURS.public_key())})
    assert found(diagnosis) == ["own_key_as_acquirer_key", "answer_signed_with_another_key"]


def test_keys_that_are_missing_or_cannot_be_read(peer: Peer) -> None:
    peer.will(no_such_payment())
    assert found(diagnose(peer.url, acquirer_keys={})) == ["acquirer_key_missing", "answer_key_version_unknown"]
    assert found(diagnose(peer.url, acquirer_keys={"1": "nonsense"})) == [
        "acquirer_key_unreadable",
        "answer_signed_with_another_key",
    ]
    peer.heard.clear()
    assert found(diagnose(peer.url, private_key_pem=Secret("nonsense"))) == ["own_key_unreadable"]
    assert peer.heard == []


def test_a_gateway_url_with_a_path(peer: Peer) -> None:
    peer.will(no_such_payment())
    diagnosis = diagnose(peer.url + "/ams/sandbox/api")
    assert found(diagnosis) == ["wrong_environment"]
    assert "/ams/sandbox/api" in diagnosis.findings[0][1]


@pytest.mark.parametrize(
    "reply", [Reply(b"<html>hello</html>", is_signed=False), Reply(b"{}", is_signed=False), Reply(b"")]
)
def test_something_else_answers(peer: Peer, reply: Reply) -> None:
    peer.will(reply)
    assert found(diagnose(peer.url)) == ["not_the_gateway"]


def test_another_status_than_200(peer: Peer) -> None:
    peer.will(Reply(b"not found", status=404, is_signed=False))
    diagnosis = diagnose(peer.url)
    assert found(diagnosis) == ["unexpected_status"]
    assert "404" in diagnosis.findings[0][1]


@pytest.mark.parametrize(
    ("behaviour", "seconds", "word"), [(drop, 10, "dropped"), (reset, 10, "dropped"), (slowly(0.8), 0.3, "in time")]
)
def test_no_answer(peer: Peer, behaviour: Any, seconds: float, word: str) -> None:
    peer.will(behaviour)
    diagnosis = diagnose(peer.url, read_seconds=seconds)
    assert found(diagnosis) == ["no_answer"]
    assert word in diagnosis.findings[0][1]


@pytest.mark.parametrize(
    ("url", "word"),
    [("http://gateway.example", "https"), ("gateway.example", "no URL"), ("https://[", "no URL"), ("", "no URL")],
)
def test_a_gateway_url_that_cannot_be_used(url: str, word: str) -> None:
    diagnosis = diagnose(url)
    assert found(diagnosis)[-1] == "unreachable"
    assert word in diagnosis.findings[-1][1]


def test_a_gateway_that_is_not_there(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "TLS" in diagnose(peer.url.replace("http:", "https:")).findings[0][1]
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        diagnosis = diagnose(f"http://127.0.0.1:{held.getsockname()[1]}")
    assert found(diagnosis) == ["unreachable"]
    assert "refuses the connection" in diagnosis.findings[0][1]

    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "does not resolve" in diagnose("https://gateway.invalid").findings[0][1]


def test_a_client_id_no_header_carries(peer: Peer) -> None:
    assert found(diagnose(peer.url, client_id=CLIENT_ID + "\n")) == ["credentials_invalid"]
