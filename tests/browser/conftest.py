"""A real browser before the real portal and the real sandbox: what people see, tap and are told.

Every page a story opens is watched: a breach of the content security policy, a script error or any other complaint of
the browser's console fails the story at its end.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from payments.models import Product
from portal.models import AcquirerAccount
from portal.money import Money
from portal.sandbox.server import Sandbox
from tests.browser import engine
from tests.browser.people import Phone
from tests.factories import PriceFactory, ProductFactory
from tests.story import Shop

_PATIENCE_MILLISECONDS = 30_000
"""For whatever is waited for, acts and sights alike: on a busy machine a browser may stand still for seconds."""
_TELL_BREACHES = """
document.addEventListener('securitypolicyviolation', (event) => {
  console.error(`Content-Security-Policy: ${event.violatedDirective} ${event.blockedURI} at ${event.sourceFile}`);
});
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a file of stories, gone before the next file."""
    program = engine.found()
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(engine.MISSING)
        pytest.skip(engine.MISSING)
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as environment:
        # Playwright's own loop runs in this thread, which makes Django suspect asynchronous code.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        expect.set_options(timeout=_PATIENCE_MILLISECONDS)
        browser = playwright.chromium.launch(executable_path=program, args=engine.ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console complained of."""
    return []


@pytest.fixture
def context(chromium: Browser, complaints: list[str], account: AcquirerAccount) -> Iterator[BrowserContext]:
    """A browser without a past, closed before the rows go. The story fails if the browser complained."""
    context = chromium.new_context(viewport={"width": 1360, "height": 900}, locale="en-GB", timezone_id="Asia/Manila")
    context.set_default_timeout(_PATIENCE_MILLISECONDS)
    context.add_init_script(_TELL_BREACHES)

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.text} ({message.location.get('url', '')})")

    context.on("console", hear)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One tab."""
    return context.new_page()


@pytest.fixture
def goods(account: AcquirerAccount) -> list[Product]:
    """What the shop sells, priced in several currencies."""
    sold = []
    for sku, name, description, prices in (
        ("barako", "Barako beans", "Whole beans from Batangas, 250 g.", (Money(349_00, "PHP"), Money(29_90, "MYR"))),
        ("cold", "Cold brew", "Slow and strong, half a litre.", (Money(180_00, "PHP"), Money(15_50, "MYR"))),
        ("pass", "Monthly pass", "A cup a day for thirty days.", (Money(2_499_00, "PHP"), Money(199_00, "MYR"))),
    ):
        product = ProductFactory(account=account, sku=sku, name=name, description=description)
        for price in prices:
            PriceFactory(product=product, value=price.value, currency=price.currency)
        sold.append(product)
    return sold


@pytest.fixture
def phone(page: Page, shop: Shop, sandbox: Sandbox, goods: list[Product], settings: Any) -> Phone:
    """A phone with the shop's mini program."""
    sandbox.engine.context.portal_url = settings.PORTAL_BASE_URL
    return Phone(page, sandbox, shop)
