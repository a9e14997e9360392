"""Stories of coming in, in a real browser: an authenticator app, a passkey, a recovery code; on a phone, too."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from playwright.sync_api import BrowserContext, Page, expect

from portal.models import SignIn
from portal.roles import OPERATOR
from tests.factories import PASSWORD, UserFactory
from tests.story import Shop

_CLOSED = "() => { navigator.credentials.get = () => Promise.reject(new DOMException('closed', 'NotAllowedError')); }"


@pytest.fixture
def desk(shop: Shop, settings: Any) -> Iterator[str]:
    """The portal with second factors, at the name passkeys need: they refuse bare addresses."""
    settings.PORTAL_SECOND_FACTOR = True
    cache.clear()
    yield shop.url.replace("127.0.0.1", "localhost")
    cache.clear()


def code_of(secret: str, ahead: int = 0) -> str:
    """What the app shows, or will show next: taken for half a minute at least. One that has passed might not be."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + ahead))


def gives_password(page: Page, desk: str, name: str) -> None:
    """The first step."""
    page.goto(f"{desk}/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def leaves(page: Page) -> None:
    """Log out by the menu."""
    page.locator(".who summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="You are logged out")).to_be_visible()


def is_in(page: Page) -> None:
    """The desk is open."""
    expect(page.get_by_role("search")).to_be_visible()


def test_enrol_an_app_leave_come_in_by_code_and_by_recovery_code(page: Page, desk: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    operator = UserFactory(roles=(OPERATOR,))

    gives_password(page, desk, operator.username)
    expect(page.get_by_role("heading", name="Add a second factor")).to_be_visible()
    page.get_by_role("link", name="Add an authenticator app").click()
    secret = page.locator("#app-key").inner_text()
    box = page.get_by_role("img", name="The key as a QR code").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.get_by_label("Code of the app").fill(code_of(secret))
    page.get_by_role("button", name="Add the app").click()
    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()
    is_in(page)
    leaves(page)

    gives_password(page, desk, operator.username)
    page.get_by_label("Code").fill(code_of(secret, 1))
    page.get_by_role("button", name="Log in", exact=True).click()
    is_in(page)
    leaves(page)

    gives_password(page, desk, operator.username)
    page.get_by_label("Code").fill(codes[4])
    page.get_by_role("button", name="Log in", exact=True).click()
    is_in(page)
    factors = SignIn.objects.filter(person=operator).order_by("pk").values_list("factor", flat=True)
    assert list(factors) == ["", "totp", "recovery_codes"]


def test_a_passkey_is_added_is_the_second_factor_and_then_the_only_one(
    page: Page, context: BrowserContext, desk: str
) -> None:
    line = context.new_cdp_session(page)
    line.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    line.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    operator = UserFactory(roles=(OPERATOR,))

    gives_password(page, desk, operator.username)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Office laptop")
    page.get_by_label("Log in with it alone").check()
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.locator("#codes")).to_be_visible()
    page.get_by_role("link", name="I have kept them").click()
    is_in(page)
    leaves(page)

    gives_password(page, desk, operator.username)
    page.get_by_role("button", name="Use a passkey").click()
    is_in(page)
    leaves(page)

    page.goto(f"{desk}/admin/login/?next=/admin/me/")
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_text("Office laptop")).to_be_visible()
    expect(page.get_by_text("This one")).to_be_visible()
    factors = SignIn.objects.filter(person=operator).order_by("pk").values_list("factor", flat=True)
    assert list(factors) == ["", "webauthn", "webauthn"]
    assert Authenticator.objects.get(type="webauthn").wrap().name == "Office laptop"


def test_a_passkey_that_is_not_there_is_told_on_the_page(page: Page, context: BrowserContext, desk: str) -> None:
    line = context.new_cdp_session(page)
    line.send("WebAuthn.enable")
    device = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": False, "hasUserVerification": False}
    line.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    page.goto(f"{desk}/admin/login/")

    page.evaluate(_CLOSED)
    page.get_by_role("button", name="Log in with a passkey").click()

    expect(page.get_by_text("The passkey was not used: the dialogue was closed")).to_be_visible()
