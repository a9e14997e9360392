"""Where the ground must reach what the apps own, it owns a small registry and each app plugs in at ``ready()``.

A registry is a dictionary that refuses a second entry under one name and hands its entries out in a stable order.
Those that exist stand at the end; what an entry must look like is said there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class Registry(Generic[T]):
    """Entries by name, in the order of ``(position, name)``."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._entries: dict[str, tuple[int, T]] = {}

    def register(self, name: str, entry: T, *, position: int = 100) -> T:
        """Plug in an entry. Raises ValueError when another one holds the name."""
        held = self._entries.get(name)
        if held is not None and held[1] is not entry:
            raise ValueError(f"{self._subject}: {name} is taken")
        self._entries[name] = (position, entry)
        return entry

    def get(self, name: str) -> T | None:
        """The entry of that name, or None."""
        held = self._entries.get(name)
        return held[1] if held else None

    def items(self) -> Iterator[tuple[str, T]]:
        """Names and entries in order."""
        for name, (_, entry) in sorted(self._entries.items(), key=lambda item: (item[1][0], item[0])):
            yield name, entry

    def __iter__(self) -> Iterator[T]:
        for _, entry in self.items():
            yield entry

    def __len__(self) -> int:
        return len(self._entries)


@dataclass(frozen=True)
class Waiting:
    """How many things of a kind wait, and since when the first of them does (None: there is none)."""

    count: int
    since: datetime | None


@dataclass(frozen=True)
class DueWork:
    """One kind of work the clock starts.

    ``claim(limit, until)`` leases due rows until then and returns their ids; ``take_over(ids, held_until, until)``
    leases anew those of them that are still held as they were claimed; ``work(id)`` does one and returns a line for
    the worker's output. All are safe to run twice at once: claiming and taking over are compare-and-set, and the work
    repeats harmlessly. ``release(ids, held_until)`` gives back what was not begun. ``next_due()`` says when the
    earliest waiting row is due (None: nothing waits); ``find(id)`` is the row, for an incident about it;
    ``overdue()`` counts the rows whose moment has come, those in hand included.

    ``work_on_many(ids, may_go_on)``, where a kind has it, does those rows together that are alike, and yields the id
    and the line of each that is done. It begins another row only while it may; what it leaves is done one by one.
    ``at_once``: whoever works on what it claims may claim so many, since they are soon done; 0: as many as of any kind.
    ``rows()`` is the query of all this, for who asks about several kinds at once.
    """

    claim: Callable[[int, datetime], list[int]]
    take_over: Callable[[Sequence[int], datetime, datetime], list[int]]
    work: Callable[[int], str]
    next_due: Callable[[], datetime | None]
    release: Callable[[Sequence[int], datetime], None]
    find: Callable[[int], Any]
    overdue: Callable[[], Waiting]
    rows: Callable[[], Any]
    work_on_many: Callable[[Sequence[int], Callable[[], bool]], Iterator[tuple[int, str]]] | None = None
    at_once: int = 0


@dataclass(frozen=True)
class TimelineEntry:
    """One line of a timeline: when, a plain sentence, its evidence one click away."""

    at: datetime
    sentence: str
    detail: str = ""
    tone: str = ""
    """``good``, ``bad``, ``wait`` or empty: what the dot shows beside the words."""
    links: tuple[tuple[str, str], ...] = ()
    """(label, URL) pairs to the evidence."""


@dataclass(frozen=True)
class TodayLine:
    """One line of the queue on the first page: what needs a person."""

    label: str
    tone: str
    sentence: str
    url: str
    action: str
    since: datetime
    amount: str = ""
    act_url: str = ""
    """Where the button leads when it is not the thing's page: the page of the act that moves it."""


@dataclass(frozen=True)
class TodayQueue:
    """Things of one kind that wait for a person, for whoever holds the permission.

    ``waiting`` are questions (``gather.Standing``) that together find as many rows as there are lines: every page of
    the desk says how long the queue is, and counts these. Where there are any, the first page asks ``rows`` (a
    ``gather.Standing`` of values, bounded), together with all other queues, and ``lines`` makes the lines of them.
    """

    permission: str
    waiting: Sequence[Any]
    rows: Any
    lines: Callable[[Sequence[Mapping[str, Any]]], Iterable[TodayLine]]


def line_for_each(
    line: Callable[[Mapping[str, Any]], TodayLine],
) -> Callable[[Sequence[Mapping[str, Any]]], Iterable[TodayLine]]:
    """The lines of a queue that has one for each row."""
    return lambda rows: map(line, rows)


@dataclass(frozen=True)
class Stake:
    """What hangs on one consent. Amounts are in minor units by currency, and never add up across currencies."""

    subscriptions: int = 0
    next_charges: Mapping[str, int] = field(default_factory=dict)
    """What the next charge of each comes to."""
    unknown: int = 0
    """Next charges whose amount nobody knows yet: metered ones."""
    unpaid: Mapping[str, int] = field(default_factory=dict)
    """What fell due and waits."""


@dataclass(frozen=True)
class Said:
    """What one side says in one field: as a person reads it, and the value by which it is compared with the others."""

    shown: Any
    compared: Any = None
    """None: shown, and compared with nothing."""


@dataclass(frozen=True)
class Truth:
    """What one side says about a payment, beside what our own rows and the acquirer say.

    ``fields`` are named as ``payments.admin.truths`` names them; what a side does not speak of it leaves out.
    """

    side: str
    fields: Mapping[str, Said]
    note: Any = ""
    """Where it says so, e.g. a link to the row."""


@dataclass(frozen=True)
class Evidence:
    """One file of an evidence pack."""

    path: str
    content: bytes


@dataclass(frozen=True)
class NewsItem:
    """Something that waits for a person, as an e-mail tells it. It holds no name, account, amount or secret."""

    key: str
    """The thing's own key: of each, a person is told once."""
    kind: str
    """``incidents`` or ``approvals``."""
    sentence: str
    url: str
    """The path of its page."""
    since: datetime
    is_urgent: bool = False


@dataclass(frozen=True)
class Panel:
    """One card of figures on the first page: a title, and a template with what it needs."""

    title: str
    template: str
    context: Mapping[str, Any]
    note: str = ""
    permission: str = ""
    """Who may see it; empty: everybody who may see the first page."""
    columns: int = 4
    """Its width, of twelve."""


class Once:
    """What several parts of one page need: read by whoever asks first, and not again."""

    def __init__(self) -> None:
        self._read: dict[Callable[[], Any], Any] = {}

    def __call__(self, read: Callable[[], T]) -> T:
        """What it returns, or has returned for this page."""
        if read not in self._read:
            self._read[read] = read()
        return cast(T, self._read[read])


@dataclass(frozen=True)
class Rule:
    """A default of the code about when an act needs a second person; a row of ``ApprovalRule`` takes its place.

    Amounts are in minor units of ``currency``. ``approvers`` are names of roles.
    """

    approvers: tuple[str, ...]
    role: str = ""
    currency: str = ""
    account: str = ""
    is_always: bool = False
    above_value: int | None = None
    above_a_day_value: int | None = None
    above_a_day_count: int | None = None
    expires_hours: int = 72


@dataclass(frozen=True)
class Became:
    """What an act that was carried out has become by now: a sentence, and ``good``, ``bad``, or ``wait``: unknown."""

    sentence: str
    tone: str


@dataclass(frozen=True)
class ApprovalKind:
    """Acts that may need a second person, and how they are carried out once there is one.

    ``carry_out(approval, by, remember)`` does what was asked through the ordinary verb and answers with a sentence. The
    verb calls ``remember`` with what it made inside its promise's own transaction: that is what makes it happen once.
    Its refusal (PortalError) becomes the request's result. ``foresee(approval)`` says in words what will happen, and
    ``objection(approval)`` why it could not be done now (empty: it could). ``covers(approval, kind, subject, amount)``:
    whether an act of *another* kind is a part of this one, as each refund is of a bulk refund. ``became(approvals)``
    looks at what was made of those that are done, by their ids: begun is not ended where an acquirer has to answer.
    """

    label: str
    carry_out: Callable[[Any, Any, Callable[[Any], None]], str]
    foresee: Callable[[Any], Sequence[str]] = lambda approval: ()
    objection: Callable[[Any], str] = lambda approval: ""
    covers: Callable[[Any, str, Any, Any], bool] = lambda approval, kind, subject, amount: False
    defaults: tuple[Rule, ...] = ()
    has_amount: bool = False
    became: Callable[[Sequence[Any]], Mapping[int, Became]] = lambda approvals: {}


@dataclass(frozen=True)
class Found:
    """Something the search found: its id, and what one would otherwise open it to learn."""

    label: str
    url: str
    amount: str = ""
    state: str = ""
    tone: str = ""
    at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True)
class Searched:
    """A kind of things that the search finds. Every lookup named here is one that an index answers.

    ``own`` are ids that belong to one thing: whoever enters one is led straight to its page. ``mentions`` are what
    several things may share (a buyer, a masked account, another thing's id). ``prefixes`` are also found by their
    beginning. ``show(keys)`` fetches the hits of these primary keys, in a constant number of queries, newest first.
    Who may view the model's pages may find its rows.
    """

    kind: str
    model: Any
    show: Callable[[Sequence[Any]], list[Found]]
    own: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


COUNTED_AT_MOST = 1000
"""Beyond it, what hangs on something is many, and nobody waits for the number."""

due_work: Registry[DueWork] = Registry("due work")
"""What the worker claims: inquiries, cancels, refreshes, unapplied notifications."""

connected: Registry[Callable[[Any], None]] = Registry("what follows when an account is connected")
"""``begin(account)``: what an app does from then on, begun inside the transaction that connects the account."""

notification_handlers: Registry[Callable[..., Any]] = Registry("notification handlers")
"""By message class name: ``handler(account, message, done) -> bool``; False when what it speaks of is unknown here.

``done`` notes that the message is applied; whoever changes something calls it inside that change's transaction.
"""

questions: Registry[Callable[[Any, Any], bool]] = Registry("questions")
"""By message class name, of messages that ask: ``answer(account, message) -> bool``, while the acquirer waits."""

approvals: Registry[ApprovalKind] = Registry("approvals")
"""By kind, as ``portal.approvals`` speaks of it: ``refund``, ``revoke``, ``key change`` …"""

timelines: Registry[Callable[[Any], list[TimelineEntry]]] = Registry("timelines")
"""``contributor(thing) -> entries``, called for every page that shows a timeline (a Payment, an Order, …)."""

marks: Registry[Callable[[Any], list[tuple[str, str]]]] = Registry("marks")
"""``contributor(thing) -> (word, tone)``: further states beside a thing's own, at the head of its page."""

consents: Registry[Callable[[Any], list[str]]] = Registry("consents")
"""``named(wallet account) -> sentences``: what stops when its consent is revoked, named before somebody does."""

rebindings: Registry[Callable[[Sequence[Any], Any], None]] = Registry("rebindings")
"""``follow(older wallet accounts, newer one)``: what moves to a newer binding, inside the transaction that makes it."""

endings: Registry[Callable[[Any], None]] = Registry("endings")
"""``end_with(wallet account)``: what ends with a consent that was revoked, inside the transaction that says so."""

hanging: Registry[Callable[[Any], tuple[str, int]]] = Registry("hanging")
"""``counted(payment method) -> (label, count)``: what hangs on it, counted up to one above ``COUNTED_AT_MOST``."""

stakes: Registry[Callable[[Sequence[Any]], Mapping[Any, Stake]]] = Registry("stakes")
"""``of(keys of wallet accounts) -> Stake by key``: what hangs on their consents, asked for all of a page at once."""

facts: Registry[Callable[[Any], list[tuple[str, Any]]]] = Registry("facts")
"""``contributor(thing) -> (label, value)``: further facts beside a payment's or a refund's own."""

truths: Registry[Callable[[Any], list[Truth]]] = Registry("truths")
"""``contributor(payment) -> Truth[]``: what else says something about a payment, and can be compared with our rows."""

evidence: Registry[Callable[[Any], list[Evidence]]] = Registry("evidence")
"""``contributor(order) -> Evidence[]``: the rows an app adds to an order's evidence pack."""

today: Registry[TodayQueue] = Registry("today")
"""What waits for a person, and the first page has lines for."""

news: Registry[Callable[[Any], list[NewsItem]]] = Registry("news")
"""``items(person) -> NewsItem[]``: what is open and may be told to this person by e-mail."""

panels: Registry[Callable[[Once], list[Panel]]] = Registry("panels")
"""``panels(once) -> Panel[]``: the figures beside and below the queue; an empty list when there is nothing to show."""

unknown: Registry[Callable[[], Waiting]] = Registry("unknown")
"""By kind: ``ask()`` counts what was begun and whose result nobody knows yet, for whoever watches over it."""

searches: Registry[Searched] = Registry("searches")
"""What the search box finds. A kind of things that carries ids plugs in here and is found; nothing else is to do."""
