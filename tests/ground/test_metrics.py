"""``/metrics``: what a monitor sees of a shop in trouble, who may see it, and that no process's count is lost."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import OperationalError, connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

import portal
from authorizations import operations as binding
from authorizations.states import Messenger
from payments.models import Payment
from portal import clock, doorway, measures, registry
from portal.acquirer.results import Secret
from portal.models import AcquirerAccount, WebhookDelivery, WebhookEndpoint
from portal.outbox import signing
from tests.story import PHP, Acquirer, Customer, Shop

ROOT = Path(portal.__file__).parent.parent
Read = dict[tuple[str, ...], float]


def read(text: str) -> Read:
    """Every sample, by name and the values of its labels."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def asked(client: Client, **headers: str) -> Read:
    response = client.get("/metrics", headers=headers)
    assert response.status_code == 200, response.content
    return read(response.content.decode())


def test_a_shop_in_trouble(client: Client, buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    WebhookEndpoint.objects.create(
        name="The shop", account=shop.account, url="http://127.0.0.1:9/", secret=signing.new_secret()
    )
    wallet = buyer.binds("GCASH")
    paid = shop.charges(shop.sells("One", PHP(499_00), to=buyer))
    before = asked(client)
    assert before["portal_database_up",] == 1
    assert {name: before["portal_unknown", name] for name, _ in registry.unknown.items()} == {
        "payments": 0,
        "cancels": 0,
        "refunds": 0,
        "declarations": 0,
        "authorizations": 0,
        "revocations": 0,
    }
    assert before["portal_due", "webhook events"] == 2  # nobody has worked since: the wallet is bound, the order paid

    acquirer.will("payment_stays_processing", expires=False)
    shop.charges(shop.sells("Two", PHP(499_00), to=buyer))
    acquirer.will("refund_stays_processing")
    shop.refunds(paid, PHP(100_00))
    acquirer.will("answer_lost", api="cancel")
    shop.cancels(shop.charges(shop.sells("Three", PHP(10_00), to=buyer)))
    buyer.owns("DANA")
    code, _ = buyer.agrees(attempt := buyer.begins("DANA"))
    acquirer.will("answer_lost", api="applyToken")
    binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)
    acquirer.will("request_lost", api="revoke")
    binding.revoke(wallet, by=shop.staff)
    shop.clock_stands_at(clock.now() + timedelta(seconds=90))

    now = asked(client)
    for kind in ("payments", "refunds", "cancels", "authorizations", "revocations"):
        assert (kind, now["portal_unknown", kind]) == (kind, 1)
        assert (kind, now["portal_unknown_oldest_seconds", kind]) == (kind, 90)
    assert now["portal_due", "payments"] >= 1
    assert now["portal_due_oldest_seconds", "payments"] > 0
    shop.comes_to_rest()
    shop.clock_stands_at(clock.now() + timedelta(seconds=30))
    later = asked(client)
    assert later["portal_webhooks_waiting", "sent"] == WebhookDelivery.objects.count() > 0
    assert later["portal_webhooks_waiting_oldest_seconds", "sent"] == 30


def test_incidents_and_what_is_kept(client: Client, buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    acquirer.will("answer_wrongly_signed", api="pay")
    shop.charges(shop.sells("One", PHP(499_00), to=buyer))
    now = asked(client)
    assert now["portal_open_incidents", "ANSWERS_NOT_BELIEVED"] == 1
    shop.clock_stands_at(clock.now() + timedelta(hours=1))
    assert asked(client)["portal_open_incidents_oldest_seconds", "ANSWERS_NOT_BELIEVED"] == 3600


def test_calls_are_counted_by_api_and_outcome(client: Client, buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    before = asked(client)
    buyer.binds("GCASH")
    shop.charges(shop.sells("One", PHP(499_00), to=buyer))
    acquirer.will("answer_lost", api="pay")
    shop.charges(shop.sells("Two", PHP(499_00), to=buyer))
    acquirer.will("answer_unsigned", api="pay")
    shop.charges(shop.sells("Three", PHP(499_00), to=buyer))
    acquirer.will("answer_code", api="pay", code="USER_BALANCE_NOT_ENOUGH")
    shop.charges(shop.sells("Four", PHP(499_00), to=buyer))

    now = asked(client)
    grown = {
        key[1:]: value - before.get(key, 0)
        for key, value in now.items()
        if key[0] == "portal_acquirer_call_seconds_count" and value != before.get(key, 0)
    }
    assert grown == {
        ("consult", "success"): 1,
        ("applyToken", "success"): 1,
        ("pay", "success"): 1,
        ("pay", "no_answer"): 1,
        ("pay", "not_believed"): 1,
        ("pay", "failure"): 1,
    }
    assert now["portal_acquirer_call_seconds_bucket", "pay", "+Inf", "success"] >= 1


def test_requests_are_counted_by_door_and_class_of_status(account: AcquirerAccount, portal_url: str) -> None:
    def count() -> Read:
        found = read(requests.get(f"{portal_url}/metrics", timeout=20).text)
        return {key: value for key, value in found.items() if key[0] == "portal_requests_total"}

    before = count()
    requests.get(f"{portal_url}/api/v1/wallets", timeout=20)
    requests.get(f"{portal_url}/api/v1/orders/P1/etc", timeout=20)
    requests.get(f"{portal_url}/livez", timeout=20)
    requests.get(f"{portal_url}/Ana.Cruz@example.com", timeout=20)
    now = count()
    assert now["portal_requests_total", "api", "4xx"] == before.get(("portal_requests_total", "api", "4xx"), 0) + 2
    assert now["portal_requests_total", "livez", "2xx"] == before.get(("portal_requests_total", "livez", "2xx"), 0) + 1
    assert {key[1] for key in now} <= {*doorway.DOORS, "other"}


def test_no_label_tells_of_a_person_or_a_thing(client: Client, buyer: Customer, shop: Shop) -> None:
    wallet = buyer.binds("GCASH")
    payment = shop.charges(shop.sells("One", PHP(499_00), to=buyer))
    text = client.get("/metrics").content.decode()
    secrets = {wallet.access_token, wallet.refresh_token, wallet.user_id, wallet.public_id, payment.payment_request_id}
    assert not [
        one for one in (secrets | {buyer.name, payment.order.number, "GCASH", shop.account.slug}) if one in text
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("token", "address", "headers", "status"),
    [
        ("", "127.0.0.1", {}, 200),
        ("", "::1", {}, 200),
        ("", "10.1.2.3", {}, 403),
        ("", "", {}, 403),
        ("", "10.1.2.3", {"Authorization": "Bearer "}, 403),
        ("", "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("", "127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 403),
        ("a long token of ours", "10.1.2.3", {"Authorization": "Bearer a long token of ours"}, 200),
        ("a long token of ours", "10.1.2.3", {"Authorization": "Bearer a long token of theirs"}, 403),
        ("a long token of ours", "10.1.2.3", {"Authorization": "Bearer ä"}, 403),
        ("a long token of ours", "10.1.2.3", {}, 403),
        ("a long token of ours", "127.0.0.1", {}, 200),
        ("a long token of ours", "127.0.0.1", {"X-Forwarded-For": "10.1.2.3"}, 403),
    ],
)
def test_who_may_read_it(
    client: Client, settings: Any, token: str, address: str, headers: dict[str, str], status: int
) -> None:
    settings.PORTAL_METRICS_TOKEN = token
    response = client.get("/metrics", headers=headers, REMOTE_ADDR=address)
    assert response.status_code == status
    if status == 403:
        assert b"PORTAL_METRICS_TOKEN" in response.content
        assert b"portal_" not in response.content


@pytest.mark.django_db
def test_behind_proxies_nobody_is_from_here(client: Client, settings: Any) -> None:
    settings.PORTAL_PROXIES = 1
    assert client.get("/metrics").status_code == 403
    assert client.post("/metrics").status_code == 405


def test_a_database_that_does_not_answer_is_said_and_what_was_counted_is_still_there(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> Any:
        raise OperationalError("could not connect to server at 10.1.2.3")

    measures.answered("api", 200)
    monkeypatch.setattr(registry.unknown, "_entries", {"payments": (1, gone)})
    monkeypatch.setattr(connection, "close", lambda: None)
    now = asked(client)
    assert now["portal_database_up",] == 0
    assert now["portal_requests_total", "api", "2xx"] >= 1
    assert not [key for key in now if key[0] == "portal_unknown"]


def test_it_costs_the_same_however_much_waits(
    client: Client, buyer: Customer, shop: Shop, acquirer: Acquirer, django_assert_num_queries: Any
) -> None:
    buyer.binds("GCASH")
    kinds = len(registry.due_work) + len(registry.unknown) + 5
    with django_assert_num_queries(kinds):
        client.get("/metrics")
    acquirer.will("payment_stays_processing", expires=False, calls=5)
    for number in range(5):
        shop.charges(shop.sells(f"Pass {number}", PHP(10_00), to=buyer))
    assert Payment.objects.filter(due_at__isnull=False).count() == 5
    with django_assert_num_queries(kinds):
        client.get("/metrics")


# What processes count.


def counted_by(folder: Path, processes: int) -> None:
    """Let so many processes count one request each, and end."""
    environment = os.environ | {measures.FOLDER: str(folder)}
    code = "from portal import measures; measures.answered('api', 200)"
    running = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment) for _ in range(processes)]
    assert [one.wait(60) for one in running] == [0] * processes


def total() -> float:
    with measures.gathered() as counted:
        return counted.get_sample_value("portal_requests_total", {"door": "api", "status": "2xx"}) or 0.0


def test_what_the_dead_have_counted_is_kept_in_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(measures.FOLDER, str(tmp_path))
    counted_by(tmp_path, 3)
    assert total() == 3
    assert len(list(tmp_path.glob("counter_*.db"))) == 3

    monkeypatch.setattr(measures, "MOST_DEAD_FILES", 3)
    assert total() == 3
    (together,) = tmp_path.glob("counter_*.db")
    assert re.fullmatch(r"counter_.+~0\.db", together.name)

    monkeypatch.setattr(measures, "MOST_DEAD_FILES", 1)
    counted_by(tmp_path, 2)
    assert total() == 5
    assert list(tmp_path.glob("counter_*.db")) == [together]


def test_a_full_disk_stops_nobody(tmp_path: Path) -> None:
    environment = os.environ | {measures.FOLDER: "/proc/nowhere"}
    code = "from portal import measures; measures.answered('api', 200); measures.acquirer_called('pay', 'success', 0.1)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
