"""The admin site as the merchant's desk: the first page, the navigation, the search."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone

from portal import clock, registry
from portal.registry import Panel, TodayLine

QUEUE_AT_MOST = 50
"""Lines of the queue shown at once; the oldest come first, so the rest moves up as they are dealt with."""


class DeskSite(AdminSite):
    """Stock Django admin with our own first page, navigation and search."""

    site_header = "Autodebit"
    site_title = "Autodebit"
    index_title = "Today"
    site_url = None
    enable_nav_sidebar = False
    login_template = "admin/login.html"
    logout_template = "admin/logged_out.html"
    password_change_template = "admin/password_change.html"  # noqa: S105 - a template
    password_change_done_template = "admin/password_change_done.html"  # noqa: S105

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """The search before the stock URLs, whose last one catches all."""
        return [path("search/", self.admin_view(self.search), name="search"), *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page of the desk shows around its content."""
        from portal.desk import navigation  # noqa: PLC0415 - this module is imported before the apps are loaded

        now = clock.now()
        context: dict[str, Any] = {
            **super().each_context(request),
            "desk_zone": f"{settings.TIME_ZONE} ({_zone(now)}); the acquirer’s day is UTC+8",
            "sandbox_clock": "" if settings.IS_PRODUCTION else f"{_short(now)} {_zone(now)}",
            "navigation": [],
        }
        if context["has_permission"]:
            user: Any = request.user
            queue = self.queue(request)
            today = navigation.Item(
                label="Today",
                url=reverse("admin:index"),
                icon="today",
                count=len(queue),
                is_current=request.path == reverse("admin:index"),
            )
            context["navigation"] = navigation.groups(request, self._registry.values(), today)
            context["initials"] = _initials(user.get_full_name() or user.get_username())
        return context

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Nothing: the navigation is made from what each admin says about its place."""
        return []

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Today: what needs a person, oldest first, and the figures of the week."""
        user: Any = request.user
        figures: list[Panel] = [
            panel
            for make in registry.panels
            for panel in make()
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
            "day": f"{local:%A} {local.day} {local:%B}",
            "day_ends": f"{minutes // 60} h {minutes % 60} min",
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
        """Find by any id; a single hit is opened at once."""
        from portal.desk import navigation, search  # noqa: PLC0415 - as above

        text = request.GET.get("q", "")[: search.LONGEST + 1].replace("\x00", "").strip()
        hits = [hit for hit in search.find(text) if navigation.may_open(request, self._registry.values(), hit.url)]
        if len(hits) == 1:
            return HttpResponseRedirect(hits[0].url)
        context = {**self.each_context(request), "title": "Search", "searched": text, "hits": hits}
        return TemplateResponse(request, "desk/search.html", context)

    def queue(self, request: HttpRequest) -> list[TodayLine]:
        """What needs a person and this person may open, oldest first. Asked for once in a request."""
        from portal.desk import navigation  # noqa: PLC0415 - as above

        held: list[TodayLine] | None = getattr(request, "desk_queue", None)
        if held is None:
            admins = self._registry.values()
            lines = [line for make in registry.today for line in make()]
            held = sorted(
                (
                    line
                    if line.act_url and navigation.may_open(request, admins, line.act_url)
                    else replace(line, act_url="", action="Open" if line.act_url else line.action)
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
    return f"{local.day} {local:%b %H:%M}"


def _initials(name: str) -> str:
    words = name.replace(".", " ").replace("_", " ").split()
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words[:1])).upper()
