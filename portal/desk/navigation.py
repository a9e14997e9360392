"""The navigation of the desk: every admin that names a section, with the count of what waits for a person there."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from portal import gather, registry
from portal.words import told

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
    """Counted once in a request, for the navigation and for the queue. Who names no rows has its lines made."""
    held: Waiting | None = getattr(request, "desk_waiting", None)
    if held is None:
        held = request.desk_waiting = _counted(request, admins)  # type: ignore[attr-defined]
    return held


def _counted(request: HttpRequest, admins: Iterable[Any]) -> Waiting:
    user: Any = request.user
    asked = [
        (url, model_admin.hot_rows)
        for model_admin in admins
        if (url := _url_of(model_admin, request)) and model_admin.hot_rows is not None
    ]
    of_today = [
        (name, behind)
        for name, rows in registry.today_rows.items()
        for permission, behind in rows
        if user.has_perm(permission)
    ]
    counts = gather.counts([rows for _, rows in [*asked, *of_today]])
    lines = {name: len(make()) for name, make in registry.today.items() if registry.today_rows.get(name) is None}
    for (name, _), count in zip(of_today, counts[len(asked) :], strict=True):
        lines[name] = lines.get(name, 0) + count
    return Waiting({url: count for (url, _), count in zip(asked, counts, strict=False)}, lines)


def _url_of(model_admin: Any, request: HttpRequest) -> str:
    """Of its list, where it has a place in the navigation and the person may open it."""
    if not getattr(model_admin, "section", "") or not model_admin.has_view_or_change_permission(request):
        return ""
    try:
        return reverse(f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_changelist")
    except NoReverseMatch:
        return ""


def groups(request: HttpRequest, admins: Iterable[Any], today: Item) -> list[Group]:
    """The navigation as this person sees it."""
    counted = waiting(request, admins)
    placed: dict[str, list[tuple[int, Item]]] = {}
    for model_admin in admins:
        url = _url_of(model_admin, request)
        if not url:
            continue
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
    """Whether this person may open a page of the desk; URLs that lead elsewhere are nobody's secret."""
    path = url.partition("?")[0].partition("#")[0]
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
