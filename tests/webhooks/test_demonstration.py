"""The shop's own backend in the sandbox: a newcomer sees what webhooks say, and that they are verified."""

from typing import Any

import pytest
import requests

from portal import outbox
from portal.demonstration import installation
from portal.models import WebhookAttempt, WebhookEndpoint
from portal.sandbox.control import SandboxControl
from portal.sandbox.server import Sandbox
from portal.sandbox.shop_backend import PATH
from tests.story import PHP, Customer, Shop


@pytest.fixture
def control(sandbox: Sandbox, settings: Any) -> SandboxControl:
    """The sandbox's control calls."""
    settings.PORTAL_WEBHOOKS_ALLOW_PRIVATE = True
    return SandboxControl(sandbox.url)


def console(sandbox: Sandbox, query: str = "") -> str:
    """The console's page of webhooks."""
    return requests.get(f"{sandbox.url}/console/webhooks{query}", timeout=10).text


def test_the_shops_backend_hears_and_verifies(
    shop: Shop, buyer: Customer, sandbox: Sandbox, control: SandboxControl
) -> None:
    assert "Nothing yet." in console(sandbox)
    installation.let_shop_hear(control)
    installation.let_shop_hear(control)  # as after every start
    endpoint = WebhookEndpoint.objects.get()
    buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    shop.charges(order)
    shop.comes_to_rest()

    page = console(sandbox)
    assert page.count("Genuine") == 2
    assert order.number in page
    heard = sandbox.engine.shop_backend.heard()
    assert [message.kind for message in heard] == ["order.paid", "wallet.bound"]
    assert "order.paid" in console(sandbox, f"?id={heard[0].event_id}")
    assert outbox.ping(endpoint, by=installation.BY).is_success
    assert endpoint.secret not in console(sandbox)


def test_what_is_not_genuine_is_not_believed(shop: Shop, sandbox: Sandbox, control: SandboxControl) -> None:
    installation.let_shop_hear(control)
    forged = {"webhook-id": "E1", "webhook-timestamp": "1772416800", "webhook-signature": "v1,AAAA"}
    for headers in (forged, {}, forged | {"webhook-timestamp": "x"}, forged | {"webhook-timestamp": "0"}):
        answer = requests.post(f"{sandbox.url}{PATH}", data=b'{"kind":"<b>order.paid"}', headers=headers, timeout=10)
        assert answer.status_code == 401
    page = console(sandbox)
    assert page.count("Not believed") == 4
    assert "<b>order.paid" not in page
    control.webhook_secret("not the secret")
    endpoint = WebhookEndpoint.objects.get()
    assert not outbox.ping(endpoint, by=installation.BY).is_success
    assert WebhookAttempt.objects.get().http_status == 401


def test_it_is_found_where_it_has_moved_to(shop: Shop, control: SandboxControl, sandbox: Sandbox) -> None:
    installation.let_shop_hear(control)
    WebhookEndpoint.objects.update(url="http://127.0.0.1:9/shop/webhooks")
    installation.let_shop_hear(control)
    assert WebhookEndpoint.objects.get().url == f"{control.base_url}{PATH}"
