"""The two doors of the sandbox: one set of rules, spoken in two protocols.

A door knows its protocol's paths, field tables, codes and shapes. It makes of a request what the rules ask for, and of
what the rules did an answer; and it tells the merchant of what happened in its own notifications.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from portal.sandbox.context import Context, Voice
from portal.sandbox.merchants import Merchant

Rule = Callable[[Context, Merchant, dict[str, Any]], dict[str, object]]
"""A checked request to its answer. May raise Refusal."""


@dataclass(frozen=True)
class Call:
    """One API: its own name, and the plain word that faults and stories call it by."""

    api: str
    word: str
    rule: Rule
    of_the_wallet: bool = False
    """No acquirer's: every merchant may call it, and is answered with its own acquirer's key."""


class Door(Voice, Protocol):
    """What the engine needs of a protocol."""

    @property
    def protocol(self) -> str:
        """Its name, as merchants have it."""

    @property
    def calls(self) -> Mapping[str, Call]:
        """Every API by its path."""

    def is_time(self, text: str) -> bool:
        """Whether this is a time as the request's header has it."""

    def check(self, context: Context, api: str, request: dict[str, Any]) -> None:
        """Raises Refusal for a request that its field table does not allow."""

    def result(self, api: str, code: str, message: str = "") -> dict[str, str]:
        """The Result object of an API for a code of the rules."""

    def answer_failed(self, context: Context, merchant: Merchant, api: str, answer: Mapping[str, object]) -> None:
        """The work was done, and the merchant does not hear the answer."""
