"""The navigation of the desk: every admin that names a section, with the count of what waits for a person there."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

SECTIONS = ("Payments", "Wallets", "Finance", "System")
"""In this order; a section that is not here comes after them, by name."""


@dataclass(frozen=True)
class Item:
    """One line of the navigation."""

    label: str
    url: str
    icon: str
    count: int = 0
    is_current: bool = False


@dataclass(frozen=True)
class Group:
    """A titled group of lines; without lines it is not shown."""

    title: str
    items: list[Item] = field(default_factory=list)


def groups(request: HttpRequest, admins: Iterable[Any], today: Item) -> list[Group]:
    """The navigation as this person sees it. One cheap query for each admin that counts."""
    placed: dict[str, list[tuple[int, Item]]] = {}
    for model_admin in admins:
        section = getattr(model_admin, "section", "")
        if not section or not model_admin.has_view_or_change_permission(request):
            continue
        opts = model_admin.opts
        try:
            url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
        except NoReverseMatch:
            continue
        item = Item(
            label=model_admin.menu_label or str(opts.verbose_name_plural).capitalize(),
            url=url,
            icon=model_admin.icon,
            count=model_admin.hot_count(),
            is_current=request.path.startswith(url),
        )
        placed.setdefault(section, []).append((model_admin.position, item))
    order = {section: index for index, section in enumerate(SECTIONS)}
    titles = sorted(placed, key=lambda title: (order.get(title, len(order)), title))
    return [
        Group("", [today]),
        *(
            Group(title, [item for _, item in sorted(placed[title], key=lambda pair: (pair[0], pair[1].label))])
            for title in titles
        ),
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
