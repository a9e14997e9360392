"""The pages around a list: its columns, its views, its export. Each is an ordinary form, without a script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone

from portal import clock, gather, journal
from portal.actor import Actor
from portal.admin import exports, looks
from portal.admin.paging import VIEW, KeysetList
from portal.errors import PortalError
from portal.models import ListView
from portal.words import in_english, say, told

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    _ModelAdmin = ModelAdmin[Any]
else:
    _ModelAdmin = object

MAY_EXPORT, MAY_EXPORT_PERSONAL = "portal.act_export", "portal.act_export_personal"


@dataclass(frozen=True)
class Choice:
    """A column that may be shown."""

    name: str
    title: str
    is_shown: bool


@dataclass(frozen=True)
class Tab:
    """A view above the list."""

    label: str
    url: str
    is_current: bool
    note: str = ""


class ListPages(_ModelAdmin):
    """Mixed into the desk's admins."""

    more_columns: ClassVar[Sequence[str]]
    home_of: Any
    page_context: Any

    # Columns.

    def columns_view(self, request: HttpRequest) -> HttpResponse:
        """Choose the columns and their order. Moving one shows the page again; only Save keeps anything."""
        self._may_look(request)
        user: Any = request.user
        offered = [str(name) for name in self.offered_columns()]
        chosen = [name for name in looks.of(request, self._list_name).columns() if name in offered]
        chosen = chosen or [str(name) for name in self.list_display]
        order = [*chosen, *(name for name in offered if name not in chosen)]
        if request.method == "POST":
            sent = [name for name in dict.fromkeys(request.POST.getlist("order")) if name in offered]
            order = [*sent, *(name for name in offered if name not in sent)]
            chosen = [name for name in order if name in request.POST.getlist("column")]
            direction, _, name = request.POST.get("move", "").partition(":")
            if direction in {"up", "down"}:
                order = looks.moved(order, name, -1 if direction == "up" else 1)
            elif "reset" in request.POST:
                looks.choose((), user=user, list_name=self._list_name, view=looks.of(request, self._list_name).current)
                return HttpResponseRedirect(self._back(request))
            elif chosen:
                view = looks.of(request, self._list_name).current
                looks.choose(chosen, user=user, list_name=self._list_name, view=view)
                return HttpResponseRedirect(self._back(request))
        context = {
            **self.page_context(request, None),
            "title": say("Columns"),
            "back": self._back(request),
            "choices": [Choice(name, self._title_of(name), name in chosen) for name in order],
            "is_refused": request.method == "POST" and not chosen,
        }
        return TemplateResponse(request, "admin/ledger/columns.html", context)

    def offered_columns(self) -> list[Any]:
        """The list's own columns, and those one may add."""
        return [*self.list_display, *self.more_columns]

    def _title_of(self, name: str) -> str:
        title = str(label_for_field(name, self.opts.model, model_admin=self))
        return told(title[:1].upper() + title[1:])

    # Views.

    def views_view(self, request: HttpRequest) -> HttpResponse:
        """Save what the list shows now under a name; share, open by default or delete one's views."""
        self._may_look(request)
        user: Any = request.user
        look = looks.of(request, self._list_name)
        refusal = ""
        if request.method == "POST":
            try:
                return self._change_views(request, user, look)
            except PortalError as reason:
                refusal = reason.message
        context = {
            **self.page_context(request, None),
            "title": say("Views"),
            "back": self._back(request),
            "filters": self._in_words(request),
            "mine": [view for view in look.views if view.owner_id == user.pk],
            "may_share": user.has_perm("portal.act_share_view"),
            "refusal": refusal,
            "name": request.POST.get("name", look.current.name if look.current else ""),
        }
        return TemplateResponse(request, "admin/ledger/views.html", context)

    def _change_views(self, request: HttpRequest, user: Any, look: looks.Looks) -> HttpResponse:
        what, _, key = request.POST.get("do", "").partition(":")
        if what == "save":
            view = looks.save(
                request.POST.get("name", ""),
                user=user,
                list_name=self._list_name,
                query=looks.query_of(request.GET, self.list_filter),
                columns=look.columns(),
                is_shared="shared" in request.POST,
                is_default="default" in request.POST,
            )
            messages.success(request, say("“{name}” is saved.", name=view.name))
            return HttpResponseRedirect(self._url_of(view))
        chosen = next((view for view in look.views if str(view.pk) == key), None)
        if chosen is None:
            raise Http404(say("There is no such view."))
        messages.success(request, looks.change(chosen, what, user=user))
        return HttpResponseRedirect(request.get_full_path())

    def tabs(self, request: HttpRequest) -> list[Tab]:
        """The views above the list; none where nobody has saved one."""
        look = looks.of(request, self._list_name)
        if not look.views:
            return []
        user: Any = request.user
        home = self.home_of(None)
        everything = Tab(say("All"), f"{home}?{VIEW}={looks.NO_VIEW}", look.current is None)
        return [
            everything,
            *(
                Tab(
                    view.name,
                    self._url_of(view),
                    look.current is not None and view.pk == look.current.pk,
                    "" if view.owner_id == user.pk else say("shared by {owner}", owner=view.owner.get_username()),
                )
                for view in look.views
            ),
        ]

    def _url_of(self, view: ListView) -> str:
        return f"{self.home_of(None)}?{'&'.join(part for part in (view.query, f'{VIEW}={view.pk}') if part)}"

    # Export.

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The list as a file. GET says how many rows, in which columns; POST writes it, and the journal."""
        self._may_look(request)
        user: Any = request.user
        if not user.has_perm(MAY_EXPORT):
            raise PermissionDenied
        cl: Any = self.get_changelist_instance(request)
        may_see = user.has_perm(MAY_EXPORT_PERSONAL)
        columns = exports.columns_of(cl, may_see_personal=may_see)
        kind = request.POST.get("kind", "")
        refusal = ""
        if request.method == "POST" and kind in exports.TYPES:
            try:
                return self._file(request, cl, kind, columns, may_see_personal=may_see)
            except exports.TooManyRows as reason:
                refusal = reason.message
        (count,) = gather.counts([cl.queryset], at_most=exports.ROWS_AT_MOST + 1)
        context = {
            **self.page_context(request, None),
            "title": say("Export"),
            "back": self._back(request),
            "count": count,
            "is_too_many": count > exports.ROWS_AT_MOST,
            "most": exports.ROWS_AT_MOST,
            "columns": [column.title for column in columns],
            "masked": [column.title for column in columns if column.is_masked],
            "filters": self._in_words(request),
            "columns_url": f"../columns/?{request.GET.urlencode()}",
            "refusal": refusal,
        }
        return TemplateResponse(request, "admin/ledger/export.html", context)

    def _file(
        self,
        request: HttpRequest,
        cl: KeysetList,
        kind: str,
        columns: list[exports.Column],
        *,
        may_see_personal: bool,
    ) -> FileResponse:
        file, count = exports.write(cl, kind, columns)
        with in_english():
            titles = [column.title for column in exports.columns_of(cl, may_see_personal=may_see_personal)]
        journal.write(
            "export",
            by=Actor.person(request.user),
            after={
                "list": self._list_name,
                "filters": looks.query_of(request.GET, self.list_filter),
                "columns": titles,
                "rows": count,
                "format": kind,
                "personal data": "shown" if may_see_personal else "masked",
            },
            outcome=f"{count:,} rows of {self.opts.verbose_name_plural}.",
        )
        name = f"{self.opts.model_name}-{timezone.localtime(clock.now()):%Y%m%d-%H%M%S}.{kind}"
        response = FileResponse(file, as_attachment=True, filename=name, content_type=exports.TYPES[kind])
        response["Content-Length"] = str(exports.size_of(file))
        response["Cache-Control"] = "no-store"
        return response

    # Shared.

    @property
    def _list_name(self) -> str:
        return str(self.opts.label_lower)

    def _may_look(self, request: HttpRequest) -> None:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if request.method not in {"GET", "HEAD", "POST"}:
            raise Http404

    def _back(self, request: HttpRequest) -> str:
        """The list as one left it."""
        kept = request.GET.urlencode()
        return f"{self.home_of(None)}?{kept}" if kept else str(self.home_of(None))

    def _in_words(self, request: HttpRequest) -> list[str]:
        """What the list is narrowed to, for a person."""
        cl: Any = self.get_changelist_instance(request)
        said = [f"{cl.query}"] if cl.query else []
        for spec in cl.filter_specs:
            told = getattr(spec, "in_words", None)
            chosen = (
                told()
                if told
                else [str(choice["display"]) for choice in list(spec.choices(cl))[1:] if choice["selected"]]
            )
            said += [word for word in chosen if word]
        said += [label for label, _, is_chosen in cl.orders()[1:] if is_chosen]
        return said

    def list_links(self, request: HttpRequest) -> dict[str, str]:
        """The buttons of a list: columns, views, export, with what the URL says now."""
        user: Any = request.user
        kept = urlencode(
            [(name, value) for name, value in request.GET.items() if name not in {"after", "before", "end"}]
        )
        query = f"?{kept}" if kept else ""
        links = {"columns": f"columns/{query}", "views": f"views/{query}"}
        if user.has_perm(MAY_EXPORT):
            links["export"] = f"export/{query}"
        return links
