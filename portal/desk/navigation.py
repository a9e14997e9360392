"""The navigation of the desk: every admin that names a section, with the count of what waits for a person there."""

from collections.abc import Iterable, Sequence
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


def groups(request: HttpRequest, admins: Iterable[Any], today: Item, lines: int | None = None) -> list[Group]:
    """The navigation as this person sees it. One statement counts for all of it what waits.

    ``lines`` is the length of today's queue where the page has made it anyway; else it is counted with the rest.
    """
    placed: dict[str, list[tuple[int, Item]]] = {}
    asked: list[tuple[str, gather.Standing]] = []
    for model_admin in admins:
        section = getattr(model_admin, "section", "")
        if not section or not model_admin.has_view_or_change_permission(request):
            continue
        opts = model_admin.opts
        try:
            url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
        except NoReverseMatch:
            continue
        if model_admin.hot_rows is not None:
            asked.append((url, model_admin.hot_rows))
        item = Item(
            label=told(model_admin.menu_label or str(opts.verbose_name_plural).capitalize()),
            url=url,
            icon=model_admin.icon,
            is_current=request.path.startswith(url),
        )
        placed.setdefault(section, []).append((model_admin.position, item))
    counts = _counted(request, asked, today.url, lines)
    order = {section: index for index, section in enumerate(SECTIONS)}
    titles = sorted(placed, key=lambda title: (order.get(title, len(order)), title))

    def lines_of(title: str) -> list[Item]:
        items = sorted(placed[title], key=lambda pair: (pair[0], pair[1].label))
        return [replace(item, count=counts.get(item.url, 0)) for _, item in items]

    return [
        Group("", [replace(today, count=counts.get(today.url, 0))]),
        *(Group(told(title), lines_of(title)) for title in titles),
    ]


def _counted(
    request: HttpRequest, asked: Sequence[tuple[str, gather.Standing]], today_url: str, lines: int | None
) -> dict[str, int]:
    """What waits, by the URL of its line. Lines of today whose rows nobody names are made to be counted."""
    questions = list(asked)
    unnamed = 0
    if lines is None:
        for name, make in registry.today.items():
            rows = registry.today_rows.get(name)
            if rows is None:
                unnamed += len(make())
            else:
                user: Any = request.user
                questions += [(today_url, behind) for permission, behind in rows if user.has_perm(permission)]
    counts = {today_url: unnamed if lines is None else lines}
    for (url, _), count in zip(questions, gather.counts([rows for _, rows in questions]), strict=True):
        counts[url] = counts.get(url, 0) + count
    return counts


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
