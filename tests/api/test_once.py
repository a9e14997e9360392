"""Idempotency-Key: an act is carried out once, however often and from however many sides its request comes."""

import importlib
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.apps import apps

from payments.models import Order, Payment, Refund
from portal import idempotency
from portal.models import IdempotencyKey
from portal.sandbox.server import Sandbox
from tests.api.conftest import Api, bind, log_in
from tests.factories import PriceFactory
from tests.story import PHP, Acquirer, Shop

PASS = {"items": [{"sku": "pass", "quantity": 1}], "currency": "PHP"}
REFUND = {"amount": {"value": "20000", "currency": "PHP"}}


@pytest.fixture
def wallet(mini: Api, sandbox: Sandbox, shop: Shop) -> dict[str, Any]:
    """Ana's bound GCash, and something to buy."""
    PriceFactory(product__account=shop.account, product__sku="pass")
    return bind(mini, sandbox)


@pytest.fixture
def pay_body(wallet: dict[str, Any]) -> dict[str, Any]:
    return {"wallet_id": wallet["id"], "os_type": "IOS"}


def order(mini: Api) -> str:
    return str(mini.post("orders", PASS, status=201)["number"])


def is_replay(response: requests.Response) -> bool:
    assert response.ok, response.text
    return response.headers.get("idempotent-replayed") == "true"


def test_a_repeated_order_is_the_same_order(mini: Api, wallet: dict[str, Any]) -> None:
    first, second = (mini.call("POST", "orders", PASS, key="tap") for _ in range(2))
    assert (is_replay(first), is_replay(second)) == (False, True)
    assert first.json() == second.json()
    assert Order.objects.count() == 1


def test_the_order_of_names_in_a_body_does_not_make_another_request(mini: Api, wallet: dict[str, Any]) -> None:
    mini.call("POST", "orders", raw=b'{"currency":"PHP","items":[{"sku":"pass","quantity":1}]}', key="tap")
    again = mini.call(
        "POST", "orders", raw=b'{"items": [{"quantity": 1, "sku": "pass"}], "currency": "PHP"}', key="tap"
    )
    assert is_replay(again)
    assert Order.objects.count() == 1


def test_the_same_key_with_another_request_is_refused(
    mini: Api, wallet: dict[str, Any], pay_body: dict[str, Any], acquirer: Acquirer
) -> None:
    one, two = order(mini), order(mini)
    mini.post(f"orders/{one}/pay", pay_body, key="tap")
    for path, body in (
        (f"orders/{two}/pay", pay_body),
        (f"orders/{one}/pay", {**pay_body, "os_type": "ANDROID"}),
        ("orders", PASS),
        (f"wallets/{wallet['id']}/revoke", {}),
    ):
        problem = mini.refused("POST", path, body, key="tap")
        assert (problem["status"], problem["code"]) == (422, "idempotency_key_reused")
    assert acquirer.engine.taken_from("ana") == [PHP(499_00)]


def test_a_replay_tells_the_present_state_and_not_the_old_answer(
    mini: Api, server: Api, wallet: dict[str, Any], pay_body: dict[str, Any], acquirer: Acquirer, shop: Shop
) -> None:
    acquirer.will("answer_lost", api="pay")
    number = order(mini)
    assert mini.post(f"orders/{number}/pay", pay_body, key="tap")["status"] == "PENDING"
    shop.clock_moves(seconds=10)
    replay = mini.call("POST", f"orders/{number}/pay", pay_body, key="tap")
    assert is_replay(replay)
    assert replay.json()["status"] == "PAID"
    server.post(f"orders/{number}/cancel")
    replay = mini.call("POST", f"orders/{number}/pay", pay_body, key="tap")
    assert (is_replay(replay), replay.json()["status"]) == (True, "CANCELLED")
    assert Payment.objects.count() == 1


def test_what_is_kept_of_a_request_cannot_be_guessed_without_the_key(mini: Api, wallet: dict[str, Any]) -> None:
    mini.call("POST", "orders", PASS, key="tap")
    assert plain_of_the_order() != IdempotencyKey.objects.get(key="tap").fingerprint


def plain_of_the_order() -> str:
    """The fingerprint of ordering a pass, by itself."""
    return idempotency.fingerprint("POST", "/api/v1/orders", json.dumps(PASS, sort_keys=True).encode())


@pytest.mark.parametrize("is_migrated", [True, False], ids=["migrated", "written while migrating"])
def test_a_request_of_an_earlier_version_is_still_repeated_harmlessly(
    mini: Api, wallet: dict[str, Any], is_migrated: bool
) -> None:
    mini.call("POST", "orders", PASS, key="tap")
    IdempotencyKey.objects.filter(key="tap").update(fingerprint=plain_of_the_order())
    if is_migrated:
        importlib.import_module("portal.migrations.0013_keyed_fingerprints").key_the_fingerprints(apps, None)
        assert plain_of_the_order() != IdempotencyKey.objects.get(key="tap").fingerprint

    assert is_replay(mini.call("POST", "orders", PASS, key="tap"))
    other = mini.refused("POST", "orders", {**PASS, "currency": "IDR"}, key="tap")
    assert (Order.objects.count(), other["code"]) == (1, "idempotency_key_reused")


def test_a_request_refused_before_any_promise_leaves_its_key_free(mini: Api, wallet: dict[str, Any]) -> None:
    problem = mini.refused("POST", "orders", {**PASS, "currency": "USD"}, key="tap")
    assert problem["code"] == "price_missing"
    assert not is_replay(mini.call("POST", "orders", PASS, key="tap"))


def test_two_callers_may_use_the_same_key(mini: Api, other: Api, wallet: dict[str, Any]) -> None:
    assert not is_replay(mini.call("POST", "orders", PASS, key="1"))
    assert not is_replay(other.call("POST", "orders", PASS, key="1"))
    assert Order.objects.values("buyer").distinct().count() == 2


def test_a_repeat_after_a_new_login_is_still_a_repeat(
    mini: Api, anybody: Api, sandbox: Sandbox, wallet: dict[str, Any]
) -> None:
    assert not is_replay(mini.call("POST", "orders", PASS, key="tap"))
    assert is_replay(log_in(anybody, sandbox, "ana").call("POST", "orders", PASS, key="tap"))


def test_every_act_is_repeated_harmlessly(
    mini: Api, server: Api, wallet: dict[str, Any], pay_body: dict[str, Any], acquirer: Acquirer
) -> None:
    number, unpaid = order(mini), order(mini)
    acts: list[tuple[Api, str, dict[str, Any]]] = [
        (mini, f"orders/{unpaid}/cancel", {}),
        (mini, f"orders/{number}/pay", pay_body),
        (server, f"orders/{number}/refunds", REFUND),
        (mini, f"wallets/{wallet['id']}/revoke", {}),
    ]
    for caller, path, body in acts:
        first = caller.call("POST", path, body, key=path[-30:])
        second = caller.call("POST", path, body, key=path[-30:])
        assert (is_replay(first), is_replay(second)) == (False, True)
        assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert acquirer.engine.taken_from("ana") == [PHP(499_00)]
    assert acquirer.engine.given_back_to("ana") == [PHP(200_00)]
    assert len(acquirer.calls("revoke")) == 1


@pytest.mark.parametrize("act", ["order", "pay", "refund", "revoke"])
def test_ten_threads_with_one_key_act_once(
    act: str,
    mini: Api,
    server: Api,
    wallet: dict[str, Any],
    pay_body: dict[str, Any],
    acquirer: Acquirer,
) -> None:
    number = order(mini)
    if act == "refund":
        mini.post(f"orders/{number}/pay", pay_body)
    caller, path, body = {
        "order": (mini, "orders", PASS),
        "pay": (mini, f"orders/{number}/pay", pay_body),
        "refund": (server, f"orders/{number}/refunds", REFUND),
        "revoke": (mini, f"wallets/{wallet['id']}/revoke", {}),
    }[act]
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: caller.call("POST", path, body, key="tap"), range(10)))
    assert Counter(is_replay(answer) for answer in answers) == {False: 1, True: 9}
    assert IdempotencyKey.objects.filter(key="tap").count() == 1
    assert {
        "order": Order.objects.count() == 2,
        "pay": acquirer.engine.taken_from("ana") == [PHP(499_00)] and Payment.objects.count() == 1,
        "refund": acquirer.engine.given_back_to("ana") == [PHP(200_00)] and Refund.objects.count() == 1,
        "revoke": len(acquirer.calls("revoke")) == 1,
    }[act]


def test_ten_threads_with_ten_keys_pay_once(
    mini: Api, wallet: dict[str, Any], pay_body: dict[str, Any], acquirer: Acquirer
) -> None:
    number = order(mini)
    with ThreadPoolExecutor(10) as threads:
        answers = list(
            threads.map(lambda n: mini.call("POST", f"orders/{number}/pay", pay_body, key=f"{n}"), range(10))
        )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"order_not_payable"}
    assert acquirer.engine.taken_from("ana") == [PHP(499_00)]
