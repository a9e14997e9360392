"""The admin site as the merchant's desk: the first page, the navigation, the search."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.formats import date_format

from portal import clock, gather, registry
from portal.registry import Panel, TodayLine
from portal.words import lazy, say

QUEUE_AT_MOST = 50
"""Lines of the queue shown at once; the oldest come first, so the rest moves up as they are dealt with."""


class DeskSite(AdminSite):
    """Stock Django admin with our own first page, navigation and search."""

    site_header = "Autodebit"
    site_title = "Autodebit"
    index_title = lazy("Today")
    site_url = None
    enable_nav_sidebar = False
    logout_template = "admin/logged_out.html"
    password_change_template = "admin/password_change.html"  # noqa: S105 - a template
    password_change_done_template = "admin/password_change_done.html"  # noqa: S105

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """The search before the stock URLs, whose last one catches all."""
        mine = [
            path("search/", self.admin_view(self.search), name="search"),
            path("news/", self.admin_view(self.news), name="news"),
        ]
        return [*mine, *super().get_urls()]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """A page of the desk: of staff, who have shown a second factor if they need one."""
        from portal import sessions, signing_in  # noqa: PLC0415 - as below

        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_authenticated and view != self.logout:
                if signing_in.must_enrol(request):
                    return HttpResponseRedirect(reverse("enrol"))
                sessions.note_seen(request)
            response: HttpResponseBase = inner(request, *args, **kwargs)
            return response

        return guarded

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The way in is allauth's, which stands before this one under the same address."""
        return HttpResponseRedirect(reverse("account_login"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The session ends, and its row says so."""
        from portal import sessions  # noqa: PLC0415 - as below
        from portal.models import SignInEnd  # noqa: PLC0415 - as below

        sessions.end_this(request, SignInEnd.LEFT)
        return super().logout(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """One's own password; the other sessions end with the old one."""
        from portal import sessions  # noqa: PLC0415 - as below
        from portal.models import SignInEnd  # noqa: PLC0415 - as below

        before = request.session.session_key
        response = super().password_change(request, extra_context)
        if request.session.session_key != before:
            user: Any = request.user
            sessions.key_changed(request)
            sessions.end_all(user, SignInEnd.PASSWORD, but=request)
        return response

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page of the desk shows around its content."""
        from portal.desk import navigation  # noqa: PLC0415 - this module is imported before the apps are loaded

        now = clock.now()
        context: dict[str, Any] = {
            **super().each_context(request),
            "desk_zone": say(
                "{TIME_ZONE} ({zone}); the acquirer’s day is UTC+8", TIME_ZONE=settings.TIME_ZONE, zone=_zone(now)
            ),
            "sandbox_clock": "" if settings.IS_PRODUCTION else f"{_short(now)} {_zone(now)}",
            "navigation": [],
        }
        if context["has_permission"]:
            user: Any = request.user
            home = reverse("admin:index")
            today = navigation.Item(label=say("Today"), url=home, icon="today", is_current=request.path == home)
            context["navigation"] = navigation.groups(request, self._registry.values(), today)
            context["initials"] = _initials(user.get_full_name() or user.get_username())
        return context

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Nothing: the navigation is made from what each admin says about its place."""
        return []

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Today: what needs a person, oldest first, and the figures of the week."""
        user: Any = request.user
        once = registry.Once()
        figures: list[Panel] = [
            panel
            for make in registry.panels
            for panel in make(once)
            if not panel.permission or user.has_perm(panel.permission)
        ]
        now = clock.now()
        there = now.astimezone(clock.ACQUIRER_ZONE)
        midnight = datetime.combine(there.date() + timedelta(days=1), time.min, clock.ACQUIRER_ZONE)
        minutes = int((midnight - now).total_seconds()) // 60
        local = timezone.localtime(now)
        context = {
            **self.each_context(request),
            "title": self.index_title,
            "day": date_format(local, say("l j F")),
            "day_ends": say("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60),
            "queue": self.queue(request)[:QUEUE_AT_MOST],
            "panels": figures,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/index.html", context)

    def app_index(  # type: ignore[override]
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The first page: apps are no places a person looks for."""
        return HttpResponseRedirect(reverse("admin:index"))

    def search(self, request: HttpRequest) -> HttpResponse:
        """Find by any id; what carries it as its own is opened at once."""
        from portal import finding  # noqa: PLC0415 - as above

        text = request.GET.get("q", "")[: finding.LONGEST + 1].replace("\x00", "").strip()

        def may_see(model: type[Any]) -> bool:
            model_admin = self._registry.get(model)
            return model_admin is not None and model_admin.has_view_or_change_permission(request)

        found = finding.find(text, may_see=may_see)
        if found.only is not None:
            return HttpResponseRedirect(found.only.url)
        context = {**self.each_context(request), "title": say("Search"), "searched": text, "found": found}
        return TemplateResponse(request, "desk/search.html", context)

    def news(self, request: HttpRequest) -> HttpResponse:
        """What the person is told by e-mail: each looks after their own."""
        from portal import news  # noqa: PLC0415 - this module is imported before the apps are loaded
        from portal.actor import Actor  # noqa: PLC0415
        from portal.desk.news import NewsForm  # noqa: PLC0415

        person: Any = request.user
        form = NewsForm(request.POST or None, instance=news.wish_of(person))
        if request.method == "POST" and form.is_valid():
            news.change(person, by=Actor.person(person), **form.cleaned_data)
            messages.success(request, say("That is what you are told from now on."))
            return HttpResponseRedirect(reverse("admin:index"))
        context = {
            **self.each_context(request),
            "title": say("News by e-mail"),
            "form": form,
            "address": person.email,
        }
        return TemplateResponse(request, "desk/news.html", context)

    def queue(self, request: HttpRequest) -> list[TodayLine]:
        """What needs a person and this person may open, oldest first. Asked for once in a request."""
        from portal.desk import navigation  # noqa: PLC0415 - as above

        held: list[TodayLine] | None = getattr(request, "desk_queue", None)
        if held is None:
            admins = self._registry.values()
            waiting = navigation.waiting(request, admins).of_today
            queues = [queue for name, queue in registry.today.items() if waiting.get(name)]
            found = gather.rows([queue.rows for queue in queues])
            lines = [line for queue, rows in zip(queues, found, strict=True) for line in queue.lines(rows)]
            held = sorted(
                (
                    line
                    if line.act_url and navigation.may_open(request, admins, line.act_url)
                    else replace(line, act_url="", action=say("Open", sense="act") if line.act_url else line.action)
                    for line in lines
                    if navigation.may_open(request, admins, line.url)
                ),
                key=lambda line: line.since,
            )
            request.desk_queue = held  # type: ignore[attr-defined]
        return held


def _zone(moment: datetime) -> str:
    from portal.admin.display import zone_name  # noqa: PLC0415 - as above

    return zone_name(moment)


def _short(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return date_format(local, say("j M H:i"))


def _initials(name: str) -> str:
    words = name.replace(".", " ").replace("_", " ").split()
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words[:1])).upper()
