"""The API's description: complete, valid, and a page that people can read under our policy."""

import json
import re
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from authorizations.api import callers as authorization_callers  # noqa: F401 - declares its problems
from payments.api import callers as payment_callers  # noqa: F401
from portal import errors
from portal.api import problems
from tests.api.conftest import Api, Description

ENDPOINTS = {
    "POST /api/v1/orders/{number}/declarations",
    "GET /api/v1/declarations/{declaration_id}",
    "POST /api/v1/sessions",
    "POST /api/v1/sessions/end",
    "GET /api/v1/payment-methods",
    "GET /api/v1/wallets",
    "POST /api/v1/wallets/{wallet_id}/revoke",
    "GET /api/v1/consents",
    "POST /api/v1/authorizations",
    "GET /api/v1/authorizations/{authorization_id}",
    "POST /api/v1/authorizations/{authorization_id}/code",
    "POST /api/v1/authorizations/{authorization_id}/failure",
    "GET /api/v1/products",
    "POST /api/v1/orders",
    "GET /api/v1/orders",
    "GET /api/v1/orders/{number}",
    "POST /api/v1/orders/{number}/pay",
    "POST /api/v1/orders/{number}/cancel",
    "POST /api/v1/orders/{number}/refunds",
    "GET /api/v1/refunds/{refund_id}",
    "POST /api/v1/hosted-pages",
    "GET /api/v1/plans",
    "POST /api/v1/subscriptions",
    "GET /api/v1/subscriptions",
    "GET /api/v1/subscriptions/{subscription_id}",
    "POST /api/v1/subscriptions/{subscription_id}/pause",
    "POST /api/v1/subscriptions/{subscription_id}/resume",
    "POST /api/v1/subscriptions/{subscription_id}/skip",
    "POST /api/v1/subscriptions/{subscription_id}/change",
    "POST /api/v1/subscriptions/{subscription_id}/cancel",
    "POST /api/v1/subscriptions/{subscription_id}/amounts",
}
ACTS = {
    "revoke_wallet",
    "place_order",
    "pay_order",
    "cancel_order",
    "refund_order",
    "start_subscription",
    "pause_subscription",
    "resume_subscription",
    "skip_cycle",
    "change_subscription",
    "cancel_subscription",
    "post_amount",
    "declare_order",
}


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, description) of every endpoint."""
    return [
        (method.upper(), path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]


def test_it_names_every_endpoint_and_no_other(description: Description) -> None:
    assert {f"{method} {path}" for method, path, _ in operations(description.document)} == ENDPOINTS


def test_it_is_valid_openapi_3_1_without_a_warning(description: Description) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")
    assert description.document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(description.document).validate()


def test_every_endpoint_says_who_what_and_how_it_refuses(description: Description) -> None:
    for method, path, described in operations(description.document):
        assert described["summary"], path
        assert described["description"], path
        assert described["security"], path
        answers = [status for status in described["responses"] if status < "400"]
        assert answers, path
        for status in answers:
            assert described["responses"][status]["content"]["application/json"]["examples"], f"{method} {path}"
        for status in ("405", "406", "429", "500"):
            assert problems.MEDIA_TYPE in described["responses"][status]["content"], f"{method} {path}"
        if method == "POST":
            assert {"400", "413", "415"} <= set(described["responses"]), path
        if described["operationId"] != "open_session":
            assert "401" in described["responses"], path


def test_every_caller_that_an_endpoint_names_is_described(description: Description) -> None:
    described = set(description.document["components"]["securitySchemes"])
    named = {
        name for _, _, operation in operations(description.document) for need in operation["security"] for name in need
    }
    assert named == described == {"buyerSession", "merchantKey"}


def test_a_body_without_which_nothing_works_is_required(description: Description) -> None:
    optional = {
        operation["operationId"]
        for _, _, operation in operations(description.document)
        if "requestBody" in operation and not operation["requestBody"].get("required")
    }
    about_orders = {"end_session", "revoke_wallet", "cancel_order", "declare_order"}
    assert optional == about_orders | {"pause_subscription", "resume_subscription", "cancel_subscription"}


def test_what_may_follow_is_there_and_takes_what_the_answer_has(description: Description) -> None:
    there = {operation["operationId"]: operation for _, _, operation in operations(description.document)}
    followed = set()
    for operation in there.values():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                parameters = {given["name"] for given in there[link["operationId"]]["parameters"]}
                assert set(link["parameters"]) <= parameters
                samples = [named["value"] for named in answer["content"]["application/json"]["examples"].values()]
                for place in link["parameters"].values():
                    found = samples[0]
                    for step in place.removeprefix("$response.body#/").split("/"):
                        found = found[int(step)] if isinstance(found, list) else found[step]
                    assert re.fullmatch(r"[0-9A-Za-z_-]{1,64}", found), place
                followed.add(link["operationId"])
    assert followed == {
        "get_order", "pay_order", "cancel_order", "refund_order", "get_refund",
        "get_authorization", "bring_code", "report_failure", "revoke_wallet", "get_subscription", "cancel_subscription",
        "get_declaration",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "is_text"),
    [
        ("Ana", True),
        ("Ana María 🙂", True),
        ("\U0001fae8 \U0001fac8", True),  # the second is newer than the tables of our Python
        ("a\u00a0b", True),
        (" Ana", False),
        ("Ana\u3000", False),
        ("A\nb", False),
        ("A\u0085b", False),
        ("A\u202eb", False),
        ("\ufeffA", False),
        ("A\uffff", False),
        ("", False),
    ],
)
def test_the_schema_and_the_door_mean_the_same_by_a_text(
    name: str, is_text: bool, server: Api, description: Description
) -> None:
    schema = description.document["components"]["schemas"]["SessionByMerchantRequest"]
    body = {"customer": name}
    assert Draft202012Validator(schema).is_valid(body) == is_text
    assert (server.call("POST", "sessions", body).status_code == 201) == is_text


@pytest.mark.parametrize(
    ("value", "currency", "is_amount"),
    [
        ("49900", "PHP", True),
        ("007", "JPY", True),
        ("0", "PHP", False),
        ("000", "PHP", False),
        ("1500000", "IDR", True),
        ("1500050", "IDR", False),
        ("1" * 17, "PHP", False),
        ("1.5", "PHP", False),
        ("100", "XXX", False),
    ],
)
def test_the_schema_and_the_door_mean_the_same_by_an_amount(
    value: str, currency: str, is_amount: bool, server: Api, description: Description
) -> None:
    schemas = description.document["components"]
    amount = {"value": value, "currency": currency}
    whole = {**schemas["schemas"]["AmountToPayRequest"], "components": schemas}
    assert Draft202012Validator(whole).is_valid(amount) == is_amount
    placed = server.call("POST", "orders", {"customer": "ana", "amount": amount, "description": "Pass"})
    assert (placed.status_code == 201) == is_amount


def test_a_whole_number_may_be_written_with_a_point(server: Api, description: Description) -> None:
    # By JSON Schema 6001.0 is an integer, and JSON knows no other kind of number.
    attempt = server.post("authorizations", {"customer": "ana", "wallet": "GCASH"}, status=201)
    told = server.post(f"authorizations/{attempt['id']}/failure", {"error": 6001.0})
    assert (told["status"], told["reason"]["code"]) == ("CANCELLED", "6001")
    for error in (6001.5, -1, 10_000, 1e300):
        assert server.refused("POST", f"authorizations/{attempt['id']}/failure", {"error": error})["status"] == 400


def test_every_act_on_money_or_consent_needs_a_key(description: Description) -> None:
    keyed = {
        described["operationId"]
        for _, _, described in operations(description.document)
        for parameter in described.get("parameters", [])
        if parameter["name"] == "Idempotency-Key" and parameter["required"]
    }
    assert keyed == ACTS
    for _, _, described in operations(description.document):
        if described["operationId"] in ACTS:
            answer = next(answer for status, answer in described["responses"].items() if status < "300")
            assert "Idempotent-Replayed" in answer["headers"]


def test_every_example_is_what_it_is_an_example_of(description: Description) -> None:
    seen = 0
    for _, _, described in operations(description.document):
        contents = [described["requestBody"]["content"]] if "requestBody" in described else []
        contents += [answer["content"] for answer in described["responses"].values()]
        for content in contents:
            for media in content.values():
                for example in media.get("examples", {}).values():
                    description.validate(example["value"], media["schema"])
                    seen += 1
    assert seen > 200


def test_no_answer_has_a_place_for_a_token_or_the_acquirers_user(description: Description) -> None:
    names = {
        name
        for schema in description.document["components"]["schemas"].values()
        for name in schema.get("properties", {})
    }
    assert names & {"access_token", "refresh_token", "user_id", "access_token_index"} == set()


def test_every_refusal_of_the_portal_is_declared_or_meant_to_be_general() -> None:
    def family(error: type[errors.PortalError]) -> list[type[errors.PortalError]]:
        return [error, *(inner for child in error.__subclasses__() for inner in family(child))]

    refused_by_verbs = {
        error.code
        for error in family(errors.PortalError)
        if error.__module__ in {"authorizations.errors", "payments.errors"} or ".api." in error.__module__
    }
    declared = {code for code, _ in problems.kinds()}
    assert refused_by_verbs - declared == set()


def test_a_code_is_declared_once() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        problems.declare("not_found", 410, "Gone", "It was there once.")


def test_the_schema_is_served_with_and_without_a_slash(portal_url: str, transactional_db: None) -> None:
    for address in ("schema/", "schema"):
        response = requests.get(f"{portal_url}/api/v1/{address}", timeout=30)
        assert response.status_code == 200
        assert response.json()["openapi"] == "3.1.0"
    asked = requests.get(f"{portal_url}/api/v1/schema/", headers={"Accept": "application/json"}, timeout=30)
    assert asked.headers["content-type"] == "application/json"


def test_the_page_names_every_endpoint_field_and_problem(client: Client, db: None, description: Description) -> None:
    response = client.get("/api/v1/docs/")
    assert response.status_code == 200
    page = response.content.decode()
    for _, path, described in operations(description.document):
        assert f'id="{described["operationId"]}"' in page
        assert path in page
        for parameter in described.get("parameters", []):
            assert parameter["name"] in page
    for name, schema in description.document["components"]["schemas"].items():
        if name.startswith("Problem"):
            continue
        for field in schema.get("properties", {}):
            assert f"<code>{field}</code>" in page or f"&quot;{field}&quot;" in page, f"{name}.{field}"
    for code, kind in problems.kinds():
        assert f'id="problem-{code}"' in page
        assert kind.title in page.replace("&#x27;", "'")


def test_the_page_obeys_our_policy(client: Client, db: None) -> None:
    response = client.get("/api/v1/docs/")
    policy = response.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    page = response.content.decode()
    assert not re.search(r"<script|<style|style=|\son\w+=", page)
    assert re.findall(r'(?:src|href)="(https?://[^"]+)"', page) == []


def test_the_pages_examples_are_json_one_can_copy(client: Client, db: None) -> None:
    page = client.get("/api/v1/docs/").content.decode()
    from html import unescape  # noqa: PLC0415

    samples = [unescape(text) for text in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)]
    bodies = [text for text in samples if not text.startswith("curl")]
    assert len(bodies) >= 20
    for body in bodies:
        json.loads(body)
    assert len(samples) - len(bodies) == len(ENDPOINTS)


def test_the_page_takes_get_only(client: Client, db: None) -> None:
    response = client.post("/api/v1/docs/")
    assert (response.status_code, response.headers["content-type"]) == (405, problems.MEDIA_TYPE)
