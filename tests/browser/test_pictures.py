"""The small version of ``python -m tests.browser.pictures``: some pages, looked at in light, dark and narrow."""

import os
from typing import Any

import pytest
from playwright.sync_api import Page

from authorizations.models import Authorization
from payments.models import Payment
from portal.roles import OPERATOR
from tests.browser import axe
from tests.browser.pictures import VIEWS, View
from tests.browser.test_desk import Staff
from tests.story import PHP, Customer, Shop


@pytest.fixture
def paid(shop: Shop, buyer: Customer) -> Payment:
    """A payment, paid a moment ago."""
    if not axe.SCRIPT.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(axe.MISSING)
        pytest.skip(axe.MISSING)
    buyer.binds("GCASH")
    return shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_no_page_keeps_anybody_out(page: Page, portal_url: str, paid: Payment, view: View) -> None:
    page.set_viewport_size({"width": view.width, "height": view.height})
    page.emulate_media(color_scheme=view.scheme)
    Staff(page, portal_url, OPERATOR).signs_in()
    attempt: Any = Authorization.objects.get()

    for path in (
        "/admin/",
        f"/admin/payments/order/{paid.order_id}/change/",
        f"/admin/payments/order/{paid.order_id}/acts/cancel/",
        "/admin/payments/payment/",
        "/admin/news/",
        f"/return/{attempt.public_id}/result",
    ):
        page.goto(portal_url + path)
        assert axe.findings(page) == [], path


def test_it_finds_what_keeps_somebody_out(page: Page, portal_url: str, paid: Payment) -> None:
    Staff(page, portal_url, OPERATOR).signs_in()
    page.evaluate("document.querySelector('input[type=search]').removeAttribute('aria-label')")
    page.evaluate("document.querySelector('input[type=search]').removeAttribute('placeholder')")

    assert any(finding.startswith("label: ") for finding in axe.findings(page))
