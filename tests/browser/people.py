"""The phone as a story speaks of it: whose it is, what is tapped, what is read."""

import contextlib
import re

from playwright.sync_api import FrameLocator, Locator, Page, expect
from playwright.sync_api import TimeoutError as NothingHappened

from portal.money import Money
from portal.sandbox.server import Sandbox
from tests.story import Shop

_A_MOMENT_MILLISECONDS = 50
_A_TAP_MILLISECONDS = 5_000
_TAPS = 4


class Phone:
    """The phone frame of the sandbox, with the mini program and the wallet inside."""

    def __init__(self, page: Page, sandbox: Sandbox, shop: Shop) -> None:
        self.page, self.sandbox, self.shop = page, sandbox, shop

    @property
    def program(self) -> FrameLocator:
        """The inside of the mini program."""
        return self.page.frame_locator("#program")

    @property
    def wallet(self) -> FrameLocator:
        """The wallet's own pages over it."""
        return self.page.frame_locator("#wallet-frame")

    @property
    def happened(self) -> Locator:
        """The list beside the phone."""
        return self.page.locator("#watch")

    def belongs_to(self, user: str, wallet: str) -> "Phone":
        """Turn it on for somebody, and open the mini program."""
        self.page.goto(f"{self.sandbox.url}/miniprogram/?wallet={wallet}&user={user}")
        expect(self.page.locator("body[data-ready=yes]")).to_be_visible()
        self.page.locator("#open").click()
        return self

    def opens(self, tab: str) -> "Phone":
        """Tap a tab of the mini program."""
        self.program.get_by_role("navigation").get_by_role("button", name=tab).click()
        return self

    def taps(self, words: str) -> "Phone":
        """Tap a button of the mini program."""
        self.program.get_by_role("button", name=words).click()
        return self

    def answers(self, words: str) -> "Phone":
        """Tap a button of the dialog until it is gone, as people do: a busy browser may lose a tap."""
        dialog = self.program.get_by_role("dialog")
        button = dialog.get_by_role("button", name=words)
        button.click()
        for _ in range(_TAPS):
            with contextlib.suppress(NothingHappened):
                dialog.wait_for(state="hidden", timeout=_A_TAP_MILLISECONDS)
                break
            with contextlib.suppress(NothingHappened):
                button.click(timeout=_A_TAP_MILLISECONDS)
        expect(dialog).to_be_hidden()
        return self

    def decides(self, words: str) -> "Phone":
        """Tap a button on the wallet's page."""
        self.wallet.get_by_role("button", name=words, exact=True).click()
        return self

    def returns(self) -> "Phone":
        """Go back to the shop from the wallet's result page."""
        self.wallet.get_by_role("link", name=re.compile("^Back to")).click()
        return self

    def shows(self, words: str) -> "Phone":
        """The mini program shows these words."""
        expect(self.program.get_by_text(words).first).to_be_visible()
        return self

    def shows_no(self, words: str) -> "Phone":
        """Nowhere in the mini program stand these words."""
        expect(self.program.locator("main").get_by_text(words)).to_have_count(0)
        return self

    def closes_the_wallet(self) -> "Phone":
        """Close the wallet's pages without going back to the shop."""
        self.page.locator("#wallet-close").click()
        return self

    def agrees_and_loses_the_callback(self) -> "Phone":
        """Agree on the wallet's page, which then has no way back."""
        self.wallet.get_by_text("For testers").click()
        self.decides("Agree, but lose the callback")
        self.wallet.get_by_text("The way back is lost").wait_for()
        return self

    def waits_until(self, words: str, *, at_most_seconds: int) -> float:
        """Let the phone's time run until these words are shown; how many of its seconds that took."""
        began = self._milliseconds()
        while self._milliseconds() < began + at_most_seconds * 1000:
            if self.program.get_by_text(words).first.is_visible():
                break
            self.page.context.clock.run_for(1000)
            self.page.wait_for_timeout(_A_MOMENT_MILLISECONDS)  # real time, for answers under way
        self.shows(words)
        return (self._milliseconds() - began) / 1000

    def _milliseconds(self) -> float:
        found: float = self.page.evaluate("Date.now()")
        return found

    def took(self, user: str = "ana") -> list[Money]:
        """What left the user's purse, payment by payment."""
        return self.sandbox.engine.taken_from(user)

    def wishes_before(self, name: str, value: str) -> "Phone":
        """Let something go wrong from the start of Ana's mini program on."""
        self.page.goto(f"{self.sandbox.url}/miniprogram/?wallet=GCASH&user=ana")
        return self.wishes(name, value)

    def wishes(self, name: str, value: str) -> "Phone":
        """Let something go wrong in the phone."""
        self.page.locator(".wishes").evaluate("element => { element.open = true }")
        self.page.locator(f"#{name}").select_option(value)
        return self

    def goes_home(self) -> "Phone":
        """Put the mini program away; it stays alive."""
        self.program.get_by_role("button", name="Close the mini program").click()
        return self

    def comes_back(self) -> "Phone":
        """Open it again."""
        self.page.locator("#open").click()
        return self

    def binds(self) -> "Phone":
        """Link the wallet from the page of payment methods, all the way."""
        self.opens("Payment methods").taps("Link").decides("Agree")
        return self.returns().shows("Linked since")
