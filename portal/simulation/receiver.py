"""The merchant's own system, which is told of everything by webhook: it takes what comes, breaks, and remembers."""

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from portal.models import AcquirerAccount, WebhookEndpoint
from portal.outbox import attempts, signing
from portal.outbox.sending import Sent
from portal.simulation.line import Seams

TROUBLES = ("HTTP 500", "no connection", "taken, then silent")


@dataclass(frozen=True)
class Taken:
    """One event as it came."""

    event_id: str
    about: str
    sequence: int
    body: bytes


class Receiver:
    """Listens for one account; stands in for the sender, so that nothing crosses a socket."""

    def __init__(self, account: AcquirerAccount, seams: Seams) -> None:
        self._seams = seams
        self.taken: list[Taken] = []
        self.troubles: list[str] = []
        """What happens to the next posts, in this order; then everything is taken."""
        WebhookEndpoint.objects.create(
            name="The shop", account=account, url="https://shop.example/hooks", secret=signing.new_secret()
        )

    def post(self, _url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """Take an event, or not."""
        self._seams.reach("before webhook")
        trouble = self.troubles.pop(0) if self.troubles else ""
        if trouble == "no connection":
            return Sent(duration_ms=1, error="no_connection")
        if trouble == "HTTP 500":
            return Sent(duration_ms=1, http_status=500)
        self._take(headers, body)
        self._seams.reach("after webhook")
        if trouble:
            return Sent(duration_ms=1, error="timed_out")
        return Sent(duration_ms=1, http_status=204)

    def _take(self, headers: Mapping[str, str], body: bytes) -> None:
        said = json.loads(body)
        if said["sequence"] is not None:  # no ping
            event_id = {name.lower(): value for name, value in headers.items()}["webhook-id"]
            self.taken.append(Taken(event_id, f"{said['kind'].split('.')[0]} {said['object']}", said["sequence"], body))

    def breaks(self, rng: random.Random) -> str:
        """The next few posts go wrong."""
        self.troubles += [rng.choice(TROUBLES)] * rng.choice((1, 1, 2, 12))
        return f"the shop's receiver breaks: {self.troubles[-1]}"


@contextmanager
def webhooks_to(receiver: Receiver | None) -> Iterator[None]:
    """Let every webhook end at the receiver for a while."""
    if receiver is None:
        yield
        return
    with patch.object(attempts, "Sender", lambda _rules: receiver):
        yield
