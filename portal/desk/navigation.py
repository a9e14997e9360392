"""The navigation of the desk: every admin that names a section, with the count of what waits for a person there."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from portal import gather, registry
from portal.words import told

_KEY = re.compile(r"/\d+/")
SECTIONS = ("Payments", "Wallets", "Finance", "Webhooks", "System")
"""In this order; a section that is not here comes after them, by name."""


@dataclass(frozen=True)
class Item:
    """One line of the navigation."""

    label: str
    url: str
    icon: str
    count: int = 0
    """Of what waits for a person there; not counted beyond ``gather.MOST``."""
    is_current: bool = False

    @property
    def count_shown(self) -> str:
        """``4``, or ``99+`` where nobody counted on."""
        return str(self.count) if self.count < gather.MOST else f"{gather.MOST - 1}+"


@dataclass(frozen=True)
class Group:
    """A titled group of lines; without lines it is not shown."""

    title: str
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True)
class Waiting:
    """What waits for a person, as one statement counted it."""

    behind: dict[str, int]
    """By the URL of the line that leads there."""
    of_today: dict[str, int]
    """Lines of the first page's queue, by the name of who has them to say; as far as the person may see them."""


def waiting(request: HttpRequest, admins: Iterable[Any]) -> Waiting:
    """Counted once in a request, for the navigation and for the queue."""
    held: Waiting | None = getattr(request, "desk_waiting", None)
    if held is None:
        held = request.desk_waiting = _counted(request, admins)  # type: ignore[attr-defined]
    return held


def _counted(request: HttpRequest, admins: Iterable[Any]) -> Waiting:
    user: Any = request.user
    asked = [
        (url, model_admin.hot_rows) for model_admin, url in _places(request, admins) if model_admin.hot_rows is not None
    ]
    of_today = [
        (name, rows)
        for name, queue in registry.today.items()
        if user.has_perm(queue.permission)
        for rows in queue.waiting
    ]
    counts = gather.counts([rows for _, rows in [*asked, *of_today]])
    lines: dict[str, int] = {}
    for (name, _), count in zip(of_today, counts[len(asked) :], strict=True):
        lines[name] = lines.get(name, 0) + count
    return Waiting({url: count for (url, _), count in zip(asked, counts, strict=False)}, lines)


def _places(request: HttpRequest, admins: Iterable[Any]) -> list[tuple[Any, str]]:
    """Every admin that has a place in the navigation and whose list the person may open, with the list's URL."""
    held: list[tuple[Any, str]] | None = getattr(request, "desk_places", None)
    if held is None:
        held = request.desk_places = [  # type: ignore[attr-defined]
            (model_admin, url)
            for model_admin in admins
            if getattr(model_admin, "section", "")
            and model_admin.has_view_or_change_permission(request)
            and (url := _url_of(model_admin.opts.app_label, model_admin.opts.model_name))
        ]
    return held


@cache
def _url_of(app_label: str, model_name: str) -> str:
    """Of its list. Kept: on every page there are thirty of them, and finding them was a seventh of its time."""
    try:
        return reverse(f"admin:{app_label}_{model_name}_changelist")
    except NoReverseMatch:
        return ""


def groups(request: HttpRequest, admins: Iterable[Any], today: Item) -> list[Group]:
    """The navigation as this person sees it."""
    counted = waiting(request, admins)
    placed: dict[str, list[tuple[int, Item]]] = {}
    for model_admin, url in _places(request, admins):
        item = Item(
            label=told(model_admin.menu_label or str(model_admin.opts.verbose_name_plural).capitalize()),
            url=url,
            icon=model_admin.icon,
            count=counted.behind.get(url, 0),
            is_current=request.path.startswith(url),
        )
        placed.setdefault(model_admin.section, []).append((model_admin.position, item))
    order = {section: index for index, section in enumerate(SECTIONS)}
    titles = sorted(placed, key=lambda title: (order.get(title, len(order)), title))

    def lines_of(title: str) -> list[Item]:
        return [item for _, item in sorted(placed[title], key=lambda pair: (pair[0], pair[1].label))]

    return [
        Group("", [replace(today, count=sum(counted.of_today.values()))]),
        *(Group(told(title), lines_of(title)) for title in titles),
    ]


def may_open(request: HttpRequest, admins: Iterable[Any], url: str) -> bool:
    """Whether this person may open a page of the desk; URLs that lead elsewhere are nobody's secret.

    Looked up once in a request for all things of a kind.
    """
    path = _KEY.sub("/0/", url.partition("?")[0].partition("#")[0])
    known: dict[str, bool] = request.__dict__.setdefault("desk_may_open", {})
    if path not in known:
        known[path] = _may_open(request, admins, path)
    return known[path]


def _may_open(request: HttpRequest, admins: Iterable[Any], path: str) -> bool:
    try:
        match = resolve(path)
    except Resolver404:
        return True
    for model_admin in admins:
        opts = model_admin.opts
        if (match.url_name or "").startswith(f"{opts.app_label}_{opts.model_name}_"):
            if not model_admin.has_view_or_change_permission(request):
                return False
            name = match.kwargs.get("act_name")
            acts = [*getattr(model_admin, "acts", ()), *getattr(model_admin, "list_acts", ())]
            return name is None or any(act.name == name and model_admin.may_act(request, act) for act in acts)
    return True
