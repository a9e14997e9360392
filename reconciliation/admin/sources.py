"""The desk's pages of report sources: where reports are fetched from, how the last look went, and what was fetched."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.admin import display
from portal.admin.acts import Act, ActForm, Done
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.errors import PortalError
from portal.models import AcquirerAccount
from portal.words import lazy, say, told
from reconciliation import operations, sftp
from reconciliation.admin.shared import list_url, sentence
from reconciliation.models import FileStatus, ReportSource, SourceFile, SourceFileState, SourceStep
from reconciliation.operations.sources import FIELDS

FILES_SHOWN = 25
_FILE_TONES = {SourceFileState.GROWING: "wait", SourceFileState.FETCHED: "good", SourceFileState.REFUSED: "bad"}


class _SourceForm(ActForm):
    is_roomy = True
    host = forms.CharField(
        label=lazy("Host"), max_length=253, help_text=lazy("As the acquirer names it, e.g. isftp.alipay.com.")
    )
    port = forms.IntegerField(label=lazy("Port"), min_value=1, max_value=65_535, initial=22)
    username = forms.CharField(label=lazy("User"), max_length=64)
    directory = forms.CharField(
        label=lazy("Directory"),
        max_length=300,
        initial="/v1/settlements",
        help_text=lazy("Two levels below it are looked at, too: one for each merchant id and day."),
    )
    password = forms.CharField(
        label=lazy("Password"),
        max_length=500,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=lazy("Kept encrypted, and shown to nobody again."),
    )
    private_key = forms.CharField(
        label=lazy("Private key"),
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "autocomplete": "off"}),
        help_text=lazy("Instead of a password: Ed25519, ECDSA or RSA, in OpenSSH's form or as PEM."),
    )
    passphrase = forms.CharField(
        label=lazy("Passphrase of the key"),
        max_length=500,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    every_minutes = forms.IntegerField(
        label=lazy("Look every so many minutes"), min_value=5, max_value=1_440, initial=30
    )
    imports_at_once = forms.BooleanField(
        label=lazy("Import what asks nothing"),
        required=False,
        initial=True,
        help_text=lazy("Off: every report is only tried, and waits for a person."),
    )
    is_enabled = forms.BooleanField(label=lazy("In use"), required=False, initial=True)
    note = forms.CharField(label=lazy("Reason"), max_length=256, help_text=lazy("For whoever reads the journal."))
    field_order = (
        "account", "host", "port", "username", "password", "private_key", "passphrase", "directory", "every_minutes",
        "imports_at_once", "is_enabled", "note",
    )  # fmt: skip

    def clean_directory(self) -> str:
        """From the server's root."""
        given: str = self.cleaned_data["directory"].strip()
        if not given.startswith("/"):
            raise forms.ValidationError(say("A directory begins with /."))
        return given.rstrip("/") or "/"

    def clean(self) -> dict[str, Any]:
        """Read the key, and demand one way to sign in."""
        cleaned = super().clean() or self.cleaned_data
        key = cleaned.get("private_key", "").strip()
        if key and cleaned.get("password"):
            self.add_error("private_key", say("Type a password or a key, not both."))
        elif key:
            try:
                cleaned["private_key"] = sftp.unlocked(key, cleaned.get("passphrase", ""))
            except PortalError as reason:
                self.add_error("private_key", reason.message)
        return cleaned

    def said(self) -> dict[str, Any]:
        """What an operation takes."""
        given = self.cleaned_data
        return {
            "facts": {name: given[name] for name in FIELDS},
            "password": given["password"],
            "private_key": given["private_key"].strip() and given["private_key"],
            "by": self.actor,
            "note": given["note"],
            "remember": self.remember,
        }


class NewSourceForm(_SourceForm):
    """Fetch an account's reports from somewhere."""

    title = lazy("Fetch reports by SFTP")
    account = forms.ModelChoiceField(
        label=lazy("Account"), queryset=AcquirerAccount.objects.order_by("name"), empty_label=None
    )

    def clean(self) -> dict[str, Any]:
        """Demand a way to sign in."""
        cleaned = super().clean()
        if not self.errors and not (cleaned.get("password") or cleaned.get("private_key")):
            self.add_error("password", say("Type the password, or paste the key."))
        return cleaned

    def will_happen(self) -> list[str]:
        return [
            say(
                "The worker goes to the server and shows you its host key. It is told nothing before you confirm that."
            ),
            say("A report that is recognised and asks nothing is imported as if somebody had uploaded it."),
        ]

    def button(self) -> str:
        return say("Add this source")


class EditSourceForm(_SourceForm):
    """The same, of a source there is."""

    title = lazy("Edit the source")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held: ReportSource = self.thing
        self.initial.update({name: getattr(held, name) for name in FIELDS})
        self.fields["password"].help_text = say("Empty: as it is. What is kept is shown to nobody.")

    def will_happen(self) -> list[str]:
        return [say("Another server shows its host key anew, and is told nothing before you confirm that.")]

    def button(self) -> str:
        return say("Save the source")


class ConfirmForm(ActForm):
    """Know the server by the key it shows."""

    title = lazy("Confirm the host key")
    note = forms.CharField(
        label=lazy("Compared with"),
        max_length=256,
        help_text=lazy("Where you have the acquirer's fingerprint from: its dashboard, a letter, a call."),
    )

    def will_happen(self) -> list[str]:
        held: ReportSource = self.thing
        told_ = [say("The server shows {fingerprint}.", fingerprint=sftp.fingerprint(held.offered_host_key))]
        if held.host_key:
            told_.append(say("Until now it was known by {fingerprint}.", fingerprint=sftp.fingerprint(held.host_key)))
        told_.append(
            say("A server with this key is told our password. If somebody else holds the key, they will have it.")
        )
        return told_

    def is_risky(self) -> bool:
        return bool(self.thing.host_key)

    def button(self) -> str:
        return say("It is {fingerprint}", fingerprint=sftp.fingerprint(self.thing.offered_host_key))


class LookForm(ActForm):
    """Let the worker look at once."""

    title = lazy("Look now")

    def will_happen(self) -> list[str]:
        return [
            say("The worker looks at the directory at once; what is new is fetched a minute later, if it is at rest.")
        ]

    def button(self) -> str:
        return say("Look now")


class TestForm(ActForm):
    """Go there and tell how far one comes."""

    title = lazy("Test the connection")

    def will_happen(self) -> list[str]:
        return [say("We go to the server and list the directory. Nothing is fetched.")]

    def button(self) -> str:
        return say("Test the connection")


def _nothing_to_confirm(source: ReportSource) -> str:
    return "" if source.offered_host_key else say("The server has shown no key that waits to be confirmed.")


def _is_off(source: ReportSource) -> str:
    return "" if source.is_enabled else say("This source is switched off. Switch it on first.")


def _state(source: ReportSource) -> Chip:
    if not source.is_enabled:
        return Chip(say("Off"))
    if source.offered_host_key:
        return Chip(say("Host key to confirm"), "bad" if source.host_key else "wait")
    if source.problem:
        return Chip(say("Fails"), "bad")
    return Chip(say("Works"), "good") if source.answered_at else Chip(say("Not looked yet"), "wait")


def file_chip(file: SourceFile) -> SafeString:
    """Where a fetched file stands."""
    return display.chip(told(file.get_state_display()), _FILE_TONES[SourceFileState(file.state)])


def _kept_as(file: SourceFile) -> SafeString | str:
    """The settlement files it was kept as, and how they stand."""
    kept = [(display.to(report, report.get_status_display()),) for report in file.reports.all()]
    return format_html_join(" ", "{}", kept) or display.NOTHING


@admin.register(ReportSource)
class ReportSourceAdmin(LedgerAdmin):
    """Where reports are fetched from."""

    section, position, icon = "Finance", 70, "wire"
    menu_label = lazy("Report sources")
    empty_title = lazy("No source yet")
    empty_text = lazy("Say where the acquirer puts your reports, and the worker fetches them.")
    list_display = ("name", "state", "last_look", "fetched", "account")
    list_select_related = ("account",)
    list_filter = (AccountFilter,)
    search_fields = ("host", "username")
    list_acts = (Act("add", lazy("Add a source…"), form=NewSourceForm, permission="act_edit_source", tone="main"),)
    acts = (
        Act(
            "confirm",
            lazy("Confirm host key…"),
            form=ConfirmForm,
            permission="act_edit_source",
            tone="main",
            why_not=_nothing_to_confirm,
        ),
        Act("look", lazy("Look now"), form=LookForm, permission="act_look_at_source", why_not=_is_off),
        Act("test", lazy("Test connection"), form=TestForm, permission="act_look_at_source"),
        Act("edit", lazy("Edit…"), form=EditSourceForm, permission="act_edit_source"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportSource]:
        fetched = Count("files", filter=~Q(files__state=SourceFileState.GROWING))
        rows: QuerySet[ReportSource] = super().get_queryset(request).defer("password", "private_key")
        return rows.annotate(fetched_count=fetched)

    @display.column(lazy("Source"), wraps=True)
    def name(self, source: ReportSource) -> SafeString | str:
        return display.mono(str(source))

    @display.column(lazy("State"))
    def state(self, source: ReportSource) -> SafeString:
        chip = _state(source)
        return display.chip(chip.word, chip.tone)

    @display.column(lazy("Last look"))
    def last_look(self, source: ReportSource) -> SafeString | str:
        return display.when(source.looked_at) if source.looked_at else display.NOTHING

    @display.column(lazy("Files fetched"), numeric=True)
    def fetched(self, source: Any) -> int:
        count: int = source.fetched_count
        return count

    def headline(self, source: ReportSource) -> Headline:
        return Headline(str(source), (_state(source),), told(source.problem) or str(source.account))

    def cards(self, request: HttpRequest, source: Any) -> list[Card]:
        step = say("{step} failed", step=told(SourceStep(source.failed_step).label)) if source.failed_step else ""
        look: list[tuple[str, Any]] = [
            (say("Last look"), display.stamp(source.looked_at) if source.looked_at else display.NOTHING),
            (say("Last that came to its end"), display.stamp(source.answered_at)),
            (say("Next look"), display.stamp(source.due_at) if source.is_enabled else say("switched off")),
            (say("Files fetched"), display.link(list_url("sourcefile", source=source.pk), source.fetched_count)),
            (say("Not reports by their names"), source.passed_over),
        ]
        if step:
            look.insert(1, (say("Result"), sentence(f"{step}. {told(source.problem)}")))
        files = source.files.prefetch_related("reports")[:FILES_SHOWN]
        table = Table(
            head=(say("State"), say("Kept as"), say("File")),
            rows=[
                (file_chip(file), _kept_as(file), format_html('<span class="sentence">{}</span>', display.to(file)))
                for file in files
            ],
            empty=say("Nothing was seen there yet."),
        )
        secret = say("a key") if source.private_key else say("a password")
        return [
            Card(say("Files"), note=say("newest first"), table=table, wide=True),
            Card(say("Looking"), facts=look),
            Card(
                say("Server"),
                facts=[
                    (say("Account"), display.to(source.account)),
                    (say("Host"), display.mono(f"{source.host}:{source.port}")),
                    (say("User"), display.mono(source.username)),
                    (say("Signs in with"), secret),
                    (say("Directory"), display.mono(source.directory)),
                    (
                        say("Host key"),
                        display.mono(sftp.fingerprint(source.host_key)) if source.host_key else say("not confirmed"),
                    ),
                    (say("Looks every"), say("{count} min", count=source.every_minutes)),
                    (say("Imports what asks nothing"), say("yes") if source.imports_at_once else say("no")),
                ],
                texts=[(say("Our public key, for the acquirer"), sftp.public_key_of(source.private_key))]
                if source.private_key
                else (),
            ),
        ]

    # The acts.

    def add(self, request: HttpRequest, thing: None, form: NewSourceForm) -> Done:
        source = operations.add_source(form.cleaned_data["account"], **form.said())
        return self.done(say("The source is kept. The worker goes there now, to see its host key."), source)

    def edit(self, request: HttpRequest, source: ReportSource, form: EditSourceForm) -> str:
        operations.edit_source(source, **form.said())
        return say("The source is saved.")

    def confirm(self, request: HttpRequest, source: ReportSource, form: ConfirmForm) -> str:
        operations.confirm_host_key(
            source, source.offered_host_key, by=form.actor, note=form.cleaned_data["note"], remember=form.remember
        )
        return say("The server is known by this key from now on. The worker looks at once.")

    def look(self, request: HttpRequest, source: ReportSource, form: LookForm) -> Done:
        operations.look_now(source, by=form.actor, remember=form.remember)
        return Done(say("The worker looks now; open this page again in a moment."), "wait")

    def test(self, request: HttpRequest, source: ReportSource, form: TestForm) -> HttpResponse:
        tested = operations.test_source(source, by=form.actor)
        steps = [(told(SourceStep(step).label), step in tested.done, step is tested.failed) for step in sftp.Step]
        context = {
            **self.page_context(request, source),
            "title": say("Test of the connection"),
            "tested": tested,
            "steps": steps[:-1],  # nothing is read
            "home": self.home_of(source),
        }
        return TemplateResponse(request, "reconciliation/source_test.html", context)


class _SourceFilter(admin.SimpleListFilter):
    """One source, chosen on its own page."""

    title = lazy("source")
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(source.pk), str(source)) for source in ReportSource.objects.defer("password", "private_key")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {value for value, _ in self.lookup_choices}
        return queryset.filter(source=self.value()) if self.value() in known else queryset


class FileQuestions(Questions):
    """What one asks about fetched files."""

    questions = (
        Question("refused", lazy("Refused"), lambda: Q(state=SourceFileState.REFUSED)),
        Question("awaited", lazy("Awaited"), lambda: Q(state=SourceFileState.GROWING)),
        Question(
            "undecided",
            lazy("Wait for a person"),
            lambda: Q(is_to_import=False, reports__status__in=(FileStatus.TRIED, FileStatus.REFUSED)),
        ),
    )


@admin.register(SourceFile)
class SourceFileAdmin(LedgerAdmin):
    """What was seen at the sources, and what came of it; found from a source's page."""

    empty_title = lazy("Nothing was fetched")
    empty_text = lazy("What lies in a source's directory is listed here once the worker has looked.")
    list_display = ("name", "state_chip", "kept_as", "bytes", "seen", "source_name")
    list_select_related = ("source",)
    list_filter = (FileQuestions, _SourceFilter)
    search_fields = ("path", "sha256")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SourceFile]:
        return (
            super().get_queryset(request).prefetch_related("reports").defer("source__password", "source__private_key")
        )

    @display.column(lazy("File"))
    def name(self, file: SourceFile) -> str:
        return str(file)

    @display.column(lazy("State"))
    def state_chip(self, file: SourceFile) -> SafeString:
        return file_chip(file)

    @display.column(lazy("Kept as"))
    def kept_as(self, file: SourceFile) -> SafeString | str:
        return _kept_as(file)

    @display.column(lazy("Bytes"), numeric=True, is_minor=True)
    def bytes(self, file: SourceFile) -> str:
        return f"{file.size:,}"

    @display.column(lazy("Seen"))
    def seen(self, file: SourceFile) -> SafeString | str:
        return display.stamp(file.seen_at)

    @display.column(lazy("Source"), is_minor=True)
    def source_name(self, file: SourceFile) -> SafeString | str:
        return display.to(file.source)

    def headline(self, file: SourceFile) -> Headline:
        tone = _FILE_TONES[SourceFileState(file.state)]
        return Headline(str(file), (Chip(told(file.get_state_display()), tone),), told(file.sentence))

    def cards(self, request: HttpRequest, file: SourceFile) -> list[Card]:
        return [
            Card(
                say("File"),
                facts=[
                    (say("Source"), display.to(file.source)),
                    (say("Path"), display.mono(file.path)),
                    (say("Bytes"), f"{file.size:,}"),
                    ("SHA-256", display.mono(file.sha256) if file.sha256 else display.NOTHING),
                    (say("Seen"), display.stamp(file.seen_at)),
                    (say("Fetched"), display.stamp(file.fetched_at) if file.fetched_at else display.NOTHING),
                    (say("Kept as"), _kept_as(file)),
                ],
            )
        ]
