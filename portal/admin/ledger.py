"""The ledger: an admin that reads everything, edits nothing, and acts through operations.

A list costs a constant number of queries, whatever it shows, and never counts a large table to its end. The page of a
thing opens on its sentence (``headline``), then what happened (``timeline``), then the facts (``cards``); what can be
done stands at the top right (``acts``), each act with a page of its own (``portal.admin.acts``).

    @admin.register(Payment)
    class PaymentAdmin(LedgerAdmin):
        section, position = "Payments", 20
        list_display = ("payment_request_id", "amount", "state")
        search_fields = ("payment_request_id", "payment_id", "order__number")
        list_select_related = ("order",)
        acts = (Act("refund", "Refund…", form=RefundForm, tone="risk"),)

        def refund(self, request, payment, form):
            refund = operations.refund(payment, form.amount(), by=form.actor, …, remember=form.remember)
            return f"Refund {refund} was promised."
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.text import slugify, smart_split, unescape_string_literal

from portal import approvals, clock, gather, registry, signing_in
from portal.acquirer.wallets import name_of
from portal.actor import Actor
from portal.admin import display, looks
from portal.admin.acts import Act, ActForm, Done, FormUsedBefore, was_used
from portal.admin.display import Chip
from portal.admin.lists import ListPages
from portal.admin.paging import KeysetList
from portal.approvals import ApprovalNeeded
from portal.errors import PortalError
from portal.idempotency import KeyReused
from portal.models import AcquirerAccount, Exchange, Incident, JournalEntry, Notification, PaymentMethod
from portal.registry import TimelineEntry
from portal.words import lazy, say, told

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin

_WIRE_LINES = 20
_JOURNAL_LINES = 100
_BUTTONS_AT_MOST = 4
"""More acts than that fold into a menu."""
_LEVELS = {"good": messages.SUCCESS, "wait": messages.WARNING, "bad": messages.ERROR, "": messages.INFO}


@dataclass(frozen=True)
class Headline:
    """The sentence a thing's page opens on: the largest words, its states, and one quiet line."""

    title: Any
    chips: Sequence[Chip] = ()
    line: Any = ""


@dataclass(frozen=True)
class Table:
    """A small table inside a card. ``numeric`` names the columns (by index) that stand right-aligned."""

    head: Sequence[str]
    rows: Sequence[Sequence[Any]]
    numeric: frozenset[int] = frozenset()
    empty: str = lazy("Nothing yet.")

    @cached_property
    def heads(self) -> list[tuple[str, bool]]:
        """Titles with their alignment."""
        return [(title, index in self.numeric) for index, title in enumerate(self.head)]

    @cached_property
    def lines(self) -> list[list[tuple[Any, bool]]]:
        """Cells with their alignment."""
        return [[(cell, index in self.numeric) for index, cell in enumerate(row)] for row in self.rows]


@dataclass(frozen=True)
class Card:
    """A box of facts: (label, value) pairs, and a table or preformatted texts when there is more to say."""

    title: str
    facts: Sequence[tuple[str, Any]] = ()
    note: str = ""
    """Small, at the right of the title."""
    table: Table | None = None
    texts: Sequence[tuple[str, str]] = ()
    """(label, text) pairs shown as they are, e.g. masked messages."""
    wide: bool = False
    """Under the timeline's column, at full width, instead of beside it."""
    text: Any = ""
    template: str = ""
    """Of a card whose content is laid out by its own template, which finds ``context`` under ``card.context``."""
    context: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def slug(self) -> str:
        """For ids within the page."""
        return slugify(self.title)


@dataclass(frozen=True)
class Question:
    """One filter that reads like a question: ``Question("waiting", "Waiting longer than 5 min", lambda: Q(…))``."""

    name: str
    label: str
    condition: Callable[[], Q]
    parts: Callable[[], Sequence[Q]] = tuple
    """Where its rows are to be found: narrower conditions of which a row fulfils exactly one. The list reads each by
    itself, since no index answers all of them in its order."""


class Questions(admin.SimpleListFilter):
    """The row of questions above a list; subclasses give ``questions``. At most one is asked at a time."""

    title = "question"
    parameter_name = "ask"
    questions: Sequence[Question] = ()
    is_row = True
    parts: Sequence[Q] = ()

    @classmethod
    def plug_in(cls, question: Question) -> None:
        """Let an app above ask a question of its own here, e.g. "Paid, not settled"."""
        cls.questions = (*cls.questions, question)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(question.name, question.label) for question in self.questions]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for question in self.questions:
            if question.name == self.value():
                self.parts = question.parts()
                return queryset.filter(question.condition())
        return queryset


def _accounts(request: HttpRequest) -> list[AcquirerAccount]:
    """The accounts there are, without their keys; several filters of one list ask for them once."""
    held: list[AcquirerAccount] | None = request.__dict__.get("desk_accounts")
    if held is None:
        held = list(AcquirerAccount.objects.only("slug", "name").order_by("name"))
        request.__dict__["desk_accounts"] = held
    return held


class AccountFilter(admin.SimpleListFilter):
    """The acquirer accounts; ``path`` leads to the account from the listed row."""

    title = "account"
    parameter_name = "account"
    path = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(account.slug, account.name) for account in _accounts(request)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{f"{self.path}__slug": self.value()}) if self.value() else queryset


class WalletFilter(admin.SimpleListFilter):
    """The wallets some account is contracted for; ``path`` leads to the wallet's code from the listed row."""

    title = "wallet"
    parameter_name = "wallet"
    path = "wallet"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        codes = PaymentMethod.objects.filter(is_contracted=True).order_by().values_list("code", flat=True).distinct()
        return sorted(((code, name_of(code)) for code in codes), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.path: self.value()}) if self.value() else queryset


@dataclass(frozen=True)
class OfferedAct:
    """A button of a page."""

    label: str
    url: str
    tone: str = ""
    of_chosen: bool = False


@dataclass(frozen=True)
class ReadyForm:
    """An act's form that needs no page of its own: where it is sent, its token, and what its button says."""

    url: str
    once: str
    button: str


@dataclass(frozen=True)
class Line:
    """A timeline's line as the page shows it."""

    at: datetime
    stamp: Any
    sentence: Any
    detail: Any = ""
    tone: str = ""
    links: Sequence[tuple[str, str]] = field(default=())


_SEVERAL = 2
_LISTS = ("_changelist", "_export")


class DeskAdmin(ListPages, _ModelAdmin):
    """What every page of the desk shares: its place in the navigation and the count beside it."""

    section: ClassVar[str] = ""
    """The group in the navigation; empty: not shown there."""
    position: ClassVar[int] = 100
    menu_label: ClassVar[str] = ""
    icon: ClassVar[str] = "dot"
    """A symbol of templates/admin/icons.html."""
    hint: ClassVar[str] = ""
    """One line beside a list's title."""
    empty_title: ClassVar[str] = lazy("Nothing here yet")
    empty_text: ClassVar[str] = ""
    """What a list says when it has no rows at all."""

    more_columns: ClassVar[Sequence[str]] = ()
    """Columns one may add to the list: methods as in ``list_display``, or fields of the row itself."""
    personal_columns: ClassVar[Sequence[str]] = ()
    """Columns that tell who somebody is: exports mask them for whoever may not export personal data."""

    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    actions = None
    empty_value_display = display.NOTHING

    hot_rows: gather.Standing | None = None
    """The rows here that wait for a person. The navigation counts them, together with everybody else's.

    The condition must be one an index answers: it is asked on every page.
    """

    account_path: ClassVar[str] = ""
    """Where a row's account is, for a column of it where there are several; empty: the list has none of its own."""

    order_names: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """By the first column of an order that is no history: what the order is called, and what it is called reversed."""

    def read_beside(self, rows: Sequence[Any]) -> None:
        """Put beside rows that are about to be shown or exported what no join brings, asked for all of them at once."""

    def url_of_row(self, row: Any) -> str:
        """Where a row of the list leads, if it is not the page of its own kind."""
        return ""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetList]:
        """Paged by keys."""
        return KeysetList

    def get_urls(self) -> list[URLPattern]:
        """The pages around the list before the stock ones."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        mine = [
            path("columns/", view(self.columns_view), name=f"{name}_columns"),
            path("views/", view(self.views_view), name=f"{name}_views"),
            path("export/", view(self.export_view), name=f"{name}_export"),
        ]
        return mine + super().get_urls()

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns as this person has chosen them."""
        offered = self.offered_columns()
        chosen = [name for name in looks.of(request, self.opts.label_lower).columns() if name in offered]
        return chosen or self._usual_columns(request)

    def _usual_columns(self, request: HttpRequest) -> Sequence[Any]:
        if not self.account_path or len(_accounts(request)) < _SEVERAL:
            return self.list_display
        *first, last = self.list_display
        return (*first, "account_named", last)

    def offered_columns(self) -> list[Any]:
        """Those of the list, and the account's name where it is known."""
        return [*super().offered_columns(), *(["account_named"] if self.account_path else [])]

    def name_of_account(self) -> Any:
        """The name of a row's account, as the database says it. By subquery: only the rows of a page are asked for."""
        accounts = AcquirerAccount.objects.filter(pk=OuterRef(self.account_path)).order_by()
        return Subquery(accounts.values("name")[:1])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """In lists and their files, with the account's name beside each row."""
        rows: QuerySet[Any] = super().get_queryset(request)
        is_list = request.resolver_match is not None and str(request.resolver_match.url_name).endswith(_LISTS)
        return rows.annotate(account_beside=self.name_of_account()) if self.account_path and is_list else rows

    @display.column(lazy("Through account"), is_minor=True)
    def account_named(self, row: Any) -> SafeString | str:
        """The account's name, as far as there is room."""
        return display.cut(getattr(row, "account_beside", None) or "")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list; whoever comes to it without a word sees their default view."""
        default = None if request.GET else looks.of(request, self.opts.label_lower).default(request.user)
        if default is not None:
            return HttpResponseRedirect(self._url_of(default))
        around = {"desk": self, "tabs": self.tabs(request), "links": self.list_links(request)}
        return super().changelist_view(request, {**around, **(extra_context or {})})


class LedgerAdmin(DeskAdmin):
    """Read everything, edit nothing, act through operations. See the module's docstring."""

    acts: ClassVar[Sequence[Act]] = ()
    """Acts on one thing, shown on its page."""
    list_acts: ClassVar[Sequence[Act]] = ()
    """Acts of the list itself (import a file, make a key): their form's ``thing`` is None."""
    page_select_related: ClassVar[Sequence[str]] = ()
    """What the page of a thing reads beyond the list's ``list_select_related``."""
    acts_in_timeline: ClassVar[Sequence[str]] = ()
    """Acts whose person and reason the timeline tells already, so that the journal's line would say it twice."""
    lines_at_most: ClassVar[int | None] = None
    """The newest lines of the timeline that the page shows, with a link to the journal of the thing; None: all."""
    sortable_by = ()
    change_form_template = "admin/ledger/thing.html"

    # Nothing is added, changed or deleted here.

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # What subclasses say about a thing.

    def headline(self, thing: Any) -> Headline:
        """The sentence the page opens on."""
        return Headline(str(thing))

    def timeline(self, thing: Any) -> Iterable[TimelineEntry]:
        """What happened, besides what the registry's contributors, the journal and the incidents add."""
        return ()

    def cards(self, request: HttpRequest, thing: Any) -> Sequence[Card]:
        """The facts, beside the timeline."""
        return ()

    def parts(self, thing: Any) -> Sequence[Model]:
        """Whose journal and incidents this page's timeline tells: the thing's own, and those of what belongs to it."""
        return (thing,)

    def subjects(self, thing: Any) -> Sequence[str]:
        """Our ids by which exchanges and notifications are about this thing; empty: no such card."""
        return ()

    # Lists.

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows where one of ``search_fields`` equals the whole term, or begins with it where the field says so.

        Each field is looked up on its own and the ids are united: one OR across joined tables would read them all.
        """
        term = _unquoted(search_term.strip())
        if not term or not self.search_fields:
            return queryset, False
        by_field = [
            Q(**{name if "__exact" in name or "__startswith" in name else f"{name}__exact": term})
            for name in self.get_search_fields(request)
        ]
        first, *others = (
            self.model._default_manager.filter(condition).order_by().values("pk") for condition in by_field
        )
        return queryset.filter(pk__in=first.union(*others, all=True) if others else first), False

    # The page of a thing.

    def get_urls(self) -> list[URLPattern]:
        """The acts' URLs before the stock ones."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        mine = [
            path("acts/<slug:act_name>/", view(self.list_act_view), name=f"{name}_list_act"),
            path("<path:object_id>/acts/<slug:act_name>/", view(self.act_view), name=f"{name}_act"),
        ]
        return mine + super().get_urls()

    def thing_or_none(self, request: HttpRequest, object_id: str) -> Any:
        """The row of a page, with what the page reads."""
        related = tuple(self.list_select_related or ()) if not isinstance(self.list_select_related, bool) else ()
        rows = self.get_queryset(request)
        wanted = (*related, *self.page_select_related)
        try:
            return (
                (rows.select_related(*wanted) if wanted else rows)
                .filter(pk=self.opts.pk.to_python(unquote(object_id)))
                .first()
            )
        except (ValidationError, ValueError, OverflowError):
            return None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of a thing. GET only: what can be done has URLs of its own."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        thing = self.thing_or_none(request, object_id)
        if thing is None:
            raise Http404(say("There is no {verbose_name} with this id.", verbose_name=self.opts.verbose_name))
        if not self.has_view_permission(request, thing):
            raise PermissionDenied
        offered = self.offered_acts(request, thing)
        shown = len(offered) if len(offered) <= _BUTTONS_AT_MOST else _BUTTONS_AT_MOST - 1
        lines = self._lines(thing)
        context = {
            **self.page_context(request, thing),
            "first_acts": offered[:shown],
            "more_acts": offered[shown:],
            "lines": lines[: self.lines_at_most],
            "journal_url": self._journal_of(thing) if len(lines) > len(lines[: self.lines_at_most]) else "",
            "zone": display.zone_name(clock.now()),
            **(extra_context or {}),
        }
        cards = [*self.cards(request, thing), *self._wire_cards(request, thing)]
        wide = [card for card in cards if card.wide]
        beside = [card for card in cards if not card.wide]
        if not context["lines"] and not wide:  # no story: the first card of facts takes its place
            wide, beside = beside[:1], beside[1:]
        context |= {"wide_cards": wide, "side_cards": beside}
        return TemplateResponse(request, self.change_form_template, context)

    @staticmethod
    def _journal_of(thing: Any) -> str:
        about = urlencode({"about": f"{thing._meta.label}/{thing.pk}"})
        return f"{reverse('admin:portal_journalentry_changelist')}?{about}"

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The timeline is the history."""
        return HttpResponseRedirect(reverse(self._name("change"), args=(object_id,)))

    def offered_acts(self, request: HttpRequest, thing: Any) -> list[OfferedAct]:
        """The buttons of the page: what this person may do and what makes sense now."""
        return [
            OfferedAct(act.label, reverse(self._name("act"), args=(quote(thing.pk), act.name)), act.tone)
            for act in self.acts
            if self.may_act(request, act) and not act.why_not(thing)
        ]

    def ready_form(self, request: HttpRequest, thing: Any, act_name: str) -> "ReadyForm | None":
        """The form of an act that asks nothing, to be pressed on the thing's own page; None where it is not offered."""
        act = self._named(self.acts, act_name)
        if not self.may_act(request, act) or act.why_not(thing):
            return None
        scope = f"{self.opts.label_lower}/{thing.pk}/{act.name}"
        form = act.form(thing=thing, actor=Actor.person(request.user), scope=scope)
        return ReadyForm(
            reverse(self._name("act"), args=(quote(thing.pk), act.name)), form.fresh_token(), form.button()
        )

    def offered_list_acts(self, request: HttpRequest) -> list[OfferedAct]:
        """The buttons of the list."""
        return [
            OfferedAct(act.label, reverse(self._name("list_act"), args=(act.name,)), act.tone, act.of_chosen)
            for act in self.list_acts
            if self.may_act(request, act) and not act.why_not(None)
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(
            request,
            {"list_acts": self.offered_list_acts(request), "kept": request.GET.urlencode(), **(extra_context or {})},
        )

    # Acts.

    def may_act(self, request: HttpRequest, act: Act) -> bool:
        """Whether this person holds the act's own permission."""
        return request.user.has_perm(f"{self.opts.app_label}.{act.codename}")

    def list_act_view(self, request: HttpRequest, act_name: str) -> HttpResponse:
        """An act of the list."""
        return self._act(request, self._named(self.list_acts, act_name), None)

    def act_view(self, request: HttpRequest, object_id: str, act_name: str) -> HttpResponse:
        """An act on a thing: GET says what will happen, POST does it. No transaction is open around it."""
        act = self._named(self.acts, act_name)
        thing = self.thing_or_none(request, object_id)
        if thing is None:
            raise Http404(say("There is no {verbose_name} with this id.", verbose_name=self.opts.verbose_name))
        return self._act(request, act, thing)

    def _act(self, request: HttpRequest, act: Act, thing: Any) -> HttpResponse:
        if not self.has_view_permission(request, thing) or not self.may_act(request, act):
            raise PermissionDenied
        if request.method not in {"GET", "HEAD", "POST"}:
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        home = self.home_of(thing)
        actor = Actor.person(request.user)
        scope = f"{self.opts.label_lower}/{'' if thing is None else thing.pk}/{act.name}"
        posted = request.method == "POST"
        objection = act.why_not(thing)
        if act.of_chosen and not posted and not request.GET.getlist("chosen"):
            objection = say(
                "Nothing is ticked. Tick the rows in the list first, then press “{label}”.", label=act.label
            )
        if objection:
            if posted and was_used(request.POST.get("once", ""), scope, actor):
                return self._already_done(request, home)
            return self._act_page(request, act, thing, objection=objection)
        given = (request.POST, request.FILES) if posted else ()
        more = {"initial": {"chosen": request.GET.getlist("chosen")}} if act.of_chosen else {}
        form = act.form(*given, thing=thing, actor=actor, scope=scope, **more)
        if not posted:
            return self._act_page(request, act, thing, form)
        if not form.is_valid():
            # What the first sending did may be why the second does not hold: then it is no mistake of anybody's.
            if was_used(request.POST.get("once", ""), scope, actor):
                return self._already_done(request, home)
            return self._act_page(request, act, thing, form)
        try:
            form.refuse_second_use()
        except FormUsedBefore:
            return self._already_done(request, home)
        except KeyReused:
            form.renew_token()
            form.add_error(
                None,
                say("This form was already sent once, with other words, and that was done. Nothing more was done now."),
            )
            return self._act_page(request, act, thing, form)
        if request.POST.get("saying", "") != form.button():
            return self._act_page(request, act, thing, form, is_changed=True)
        if signing_in.asks_again(request, form.moves()):
            raise ReauthenticationRequired  # allauth keeps what was sent, asks, and sends it once more
        try:
            outcome = getattr(self, act.name)(request, thing, form)
        except ApprovalNeeded as needed:
            return self._ask_for_approval(request, act, thing, form, needed)
        except PortalError as refusal:
            form.add_error(None, refusal.message)
            return self._act_page(request, act, thing, form)
        if isinstance(outcome, HttpResponse):
            return outcome
        done = outcome if isinstance(outcome, Done) else Done(str(outcome))
        if "X-By-Itself" not in request.headers:  # the page asked; whoever opened it has perhaps left it by now
            messages.add_message(request, _LEVELS[done.tone], done.sentence)
        return HttpResponseRedirect(done.url or home)

    def _ask_for_approval(
        self, request: HttpRequest, act: Act, thing: Any, form: ActForm, needed: ApprovalNeeded
    ) -> HttpResponse:
        """Nothing was done: it becomes a request, and its page says who may decide."""
        try:
            asked = approvals.ask(needed, by=form.actor, remember=form.remember)
        except PortalError as refusal:
            form.add_error(None, refusal.message)
            return self._act_page(request, act, thing, form)
        messages.warning(
            request, say("{why}. Nothing was done yet: your request waits for somebody else.", why=needed.why)
        )
        return HttpResponseRedirect(display.page_of(asked) or self.home_of(thing))

    @staticmethod
    def _already_done(request: HttpRequest, home: str) -> HttpResponse:
        messages.info(request, say("That was already done with this form; nothing was repeated."))
        return HttpResponseRedirect(home)

    def _act_page(
        self,
        request: HttpRequest,
        act: Act,
        thing: Any,
        form: ActForm | None = None,
        *,
        objection: str = "",
        is_changed: bool = False,
    ) -> HttpResponse:
        """The form of an act, or why there is none now."""
        heading = (form.heading() if form else "") or act.label.rstrip("…")
        context = {
            **self.page_context(request, thing),
            "form": form,
            "heading": heading,
            "objection": objection,
            "is_changed": is_changed,
            "title": heading,
        }
        context["home"] = context["list_url"] if thing is None else self.home_of(thing)
        return TemplateResponse(request, "admin/ledger/act.html", context)

    # Helpers.

    def _name(self, page: str) -> str:
        return f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"

    def done(self, sentence: str, thing: Any, tone: str = "good") -> Done:
        """A result that leads to the page of what was made."""
        return Done(sentence, tone, self.home_of(thing))

    def home_of(self, thing: Any) -> str:
        """The URL of a thing's page, or with None of the list."""
        if thing is None:
            return reverse(self._name("changelist"))
        return reverse(self._name("change"), args=(quote(thing.pk),))

    def _named(self, acts: Sequence[Act], name: str) -> Act:
        for act in acts:
            if act.name == name:
                return act
        raise Http404(say("There is no such act."))

    def page_context(self, request: HttpRequest, thing: Any) -> dict[str, Any]:
        """What a page about a thing (or, with None, about the list) shows around its content."""
        headline = self.headline(thing) if thing is not None else None
        filters = self.get_preserved_filters(request)
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "thing": thing,
            "headline": headline,
            "chips": self._chips(thing, headline),
            "title": told(thing, is_ours=True) if thing is not None else told(self.opts.verbose_name_plural),
            "list_url": add_preserved_filters(
                {"preserved_filters": filters, "opts": self.opts}, reverse(self._name("changelist"))
            ),
            "list_title": told(self.menu_label or str(self.opts.verbose_name_plural).capitalize()),
            "media": self.media,
        }

    @staticmethod
    def _chips(thing: Any, headline: Headline | None) -> list[Chip]:
        if headline is None:
            return []
        further = [Chip(word, tone) for contributor in registry.marks for word, tone in contributor(thing)]
        return [*headline.chips, *further]

    def _lines(self, thing: Any, *, without: Sequence[str] = ()) -> list[Line]:
        about = Q()
        for part in self.parts(thing):
            about |= Q(subject_type=part._meta.label, subject_id=str(part.pk))
        entries = list(self.timeline(thing))
        for contributor in registry.timelines:
            entries += contributor(thing)
        lines = [
            Line(entry.at, display.stamp(entry.at), entry.sentence, entry.detail, entry.tone, entry.links)
            for entry in entries
        ]
        lines += [
            _journal_line(entry)
            for entry in JournalEntry.objects.filter(about).exclude(act__in=(*self.acts_in_timeline, *without))[
                :_JOURNAL_LINES
            ]
        ]
        lines += [_incident_line(incident) for incident in Incident.objects.filter(about)]
        # Of things that happened at the same moment, the later told is the newer.
        return sorted(lines, key=lambda line: line.at)[::-1]

    def _wire_cards(self, request: HttpRequest, thing: Any) -> list[Card]:
        """Exchanges and notifications about the thing, for those who may see them."""
        subjects = [subject for subject in self.subjects(thing) if subject]
        user: Any = request.user
        if not subjects or not user.has_perm("portal.view_exchange"):
            return []
        calls = Exchange.objects.filter(subject__in=subjects).defer(*_BYTES_OF_EXCHANGE)[:_WIRE_LINES]
        heard = Notification.objects.filter(subject__in=subjects).defer("body", "masked_body")[:_WIRE_LINES]
        rows = [
            (
                call.sent_at,
                display.to(call, call.api),
                verdict_of_call(call),
                say("{duration_ms} ms", duration_ms=call.duration_ms),
            )
            for call in calls
        ]
        rows += [
            (message.received_at, display.to(message, message.kind or "message"), verdict_of_message(message), "")
            for message in heard
        ]
        rows.sort(key=lambda row: row[0], reverse=True)
        table = Table(
            head=(say("Message"), say("Said"), say("Took"), say("Time")),
            rows=[(label, said, took, display.stamp(at)) for at, label, said, took in rows],
            numeric=frozenset({2, 3}),
            empty=say("Nothing crossed the wire about this yet."),
        )
        return [Card(say("On the wire"), note=say("newest first"), table=table, wide=True)]


_BYTES_OF_EXCHANGE = ("request_body", "response_body", "masked_request", "masked_response")


def verdict_of_call(call: Exchange) -> SafeString:
    """What an exchange ended in: its result code, or why there is none."""
    if call.error:
        return display.chip(call.error.replace("_", " "), "wait")
    if call.verdict != "VERIFIED":
        return display.chip(say("signature {verdict}", verdict=call.verdict.lower().replace("_", " ")), "bad")
    tone = {"S": "good", "F": "bad", "U": "wait"}.get(call.result_status, "")
    return display.chip(call.result_code or str(call.http_status or say("no answer")), tone)


def verdict_of_message(message: Notification) -> SafeString:
    """What became of a notification."""
    tone = {"APPLIED": "good", "REFUSED": "bad", "UNAPPLIED": "bad", "WAITING": "wait", "RECEIVED": "wait"}
    return display.chip(message.get_status_display(), tone.get(message.status, ""))


def _journal_line(entry: JournalEntry) -> Line:
    reason = ": ".join(part for part in (entry.reason_code.replace("_", " ").lower(), entry.note) if part)
    return Line(
        entry.at,
        display.stamp(entry.at),
        say("{actor}: {act}", actor=entry.actor_name or entry.actor_kind.lower(), act=entry.act),
        " · ".join(part for part in (reason, entry.outcome) if part),
        "",
        ((say("Journal"), display.page_of(entry)),),
    )


def _incident_line(incident: Incident) -> Line:
    tone = "bad" if incident.is_open else ""
    seen = say("seen {times_seen} times", times_seen=incident.times_seen) if incident.times_seen > 1 else ""
    closed = (
        say("closed by {closed_by}: {resolution}", closed_by=incident.closed_by, resolution=incident.resolution)
        if incident.closed_at
        else ""
    )
    return Line(
        incident.opened_at,
        display.stamp(incident.opened_at),
        say("Incident: {summary}", summary=incident.summary),
        " · ".join(part for part in (seen, closed) if part),
        tone,
        ((say("Incident"), display.page_of(incident)),),
    )


def _unquoted(term: str) -> str:
    """The term without the quotation marks a person may have put around it."""
    pieces = list(smart_split(term))
    if len(pieces) == 1 and term[:1] in {'"', "'"} and term[-1:] == term[:1] and len(term) > 1:
        return str(unescape_string_literal(term))
    return term
