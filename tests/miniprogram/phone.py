"""A phone as a story speaks of it: what is tapped, what is read, what the wallet and the network do meanwhile."""

import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portal.miniprogram import tables, words
from portal.money import Money
from portal.sandbox.authorizations import Decision
from tests.story import FULL_PURSE, Customer, Shop

_PLACE = re.compile(r"\{\w+\}|undefined|null|NaN|\[object")
"""What would be read where something was forgotten."""
_MAIN = Path(__file__).parent / "host" / "main.mjs"

DEVICES: dict[str, dict[str, str]] = {
    "plain": {},
    "errors in fail": {"httpErrors": "fail", "spelling": "errorMessage", "codes": "number", "platform": "iOS"},
    "Chinese": {"language": "zh-Hans", "codes": "number", "status": "statusCode"},
    "no site": {"site": "none", "httpErrors": "fail", "spelling": "errorMessage", "language": "zh_CN"},
}
"""Where the documentation contradicts itself, containers of both kinds."""


class Host:
    """The Node process all phones run in: a line in, a line out."""

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen(
            [node, "--no-warnings", "--experimental-vm-modules", str(_MAIN)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def does(self, act: str, **given: Any) -> dict[str, Any]:
        """Do something; what is to be seen then. Nothing of the mini program may have gone wrong unheard."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"act": act, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the host has ended"
        seen: dict[str, Any] = json.loads(line)
        assert "error" not in seen, seen["error"]
        assert seen["complaints"] == [], "\n".join(seen["complaints"])
        return seen

    def ends(self) -> None:
        """Let it go."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)


def in_words(place: str, language: str, **places: object) -> str:
    """What the pages say at ``section.name``, with something in its places."""
    section, _, name = place.partition(".")
    said = tables.in_language(words.PAGES[section][name], language)
    return said.format(**{"merchant": "Kape & Co", "wallet": "GCash", **places})


@dataclass
class Phone:
    """One buyer's phone, with the mini program open."""

    host: Host
    folder: Path
    shop: Shop
    user: str
    site: str = "GCASH"
    device: dict[str, str] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)
    customer: Customer | None = None

    @property
    def language(self) -> str:
        return "zh" if self.device.get("language", "en").startswith("zh") else "en"

    def opens(self, *, purse: int = FULL_PURSE) -> "Phone":
        """Open the mini program for the first time, with this much in the purse."""
        self.customer = self.shop.customer(self.user)
        self.customer.owns(self.site, purse)
        return self.launches()

    def launches(self) -> "Phone":
        """Open it; if it ran before, the app was killed meanwhile."""
        owner = {"site": self.site, "user": self.user, "sandbox": self.shop.acquirer.sandbox.url}
        return self._does("launch", folder=str(self.folder), owner=owner, device=self.device)

    def _does(self, act: str, **given: Any) -> "Phone":
        self.seen = self.host.does(act, **given)
        shown = [self.seen["words"], self.seen["dialog"], *self.seen["toasts"]]
        assert not [text for text in shown if _PLACE.search(text)], shown
        return self

    def say(self, place: str, **places: object) -> str:
        """The words of a place, in the language of this phone."""
        return in_words(place, self.language, **places)

    def taps(self, place: str, *, times: int = 1, **places: object) -> "Phone":
        """Tap what says that; ``times`` in one go, as impatient fingers do."""
        return self._does("tap", words=self.say(place, **places), times=times)

    def taps_order(self, what: str) -> "Phone":
        """Tap an order in the list, by what is in it."""
        return self._does("tap", words=what)

    def types(self, place: str, text: str, **places: object) -> "Phone":
        """Type into the field that is called that."""
        return self._does("type", words=self.say(place, **places), text=text)

    def visits(self, tab: str) -> "Phone":
        """Tap a tab."""
        return self._does("open", url=f"/pages/{tab}/{tab}")

    def signs(self, *, code: str = "", state: str = "", times: int = 1, shown: str = "before") -> "Phone":
        """The wallet gives its code back."""
        return self._does("sign", callback={"code": code, "state": state, "times": times}, shown=shown)

    def agrees(self) -> "Decision":
        """Agree on the wallet's page; what it would give back."""
        return self.shop.acquirer.engine.agree(self.seen["signStr"], self.user)

    def fails(self, error: str | None, *, shown: str = "before") -> "Phone":
        """The wallet calls back with an error; None is one without anything in it."""
        return self._does("sign", callback={"error": error}, shown=shown)

    def comes_back(self) -> "Phone":
        """The page is shown again, and the wallet has said nothing."""
        return self._does("sign", shown="before")

    def answers_late(self, **callback: Any) -> "Phone":
        """The wallet says something when nobody waits for it any more."""
        return self._does("sign", callback=callback, shown="never")

    def decides(self, *, is_sure: bool) -> "Phone":
        """Answer the question on the screen."""
        return self._does("decide", isSure=is_sure)

    def passes(self, seconds: float) -> "Phone":
        """Let time pass on the phone alone: the server is slow, or its worker stands still."""
        return self._does("pass", seconds=seconds)

    def waits(self, seconds: float) -> "Phone":
        """Let time pass everywhere."""
        self.shop.clock_moves(seconds=seconds)
        return self.passes(seconds)

    def hides(self) -> "Phone":
        return self._does("hide")

    def shows_again(self) -> "Phone":
        return self._does("show")

    def goes_back(self) -> "Phone":
        return self._does("back")

    def loses(self, what: str, where: str, *, times: int = 1) -> "Phone":
        """Lose a ``request`` or an ``answer``, or get somebody's error ``page``."""
        return self._does("lose", what=what, where=where, times=times)

    def sees(self, place: str, **places: object) -> "Phone":
        """These words are on the page."""
        return self.reads(self.say(place, **places))

    def reads(self, text: str) -> "Phone":
        """This text is on the page."""
        assert text in self.seen["words"], f"{text!r} is not in {self.seen['words']!r}"
        return self

    def sees_no(self, place: str, **places: object) -> "Phone":
        """They are not."""
        text = self.say(place, **places)
        assert text not in self.seen["words"], f"{text!r} is in {self.seen['words']!r}"
        return self

    def was_told(self, place: str, **places: object) -> "Phone":
        """The latest message over the page."""
        assert self.seen["toasts"][-1:] == [self.say(place, **places)]
        return self

    def is_on(self, page: str) -> "Phone":
        assert self.seen["route"] == f"pages/{page}/{page}", self.seen["words"]
        return self

    def asked(self, where: str) -> list[dict[str, str]]:
        """The requests to an address, oldest first."""
        return [one for one in self.seen["requests"] if f"{one['method']} {one['place']}".startswith(where)]

    def paid(self) -> list[Money]:
        """What left the purse."""
        return self.shop.acquirer.engine.taken_from(self.user)

    def holds_no(self, secrets: Iterable[str]) -> None:
        """None of these is in page data or in the phone's storage."""
        held = self.seen["data"] + json.dumps(self.seen["stored"])
        assert not [secret for secret in secrets if secret and secret in held]
