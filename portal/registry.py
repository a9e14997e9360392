"""Where the ground must reach what the apps own, it owns a small registry and each app plugs in at ``ready()``.

A registry is a dictionary that refuses a second entry under one name and hands its entries out in a stable order.
Those that exist stand at the end; what an entry must look like is said there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

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
class DueWork:
    """One kind of work the clock starts.

    ``claim(limit)`` leases due rows and returns their ids; ``work(id)`` does one of them and returns a line for the
    worker's output. Both are safe to run twice at once: the claim is a compare-and-set and the work repeats harmlessly.
    ``next_due()`` says when the earliest waiting row is due (None: nothing waits), for tests and the tour.
    ``release(ids)`` gives back what was claimed and not begun; ``find(id)`` is the row, for an incident about it.
    """

    claim: Callable[[int], list[int]]
    work: Callable[[int], str]
    next_due: Callable[[], datetime | None]
    release: Callable[[list[int]], None]
    find: Callable[[int], Any]


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


due_work: Registry[DueWork] = Registry("due work")
"""What the worker claims: inquiries, cancels, refreshes, unapplied notifications."""

notification_handlers: Registry[Callable[..., Any]] = Registry("notification handlers")
"""By message class name: ``handler(account, message) -> bool``; False when the thing it speaks of is unknown here."""

timelines: Registry[Callable[[Any], list[TimelineEntry]]] = Registry("timelines")
"""``contributor(thing) -> entries``, called for every page that shows a timeline (a Payment, an Order, …)."""

marks: Registry[Callable[[Any], list[tuple[str, str]]]] = Registry("marks")
"""``contributor(thing) -> (word, tone)``: further states beside a thing's own, at the head of its page."""

today: Registry[Callable[[], list[TodayLine]]] = Registry("today")
"""``lines() -> TodayLine[]``: what waits for a person."""

panels: Registry[Callable[[], list[Panel]]] = Registry("panels")
"""``panels() -> Panel[]``: the figures beside and below the queue; an empty list when there is nothing to show."""

searches: Registry[Callable[[str], list[tuple[str, str, str]]]] = Registry("searches")
"""``search(text) -> (kind, label, url)``: exact ids first."""
