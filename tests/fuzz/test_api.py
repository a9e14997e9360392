"""The API under a fuzzer: whatever the published schema allows, forbids or leads to, the answers keep to it.

schemathesis reads the schema the portal serves and asks the portal over HTTP, as the merchant's server and as a buyer:
the schema's examples, every bound from both sides, whatever else it thinks of, and stories along the links. All of its
checks are on. In the suite it tries a little, and the same each time; ``python -m tests.fuzz.api`` tries harder.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import LazySettings

from authorizations.operations import open_session
from payments.customs.operations import declare
from payments.models import Payment, Refund
from payments.states import PaymentStatus, RefundStatus
from portal import catalogue, merchant_keys
from portal.actor import Actor
from portal.api.schema import BUYER, MERCHANT
from portal.money import Money
from tests.factories import PlanFactory, PriceFactory
from tests.fuzz.fuzzer import Effort, run
from tests.story import PHP, Customer, Shop

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""Of each operation; 0: as few as the suite has time for."""
SEED = int(os.environ.get("FUZZ_SEED", "1"))
REACHED = {
    MERCHANT: {
        "begin_authorization 201", "bring_code 200", "cancel_order 200", "get_refund 200", "open_session 201",
        "pay_order 200", "place_order 201", "refund_order 201", "report_failure 200", "revoke_wallet 200",
        "start_subscription 201", "get_subscription 200", "pause_subscription 200", "resume_subscription 200",
        "skip_cycle 200", "change_subscription 200", "cancel_subscription 200", "post_amount 200",
        "declare_order 201", "get_declaration 200", "open_hosted_page 201",
    },
    BUYER: {
        "begin_authorization 201", "bring_code 200", "cancel_order 200", "end_session 200", "open_session 201",
        "pay_order 200", "place_order 201", "report_failure 200", "revoke_wallet 200",
        "start_subscription 201", "get_subscription 200", "pause_subscription 200", "resume_subscription 200",
        "skip_cycle 200", "change_subscription 200", "cancel_subscription 200",
    },
}  # fmt: skip
"""What must have succeeded at least once, or the fuzzer tried the porch only."""


def declares_a_part(shop: Shop, buyer: Customer) -> tuple[str, str]:
    """An order that customs can be told of, and a declaration of a part of it."""
    order = shop.sells("Tea", Money(10_000_00, "CNY"), to=buyer)
    payment = shop.charges(order, buyer.binds("ALIPAY_CN"))
    names = {"merchant_customs_code": "33", "merchant_customs_name": "Example"}
    declared = declare(payment, Money(1, "CNY"), office="ZONGSHU", suborder_id="P", by=shop.staff, **names)
    return order.number, declared.declaration_request_id


@pytest.fixture
def _quiet() -> Iterator[None]:
    """A thousand refusals are no news."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(0 if EXAMPLES else 600)
@pytest.mark.parametrize("caller", [MERCHANT, BUYER])
@pytest.mark.usefixtures("_quiet")
def test_the_api_keeps_to_what_it_publishes(
    caller: str,
    shop: Shop,
    buyer: Customer,
    portal_url: str,
    settings: LazySettings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings.PORTAL_API_LIMITS = {}
    customers = [buyer] if caller == BUYER else [buyer, shop.customer("ben")]
    for customer in customers:
        for name in catalogue.contracted(shop.account):
            customer.owns(name)
    order = shop.sells("Pass", PHP(499_00), to=buyer)
    refund = shop.refunds(shop.charges(order, buyer.binds("GCASH")), PHP(1_00))
    declarable, declared = declares_a_part(shop, buyer)
    pass_price = PriceFactory(product__account=shop.account, product__sku="pass")
    for code, amount in (("fixed", 99_00), ("metered", None)):
        PlanFactory(product=pass_price.product, account=shop.account, code=code, amount_value=amount)
    _, key = merchant_keys.create(shop.account, "fuzz", by=Actor.command("test"))
    _, session = open_session(shop.account, buyer.name, opened_by="fuzz")
    world: dict[str, Any] = {
        "portal": portal_url,
        "sandbox": shop.acquirer.sandbox.url,
        "key": key,
        "customers": [customer.name for customer in customers],
        "contracted": catalogue.contracted(shop.account),
        "skus": ["pass"],
        "declarable": [declarable],
        "declared": [declared],
        "paid": [order.number],
        "refunded": [refund.refund_request_id],
    }
    # Trying every bound is most of the work; in the suite the two busiest doors stand for all.
    effort = Effort(examples=3, histories=25, seed=4, bounds=("place_order",) if caller == BUYER else ("refund_order",))
    if EXAMPLES:
        effort = Effort(examples=EXAMPLES, histories=EXAMPLES, seed=SEED, seconds=24 * 3600)

    document = requests.get(f"{portal_url}/api/v1/schema/", timeout=30).json()
    token = key if caller == MERCHANT else session
    found = run(tmp_path, portal_url, document, caller=caller, token=token, world=world, effort=effort)

    if EXAMPLES:
        with capsys.disabled():
            print(f"\n{caller}: {found.summary()}")  # noqa: T201 - the command's answer
    assert found.status == 0, found.output
    assert REACHED[caller] - set(found.calls) == set()
    assert {status for call in found.calls if (status := call.rpartition(" ")[2]) >= "500"} <= {"503"}
    assert shop.acquirer.engine.faults_in_the_books() == []
    for payment in Payment.objects.filter(status=PaymentStatus.SUCCEEDED):
        refunds = payment.refunds.exclude(status=RefundStatus.FAILED)
        assert payment.returned_value == sum(refund.amount_value for refund in refunds) <= payment.amount_value
    assert not Refund.objects.exclude(payment__status=PaymentStatus.SUCCEEDED).exists()
