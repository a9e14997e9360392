"""One small world: an acquirer, two merchants, their buyers and staff, and what all of them know.

The verbs here are what the acts of a history (``acts``) are made of: choosing somebody or something by the step's own
seed, and speaking through the API's doors. Everything is real: the operations of the apps, the API's views, the
sandbox's own verbs, the worker's own loop.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

from django.contrib.auth.models import User
from django.db import connection, models

from authorizations.models import Authorization, Buyer, WalletAccount
from payments.models import Cycle, Declaration, Order, Payment, Refund, Subscription
from portal import clock, work
from portal.models import AcquirerAccount, Incident
from portal.sandbox import editions, reports
from portal.sandbox.context import Keys
from portal.simulation.doors import Answer, Asked, Doors
from portal.simulation.line import Delivery, Line, Seams
from portal.simulation.receiver import Receiver
from portal.simulation.stage import START, Scene, declare_by_itself, engine_on
from portal.statements import Found, Given

M = TypeVar("M", bound=models.Model)

_RELATED: dict[type[models.Model], tuple[str, ...]] = {
    Order: ("account", "buyer__account"),
    Payment: ("order__buyer", "wallet_account__account"),
    Refund: ("payment__order", "payment__wallet_account__account"),
    WalletAccount: ("account", "buyer"),
    Authorization: ("account", "buyer"),
    Declaration: ("payment__order", "payment__wallet_account__account", "account"),
    Subscription: ("account", "buyer__account", "plan", "wallet_account"),
    Cycle: ("subscription__account", "subscription__buyer", "subscription__plan", "subscription__wallet_account"),
}
SETTLED_SHARE = 0.25
"""Reading reports costs as much as the rest of a history, so not every one ends with the books closed."""
LISTENING_SHARE = 0.25
TOLD_AGAIN_SHARE = 0.25
_THE_SAME = 0.6
_NEWEST = 2
_SETTLING_DAYS = 5
_ROUNDS_AT_REST = 20_000


class Restless(Exception):
    """Something is due for ever."""


@dataclass(frozen=True)
class Wish:
    """What somebody wanted a second person to decide."""

    who: str
    what: frozenset[tuple[Any, Any]]
    """Payments, and how much of each goes back; or the columns of a retry policy."""
    bulk: str = ""


class Report(NamedTuple):
    """A report of an acquirer, in one file or several."""

    client_id: str
    day: str
    files: str
    """What their names have in common."""


class Planted(NamedTuple):
    """What is wrong on purpose in a report of an account."""

    slug: str
    kind: str


REARRANGED_SHARE = 0.25
_DECLARING_SHARE = 0.5


class World:
    """Both sides, as new, under a clock of their own."""

    def __init__(self, scene: Scene, seed: int, keys: Keys, seams: Seams) -> None:
        self.keys, self.seams = keys, seams
        opened = scene.opened
        self.clock = clock.VirtualClock(START)
        clock.use(self.clock, seed=seed)
        self.delivery = Delivery()
        self.line = Line()
        self.is_overtaking = False
        """Whether this act runs while another waits: then it is often about the same thing."""
        self.engine = engine_on(scene.store, keys, self.clock, self.delivery)
        self.accounts: dict[str, AcquirerAccount] = opened.accounts
        self.merchant_keys: dict[str, str] = opened.merchant_keys
        self.buyers: list[Buyer] = opened.buyers
        self.staff: dict[str, User] = opened.staff
        self.doors = Doors()
        self.agenda = scene.agenda
        self.sessions = dict(opened.sessions)
        """Session tokens by buyer."""
        self.codes: list[tuple[int, str, str]] = []
        """Codes the wallets handed out: (attempt, code, the URL the wallet sends the buyer back to)."""
        self.brought: list[tuple[int, str, str]] = []
        """Codes that somebody has brought already, the newest last."""
        self.expected: list[str] = []
        """Acts that earlier ones lead to: one is asked and will answer, what was begun is gone on with."""
        self.sent: list[tuple[Asked, str]] = []
        """Requests with an Idempotency-Key that were carried out, and what each made."""
        self.wishes: dict[str, Wish] = {}
        """What was asked for, by the number of the request, as it was said."""
        self.ended: dict[str, str] = {}
        """What somebody was told that they had ended, by the number of the request: declined, or taken back."""
        self.files = 0
        """Files of refunds that were given in."""
        self.imported: set[Report] = set()
        """Reports that were imported."""
        self.faults: Counter[str] = Counter()
        self.is_settled = random.Random(f"{seed}:settled").random() < SETTLED_SHARE  # noqa: S311
        """Whether finance closes the books of this history: imports every report, and looks at what is open."""
        self.edition = random.Random(f"{seed}:edition").choice(editions.EDITIONS)  # noqa: S311
        """Which edition of the reports this merchant's account with the acquirer still gets."""
        reports.write_as(self.engine.context, self.edition)
        self.is_told_again = random.Random(f"{seed}:again").random() < TOLD_AGAIN_SHARE  # noqa: S311
        """Whether every message of this history comes again at its end."""
        listens = random.Random(f"{seed}:listens").random() < LISTENING_SHARE  # noqa: S311
        self.receiver = Receiver(self.accounts["sim"], seams) if listens else None
        """The first shop's own system, where it listens."""
        self.is_rearranged = random.Random(f"{seed}:catalogue").random() < REARRANGED_SHARE  # noqa: S311
        """Whether staff changes the catalogues of this history."""
        if random.Random(f"{seed}:customs").random() < _DECLARING_SHARE:  # noqa: S311
            declare_by_itself(self.accounts["sim"])
        self.drained: list[tuple[Any, int, bool]] = []
        """When an account was drained, or opened again: (moment, account, whether it is drained from then on)."""
        self.catalogue: list[Any] = []
        """What the catalogues said from when on, oldest first (``offering.Known``)."""
        self.rng = random.Random(f"{seed}:end")  # noqa: S311 - a story, not a secret
        """What is drawn after the last step."""
        self.planted: list[Planted] = []
        self.seen: list[tuple[str, str]] = []
        """Broken promises that were seen when they broke: (promise, sentence)."""

    # Choosing.

    def some(self, rng: random.Random, model: type[M], where: str = "", values: Sequence[str | int] = ()) -> M | None:
        """One row that satisfies an SQL condition, by position in the order they were made; None when there is none."""
        table = model._meta.db_table
        condition = f"WHERE {where} " if where else ""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id FROM {table} {condition}ORDER BY id", list(values))  # noqa: S608 - our own words
            keys = [row[0] for row in cursor.fetchall()]
        if not keys:
            return None
        if self.is_overtaking and rng.random() < _THE_SAME:
            keys = keys[-_NEWEST:]
        return cast(M, _row_of(model).get(pk=rng.choice(keys)))

    def wallet_of(self, asked: dict[str, Any]) -> str:
        """The wallet of the payment that a request to the acquirer speaks of."""
        ids = asked.get("paymentId", ""), asked.get("paymentRequestId", "")
        return str(
            self.engine.store.value("SELECT wallet FROM payments WHERE ? = payment_id OR ? = payment_request_id", ids)
        )

    # The API's doors.

    def session_of(self, buyer: Buyer) -> str:
        """A token of the buyer's, opened by the merchant's server when there is none."""
        if buyer.pk not in self.sessions:
            key = self.merchant_keys[self._slug(buyer)]
            answer = self.doors.ask(Asked("POST", "/sessions", key, {"customer": buyer.reference}, ""))
            self.sessions[buyer.pk] = answer.body["token"]
        return self.sessions[buyer.pk]

    def key_of(self, buyer: Buyer) -> str:
        """The merchant key of the buyer's merchant."""
        return self.merchant_keys[self._slug(buyer)]

    def _slug(self, buyer: Buyer) -> str:
        return next(slug for slug, account in self.accounts.items() if account.pk == buyer.account_id)

    def posts(self, rng: random.Random, buyer: Buyer, token: str, path: str, body: dict[str, Any]) -> Answer:
        """Send a request that moves something, under a fresh key; a session that ended is opened anew first."""
        asked = Asked("POST", path, token, body, f"{rng.getrandbits(64):016x}")
        answer = self.doors.ask(asked)
        if answer.status == 401 and self.sessions.get(buyer.pk) == token:
            del self.sessions[buyer.pk]
            asked = Asked("POST", path, self.session_of(buyer), body, asked.key)
            answer = self.doors.ask(asked)
        if answer.is_good:
            self.sent.append((asked, made_by(answer)))
        return answer

    # Time.

    def moments(self) -> list[Any]:
        """When something falls due next, on either side."""
        return [moment for moment in (self.agenda.next_due(), self.engine.next_due()) if moment is not None]

    def comes_to_rest(self) -> None:
        """Nothing breaks any more; days pass until nothing is due but what waits for a person. Raises Restless."""
        self.engine.clear_faults()
        if self.receiver is not None:
            self.receiver.troubles.clear()
        self.line.unreachable, self.line.forge, self.line.after_a_loss = 0, None, None
        target = clock.now() + timedelta(days=_SETTLING_DAYS)
        for _ in range(_ROUNDS_AT_REST):
            upcoming = min(self.moments(), default=None)
            if upcoming is None or upcoming > max(target, clock.now()):
                break
            if upcoming > clock.now():
                self.clock.set(upcoming)
            if self.engine.tick() + self.works() == 0:
                self.clock.move(timedelta(seconds=1))
        else:
            raise Restless
        if clock.now() < target:
            self.clock.set(target)
        self.engine.tick()

    def works(self) -> int:
        """The worker does everything that is due now; how many rows."""
        done = 0
        while self.agenda.is_due():
            lines = len(list(work.run_due()))
            if not lines:
                break
            done += lines
        return done

    def open_incidents(self) -> set[tuple[str, str]]:
        """(type, id) of what waits for a person."""
        return set(_OPEN_INCIDENTS.tuples())


_OPEN_INCIDENTS: Found[Any] = Found(
    lambda: Incident.objects.filter(closed_at__isnull=True).order_by().values_list("subject_type", "subject_id")
)


@cache
def _row_of(model: type[models.Model]) -> Found[models.Model]:
    """A row of the model, with what the acts look at beside it."""
    return Found(lambda: model._base_manager.select_related(*_RELATED.get(model, ())).filter(pk=Given("pk")).order_by())


def made_by(answer: Answer) -> str:
    """The id of what an answer speaks of."""
    body = answer.body
    if isinstance(body.get("order"), dict):
        body = body["payment"]  # of an answer that shows both
    return str(body.get("number") or body.get("id") or "")
