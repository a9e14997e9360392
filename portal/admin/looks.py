"""How somebody looks at a list: the columns they chose, and the views they saved or were given by others.

``?view=12`` says whose columns are in force and which tab is lit; the filters of a view stand in the URL beside it, so
that they can be changed on top of it and a copied address shows the same rows to everybody. ``?view=0`` is the list as
it is, for whoever has another one to open by default.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, QueryDict

from portal import journal
from portal.actor import Actor
from portal.admin.paging import SORT, VIEW, expected_of
from portal.errors import Conflict, InvalidInput, NotAllowed
from portal.models import ListView

NO_VIEW = "0"
_LONGEST_QUERY = 1000
_VIEWS_AT_MOST = 30
"""Of one person and list: more are a list of their own."""


@dataclass(frozen=True)
class Looks:
    """What one person has for one list."""

    views: Sequence[ListView] = ()
    """Their own named ones and those others share, by name."""
    left: ListView | None = None
    """The columns as they left them."""
    current: ListView | None = None
    """The view that is open."""
    known: frozenset[int] = field(default_factory=frozenset)

    def columns(self) -> Sequence[str]:
        """The columns in force; empty: the list's own."""
        for one in (self.current, self.left):
            if one is not None and one.columns:
                return [str(name) for name in one.columns]
        return ()

    def default(self, user: Any) -> ListView | None:
        """What the list opens on."""
        return next((view for view in self.views if view.is_default and view.owner_id == user.pk), None)


def of(request: HttpRequest, list_name: str) -> Looks:
    """The looks of whoever asks at a list: one query, once in a request."""
    held: dict[str, Looks] = request.__dict__.setdefault("desk_looks", {})
    if list_name not in held:
        user: Any = request.user
        rows = list(
            ListView.objects.filter(Q(owner=user) | Q(is_shared=True), list_name=list_name).select_related("owner")
        )
        views = [row for row in rows if row.name]
        left = next((row for row in rows if not row.name and row.owner_id == user.pk), None)
        asked = request.GET.get(VIEW, "")
        current = next((view for view in views if str(view.pk) == asked), None)
        held[list_name] = Looks(views, left, current)
    return held[list_name]


def query_of(given: QueryDict, list_filter: Iterable[Any]) -> str:
    """The filters and the order of a URL, without the place in the list and without a view."""
    known = {name for one in list_filter for name in expected_of(one)} | {"q", SORT}
    kept = QueryDict(mutable=True)
    for name in sorted(known & set(given)):
        if given[name] != "":
            kept[name] = str(given[name])
    return kept.urlencode()


def save(
    name: str, *, user: Any, list_name: str, query: str, columns: Sequence[str], is_shared: bool, is_default: bool
) -> ListView:
    """Keep a view under a name; the same name again replaces what it held.

    Raises InvalidInput for no name, too long a filter or too many views, and NotAllowed for sharing without the right.
    """
    name = " ".join(name.split())
    if not name:
        raise InvalidInput("Give the view a name.")
    if len(name) > 60 or "\x00" in name:
        raise InvalidInput("A name has at most 60 characters.")
    if len(query) > _LONGEST_QUERY:
        raise InvalidInput("These filters are too long to be kept.")
    if is_shared:
        _may_share(user)
    mine = ListView.objects.filter(owner=user, list_name=list_name)
    if mine.exclude(name="").exclude(name=name).count() >= _VIEWS_AT_MOST:
        raise InvalidInput(f"{_VIEWS_AT_MOST} views of one list are enough. Delete one first.")
    try:
        with transaction.atomic():
            if is_default:
                mine.filter(is_default=True).update(is_default=False)
            before = mine.filter(name=name).values_list("is_shared", flat=True).first()
            view, _ = ListView.objects.update_or_create(
                owner=user,
                list_name=list_name,
                name=name,
                defaults={
                    "query": query,
                    "columns": list(columns),
                    "is_shared": is_shared,
                    "is_default": is_default,
                },
            )
            _note(view, user, was_shared=bool(before))
    except IntegrityError:
        raise Conflict("This view was saved in another window at the same moment. Look at it again.") from None
    return view


def _note(view: ListView, user: Any, *, was_shared: bool) -> None:
    """What is shown to everybody is a setting, and stands in the journal; what is one's own is nobody's business."""
    if view.is_shared or was_shared:
        journal.write(
            "share view" if view.is_shared else "stop sharing view",
            by=Actor.person(user),
            after={"list": view.list_name, "name": view.name, "filters": view.query, "columns": view.columns},
        )


def change(view: ListView, what: str, *, user: Any) -> str:
    """Do one thing to a view of one's own, ``share``, ``unshare``, ``default``, ``undefault`` or ``delete``; in words.

    Raises NotAllowed for somebody else's view and for sharing without the right.
    """
    if view.owner_id != user.pk:
        raise NotAllowed("This view belongs to somebody else. Save one of your own.")
    with transaction.atomic():
        match what:
            case "delete":
                view.is_shared, was_shared = False, view.is_shared
                _note(view, user, was_shared=was_shared)
                view.delete()
                return f"“{view.name}” is deleted."
            case "share" | "unshare":
                _may_share(user)
                was_shared, view.is_shared = view.is_shared, what == "share"
                view.save(update_fields=["is_shared"])
                _note(view, user, was_shared=was_shared)
                return f"“{view.name}” is {'shared with everybody' if view.is_shared else 'yours alone'} now."
            case "default" | "undefault":
                ListView.objects.filter(owner=user, list_name=view.list_name).update(is_default=False)
                view.is_default = what == "default"
                view.save(update_fields=["is_default"])
                return f"The list opens {f'on “{view.name}”' if view.is_default else 'as it is'} from now on."
    raise InvalidInput("There is no such thing to do with a view.")


def _may_share(user: Any) -> None:
    if not user.has_perm("portal.act_share_view"):
        raise NotAllowed("You may save views for yourself. Ask an administrator to share one.")


def choose(columns: Sequence[str], *, user: Any, list_name: str, view: ListView | None) -> None:
    """Remember somebody's columns of a list: in the view of theirs that is open, else as they left the list."""
    if view is not None and view.owner_id == user.pk:
        view.columns = list(columns)
        view.save(update_fields=["columns"])
        return
    ListView.objects.update_or_create(owner=user, list_name=list_name, name="", defaults={"columns": list(columns)})


def moved(columns: Sequence[str], name: str, by: int) -> list[str]:
    """The columns with one of them moved by so many places."""
    order = list(columns)
    if name in order:
        place = order.index(name)
        order.insert(max(0, min(len(order) - 1, place + by)), order.pop(place))
    return order
