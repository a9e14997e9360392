"""The log: facts with every line, a request's id throughout, and never a secret, whoever says it."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import structlog
from django.contrib.auth.models import User
from django.test import Client

import portal
from portal import logs
from portal.models import AcquirerAccount
from tests.story import PHP, Acquirer, Customer, Shop

LINE, JSON = "line", "json"
ROOT = Path(portal.__file__).parent.parent


@pytest.fixture(params=[LINE, JSON])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What is said at INFO, as it is written."""
    structlog.contextvars.clear_contextvars()
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(logs.for_machines() if request.param == JSON else logs.for_people())
    loggers = [logging.getLogger(name) for name in ("", "portal.request", "portal.acquirer")]
    before = [logger.level for logger in loggers]
    loggers[0].addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.INFO)
    yield said
    loggers[0].removeHandler(handler)
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


def objects(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ\n-----END PRIVATE KEY-----"
SECRETS = [
    ("a PEM key", f"cannot read {KEY}", "MIIEvQIBADANBgkqhkiG9w0"),
    ("a key that is cut off", KEY[:60], "MIIEvQIBADANBgkqhkiG9w0"[:20]),
    ("a bearer token", "Authorization: Bearer 3q2+7w.abc", "3q2+7w.abc"),
    (
        "an access token in JSON",
        '{"accessToken": "28288803001291161724296703000", "x": 1}',
        "28288803001291161724296703000",
    ),
    ("a refresh token as a fact", "refresh_token=2828880300129", "2828880300129"),
    ("a code in a URL", "GET /return/sandbox?authCode=2810111301ABC&authState=A1", "2810111301ABC"),
    ("a password in a dict", "{'password': 'hunter2, really'}", "hunter2, really"),
    ("a login within a URL", "amqp://portal:hunter2@broker:5672//", "hunter2"),
    ("a merchant key", "the key mk_3kd93kd93kdk39 is wrong", "3kd93kd93kdk39"),
    ("a webhook's secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "C2FVsBQIhrscChlQIMV"),
    ("a signature", "algorithm=RSA256,keyVersion=1,signature=a%2Bb%3D", "a%2Bb%3D"),
]


@pytest.mark.parametrize(("said", "secret"), [row[1:] for row in SECRETS], ids=[row[0] for row in SECRETS])
def test_what_looks_like_a_secret_is_hidden_wherever_it_is_said(log: io.StringIO, said: str, secret: str) -> None:
    logger = logging.getLogger("somebody.else")
    logger.error("it failed: %s", said)
    logger.error("it failed", extra={"detail": said})
    try:
        raise ValueError(said)
    except ValueError:
        logger.exception("it failed")
    assert secret not in log.getvalue()
    assert logs.HIDDEN in log.getvalue()
    assert log.getvalue().count("it failed") == 3


def test_a_fact_that_is_called_a_secret_is_hidden_whatever_it_looks_like(log: io.StringIO) -> None:
    logging.getLogger("somebody.else").error("it failed", extra={"access_token": "abc", "AuthCode": "def"})
    assert "abc" not in log.getvalue()
    assert "def" not in log.getvalue()


@pytest.mark.parametrize(
    "said",
    [
        "payment P20260302EG4YAYR5XFJ3EETJ0QPG: Paid",
        "The token of a wallet died.",
        "http://127.0.0.1:9000/ams",
        "keyVersion=1",
    ],
)
def test_what_is_no_secret_is_said(log: io.StringIO, said: str) -> None:
    logging.getLogger("portal.worker").info("%s", said)
    assert said in log.getvalue()


def test_a_whole_story_says_no_secret_and_carries_our_ids(
    log: io.StringIO, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.owns("GCASH")
    attempt = buyer.begins("GCASH")
    code, _ = buyer.agrees(attempt)
    requests.get(f"{shop.url}/return/sandbox?authCode={code}&authState={attempt.auth_state}", timeout=20)
    requests.get(f"{shop.url}/return/nobody?authCode={code}&authState={attempt.auth_state}", timeout=20)
    shop.clock_moves(minutes=1)
    wallet = buyer.wallet()
    payment = shop.charges(shop.sells("One", PHP(499_00), to=buyer))
    refund = shop.refunds(payment, PHP(100_00))
    acquirer.will("answer_wrongly_signed", api="pay")
    shop.charges(shop.sells("Two", PHP(499_00), to=buyer))
    shop.clock_moves(minutes=5)

    said = log.getvalue()
    account = AcquirerAccount.objects.get()
    secrets = {wallet.access_token, wallet.refresh_token, wallet.user_id, code, account.private_key[60:120]} - {""}
    assert not [secret for secret in secrets if secret in said]
    assert re.search(rf"payment_request_id\W+{payment.payment_request_id}", said)
    assert re.search(rf"refund_request_id\W+{refund.refund_request_id}", said)
    assert re.search(rf"auth_state\W+{attempt.auth_state}", said)


@pytest.mark.parametrize("log", [JSON], indirect=True)
def test_a_request_is_one_line_and_its_id_stands_in_all_it_caused(
    log: io.StringIO, account: AcquirerAccount, portal_url: str
) -> None:
    given = requests.post(
        f"{portal_url}/api/v1/sessions", json={}, headers={"X-Request-ID": "of-the-proxy-1"}, timeout=20
    )
    forged = requests.post(f"{portal_url}/api/v1/sessions", json={}, headers={"X-Request-ID": "a b=c"}, timeout=20)
    assert given.headers["X-Request-ID"] == "of-the-proxy-1"
    assert re.fullmatch(r"[0-9a-f]{32}", forged.headers["X-Request-ID"])
    lines = [line for line in objects(log) if line["logger"] == "portal.request"]
    assert [line["request_id"] for line in lines] == ["of-the-proxy-1", forged.headers["X-Request-ID"]]
    assert [(line["event"], line["level"], line["status"]) for line in lines] == [
        ("POST /api/v1/sessions", "info", given.status_code),
        ("POST /api/v1/sessions", "info", forged.status_code),
    ]
    assert all(isinstance(line["duration_ms"], int) for line in lines)
    assert {line["request_id"] for line in objects(log) if line["logger"] == "django.request"} <= {
        line["request_id"] for line in lines
    }


def test_who_only_looks_is_no_line(log: io.StringIO, account: AcquirerAccount, portal_url: str) -> None:
    requests.get(f"{portal_url}/livez", timeout=20)
    assert log.getvalue() == ""


def test_who_is_refused_is_one_line(log: io.StringIO, client: Client, admin_user: User) -> None:
    admin_user.is_superuser = False
    admin_user.save()
    client.force_login(admin_user)
    assert client.get("/admin/payments/payment/").status_code == 403
    (line,) = (line for line in log.getvalue().splitlines() if "Forbidden" in line)
    assert "/admin/payments/payment/" in line
    assert "Traceback" not in log.getvalue()


@pytest.mark.parametrize("log", [LINE], indirect=True)
def test_a_line_for_people(log: io.StringIO) -> None:
    logging.getLogger("portal.worker").info("payment %s: Paid", "P1", extra={"attempts": 2, "thing": object()})
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO portal\.worker payment P1: Paid attempts=2\n", log.getvalue()
    )


def test_a_worker_of_production_says_json(tmp_path: Path) -> None:
    code = (
        "import django; django.setup()\n"
        "from portal.management.commands.worker import Command\n"
        "Command()._say('payment P1: Paid', kind='payments')"
    )
    environment = os.environ | {"PORTAL_DATA": str(tmp_path), "PORTAL_LOG_FORMAT": "json"}
    environment["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    said = json.loads(done.stderr)
    assert (said["event"], said["kind"], said["level"], done.stdout) == ("payment P1: Paid", "payments", "info", "")
