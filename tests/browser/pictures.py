"""``python -m tests.browser.pictures``: every page of desk, sandbox, mini program, hosted pages and return, to be seen.

A demo of its own is made in ``var/pictures/demo`` (kept, so that the next run is quick; ``--running`` takes one that
runs already), and every page is opened in Chromium: light, dark, and at 390 px. The pictures lie in
``var/pictures/{light,dark,narrow}``, and ``var/pictures/index.html`` shows them side by side. Each page is judged, too:
a breach of the content security policy, a complaint of the browser's console, an answer that is not the expected one,
a page wider than the screen, or a serious issue that axe-core finds, and the command ends with 1. It ends with 2 for
options it refuses or where Chromium, the demo or axe-core is missing.

The pages are not listed here but found: what is registered on the desk, the first rows of each list, every act that
is offered on them.
"""

import argparse
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import django
import requests
from django.conf import settings

from portal.demonstration import environment

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BASE = Path(__file__).resolve().parents[2]
PICTURES = BASE / "var" / "pictures"
_SECONDS_FOR_A_DEMO = 1800
_ACTS_EACH = 12
_MILLISECONDS_TO_ASK = 4000
_FAILED, _REFUSED = 1, 2
_UP = "Up after "
"""What a demo says when it is ready for people."""
_PERSON = "pictures"


@dataclass(frozen=True)
class View:
    """How a page is looked at."""

    name: str
    scheme: Literal["light", "dark"]
    width: int
    height: int


VIEWS = (View("light", "light", 1360, 900), View("dark", "dark", 1360, 900), View("narrow", "light", 390, 844))
"""Narrow ones in light alone: what is dark is dark at any width."""


@dataclass(frozen=True)
class Shot:
    """One page: what its pictures are called, where it is, and what it answers."""

    name: str
    url: str
    status: int = 200
    posts: bool = False
    """Send an empty form there instead of opening it."""
    body: str = ""
    """Shown in place of what the address would answer: for pages that no address leads to."""
    anonymous: bool = False
    ready: str = ""
    """What must be visible before the picture is taken."""
    taps: tuple[tuple[str, str], ...] = ()
    """(where, words): buttons pressed before, on the ``phone`` itself, in the mini ``program``, in the ``wallet``."""


@dataclass
class Judged:
    """What was wrong, page by page."""

    faults: list[str] = field(default_factory=list)
    pictures: dict[str, list[str]] = field(default_factory=dict)


# What there is.


def desk_shots(portal_url: str) -> Iterator[Shot]:
    """Every page of the desk, found in what is registered there. Needs Django, and the demo's rows."""
    from django.contrib import admin  # noqa: PLC0415 - needs loaded apps
    from django.urls import NoReverseMatch, reverse  # noqa: PLC0415

    home = portal_url + reverse("admin:index")
    yield Shot("desk-today", home)
    yield Shot("desk-search", f"{home}search/")
    yield Shot("desk-search-nothing", f"{home}search/?q=nobody-s-id")
    yield Shot("desk-login", f"{home}login/", anonymous=True)
    yield Shot("desk-news", f"{home}news/")
    yield Shot("desk-password", f"{home}password_change/")
    yield Shot("desk-forecast", portal_url + reverse("admin:payments_subscription_forecast"))
    consents = portal_url + reverse("admin:authorizations_consent_changelist")
    for ask in ("refreshes", "needs", "to_ask"):
        yield Shot(f"desk-consent-{ask}", f"{consents}?ask={ask}")
    yield Shot("desk-consent-export", f"{consents}export/?ask=to_ask&days=30")
    for model, model_admin in admin.site._registry.items():
        name = model._meta.model_name or ""
        prefix = f"admin:{model._meta.app_label}_{name}"
        try:
            yield Shot(f"desk-{name}-list", portal_url + reverse(f"{prefix}_changelist"))
        except NoReverseMatch:
            continue
        for act in getattr(model_admin, "list_acts", ()):
            yield Shot(f"desk-{name}-list-{act.name}", portal_url + reverse(f"{prefix}_list_act", args=(act.name,)))
        seen: set[str] = set()
        for label, thing in _things(model):
            yield Shot(f"desk-{name}-{label}", portal_url + reverse(f"{prefix}_change", args=(thing.pk,)))
            offered = [act for act in getattr(model_admin, "acts", ()) if act.name not in seen]
            for act in [act for act in offered if not act.why_not(thing)][:_ACTS_EACH]:
                seen.add(act.name)
                url = portal_url + reverse(f"{prefix}_act", args=(thing.pk, act.name))
                yield Shot(f"desk-{name}-act-{act.name}", url)


def _things(model: Any) -> Iterator[tuple[str, Any]]:
    """Rows to look at: the newest of each state, or simply the newest one."""
    rows = model._default_manager.all()
    names = {each.name for each in model._meta.get_fields()}
    if model._meta.label == "payments.Order":
        for status in ("SUCCEEDED", "PROCESSING", "FAILED", "CANCELLED"):
            order = rows.filter(payments__status=status).order_by("-created_at", "-pk").first()
            if order is not None:
                yield status.lower(), order
        for label, where in (
            ("settled", {"payments__settlement_matches__role": "PAYMENT"}),
            ("refunded", {"payments__refunds__status": "SUCCEEDED"}),
            ("contradicted", {"payments__contradictions__isnull": False}),
        ):
            order = rows.filter(**where).order_by("-created_at", "-pk").first()
            if order is not None:
                yield label, order
    elif "status" in names:
        for status in dict.fromkeys(rows.order_by("status").values_list("status", flat=True).distinct()):
            yield str(status).lower(), rows.filter(status=status).order_by("-pk").first()
        if model._meta.label == "payments.Payment":
            undeclared = rows.filter(status="SUCCEEDED", currency="CNY", declared_value=0).order_by("-pk").first()
            yield from [("undeclared", undeclared)] if undeclared is not None else []
        if model._meta.label == "reconciliation.ReportFile":
            kinds = dict.fromkeys(rows.order_by("edition", "kind").values_list("edition", "kind"))
            for edition, kind in kinds:
                of_kind = rows.filter(edition=edition, kind=kind)
                yield (
                    f"{edition}-{kind}".lower(),
                    of_kind.order_by("-row_count", "-totals__reported_value", "-pk").first(),
                )
            empty = rows.filter(row_count=0).order_by("-pk").first()
            yield from [("empty", empty)] if empty is not None else []
    elif model._meta.label in ("portal.AcquirerAccount", "reconciliation.Batch"):
        rows = rows.exclude(details=None) if "details" in names else rows
        account = "slug" if "slug" in names else "account__slug"
        for slug in dict.fromkeys(rows.order_by(account).values_list(account, flat=True)):
            yield str(slug), rows.filter(**{account: slug}).order_by("-pk").first()
    else:
        newest = rows.order_by("-pk").first()
        if newest is not None:
            yield "page", newest


def error_shots(portal_url: str) -> Iterator[Shot]:
    """What is told when something does not work. Some need a fault that nobody has at hand, so they are shown as is."""
    from django.template.loader import render_to_string  # noqa: PLC0415 - needs loaded apps

    yield Shot("error-404", f"{portal_url}/no/such/page/", status=404)
    yield Shot("error-csrf", f"{portal_url}/admin/login/", status=403, posts=True, anonymous=True)
    for code in (400, 403, 500, 503):
        shown = render_to_string(f"{code}.html")
        yield Shot(f"error-{code}", f"{portal_url}/pictures/{code}/", status=code, body=shown)
    yield Shot("desk-logged-out", f"{portal_url}/pictures/out/", body=_logged_out())


def _logged_out() -> str:
    from django.template.loader import render_to_string  # noqa: PLC0415 - needs loaded apps

    around = {"site_title": "Autodebit", "site_header": "Autodebit", "language": settings.LANGUAGE_CODE}
    return render_to_string("admin/logged_out.html", around)


def return_shots(portal_url: str) -> Iterator[Shot]:
    """Where a wallet sends the buyer back to, an attempt of each outcome, and what a stranger's code is told."""
    from authorizations.models import Authorization  # noqa: PLC0415 - needs loaded apps

    statuses = Authorization.objects.order_by("status").values_list("status", flat=True).distinct()
    for status in dict.fromkeys(statuses):
        attempt = Authorization.objects.filter(status=status).order_by("-pk").first()
        if attempt is not None:
            yield Shot(f"return-{status.lower()}", f"{portal_url}/return/{attempt.public_id}/result", anonymous=True)
    attempt = Authorization.objects.order_by("pk").first()
    if attempt is not None:
        foreign = f"{portal_url}/return/{attempt.public_id}?authCode=x&authState=nobody-s"
        yield Shot("return-foreign", foreign, status=400, anonymous=True)


def hosted_shots(portal_url: str) -> Iterator[Shot]:
    """The hosted pages, as one buyer sees them: a link, their wallets, and orders in every state."""
    from django.urls import reverse  # noqa: PLC0415 - needs loaded apps

    from payments.models import Order, Payment  # noqa: PLC0415
    from payments.operations import place_order  # noqa: PLC0415
    from portal.actor import Actor  # noqa: PLC0415

    paid = Payment.objects.filter(status="SUCCEEDED", wallet_account__status="ACTIVE").order_by("-pk").first()
    if paid is None:
        return
    buyer, wallet = paid.order.buyer, paid.wallet_account
    if not Order.objects.filter(buyer=buyer, status="INIT").exists():
        sku = next(item.sku for item in paid.order.items.all())
        place_order(buyer, [(sku, 1)], paid.currency, by=Actor.command("pictures"))
    yield Shot("hosted-enter", portal_url + urlsplit(_link_of(buyer)).path, anonymous=True)
    yield Shot("hosted-gone", portal_url + reverse("hosted-enter", args=["nobody-s"]), status=410, anonymous=True)
    yield Shot("hosted-methods", portal_url + reverse("hosted-methods"), anonymous=True)
    removed = reverse("hosted-remove", args=[wallet.public_id])
    yield Shot("hosted-remove", portal_url + removed, anonymous=True)
    yield Shot("hosted-missing", portal_url + reverse("hosted-order", args=["O0"]), status=404, anonymous=True)
    for status in dict.fromkeys(Order.objects.filter(buyer=buyer).order_by("status").values_list("status", flat=True)):
        order = Order.objects.filter(buyer=buyer, status=status).order_by("-pk")[0]
        page = reverse("hosted-order", args=[order.number])
        yield Shot(f"hosted-order-{status.lower()}", portal_url + page, anonymous=True)


def _link_of(buyer: Any) -> str:
    from payments.hosted import doors  # noqa: PLC0415 - needs loaded apps

    return doors.link_for(buyer.account, buyer.reference, opened_by=_PERSON)[0]


def visiting(portal_url: str) -> list[dict[str, Any]]:
    """The cookie of the buyer whose hosted pages are shown; nothing where nobody has paid."""
    from django.core import signing  # noqa: PLC0415 - needs loaded apps

    from payments.hosted import doors  # noqa: PLC0415
    from payments.models import Payment  # noqa: PLC0415

    paid = Payment.objects.filter(status="SUCCEEDED", wallet_account__status="ACTIVE").order_by("-pk").first()
    visit = doors.enter(_link_of(paid.order.buyer).rpartition("/")[2], secrets.token_urlsafe()) if paid else None
    if visit is None:
        return []
    held = signing.dumps(asdict(visit), salt=doors._VISIT, compress=True)
    return [{"name": doors.COOKIE, "value": held, "url": portal_url + doors.root()}]


def sandbox_shots(sandbox_url: str) -> Iterator[Shot]:
    """The console's pages, as its own navigation lists them, the phone with the mini program, and a wallet's page."""
    front = requests.get(f"{sandbox_url}/", timeout=10).text
    navigation = re.search(r'<nav aria-label="Console">(.*?)</nav>', front, re.DOTALL)
    for path in dict.fromkeys(re.findall(r'href="(/[^"]*)"', navigation[1] if navigation else "")):
        yield Shot(f"sandbox{path.replace('/', '-').rstrip('-') or '-overview'}", sandbox_url + path, anonymous=True)
    phone, ready = f"{sandbox_url}/miniprogram/?wallet=GCASH&user=ana", "body[data-ready=yes]"
    opened = (("phone", "#open"),)
    methods = (*opened, ("program", "Payment methods"))
    yield Shot("mini-program-phone", phone, anonymous=True, ready=ready)
    yield Shot("mini-program-shop", phone, anonymous=True, ready=ready, taps=opened)
    yield Shot("mini-program-methods", phone, anonymous=True, ready=ready, taps=methods)
    asked = (*methods, ("program", "Link"))
    yield Shot("wallet-asks", phone, anonymous=True, ready=ready, taps=asked)
    yield Shot("wallet-refused", phone, anonymous=True, ready=ready, taps=(*asked, ("wallet", "Not now")))


# Looking.


def look(browser: "Browser", view: View, shots: Sequence[Shot], cookies: Sequence[Any], judged: Judged) -> None:
    """Take every picture of one view, and judge every page."""
    folder = PICTURES / view.name
    folder.mkdir(parents=True, exist_ok=True)
    for anonymous in (False, True):
        context = browser.new_context(
            viewport={"width": view.width, "height": view.height},
            color_scheme=view.scheme,
            locale="en-GB",
            timezone_id="Asia/Manila",
            reduced_motion="reduce",
        )
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation', (event) => console.error("
            "`Content-Security-Policy: ${event.violatedDirective} ${event.blockedURI}`));"
        )
        context.add_cookies([one for one in cookies if not anonymous or one["name"] != settings.SESSION_COOKIE_NAME])
        page = context.new_page()
        heard: list[str] = []
        page.on("console", lambda said, heard=heard: heard.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error, heard=heard: heard.append(str(error)))
        for shot in shots:
            if shot.anonymous is anonymous:
                heard.clear()
                for fault in _judged(page, shot, folder / f"{shot.name}.png", heard):
                    judged.faults.append(f"{view.name}/{shot.name}: {fault}")
                    _tell(f"  {judged.faults[-1]}")
                judged.pictures.setdefault(shot.name, []).append(view.name)
        context.close()


def _judged(page: "Page", shot: Shot, path: Path, heard: list[str]) -> list[str]:
    """What is wrong with a page; one that does not come up at all does not keep the others from it."""
    from playwright.sync_api import Error  # noqa: PLC0415 - playwright may be missing where only --help is asked for

    try:
        return _judge(page, shot, path, heard)
    except Error as reason:
        return [f"could not be taken: {reason.message.splitlines()[0]}"]


def _judge(page: "Page", shot: Shot, path: Path, heard: list[str]) -> list[str]:
    from tests.browser import axe  # noqa: PLC0415 - playwright may be missing where only --help is asked for

    if shot.body:
        headers = {"content-type": "text/html; charset=utf-8"}
        page.route(shot.url, lambda route: route.fulfill(status=shot.status, headers=headers, body=shot.body))
    if shot.posts:
        origin = shot.url.split("/", 3)
        page.goto("/".join([*origin[:3], "livez"]))
        page.evaluate(
            "url => { const form = document.createElement('form'); form.method = 'post'; form.action = url;"
            " document.body.append(form); form.submit(); }",
            shot.url,
        )
        page.wait_for_load_state("load")
        page.wait_for_url(shot.url)
        status = shot.status
    else:
        response = page.goto(shot.url)
        status = response.status if response is not None else 0
    if shot.ready:
        page.locator(shot.ready).wait_for()
    _let_it_ask(page)
    _tap(page, shot.taps)
    faults = [] if status == shot.status else [f"answered {status} instead of {shot.status} at {shot.url}"]
    page.screenshot(path=path, full_page=True)
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if too_wide > 0:
        faults.append(f"{too_wide} px wider than the screen")
    faults += axe.findings(page)
    expected = f"status of {shot.status}" if shot.status >= 400 else None
    return faults + [text for text in heard if not (expected and expected in text)]


def _let_it_ask(page: "Page") -> None:
    """What is not final is asked about when its page opens, and the page then loads once more: wait for that."""
    from playwright.sync_api import expect  # noqa: PLC0415 - playwright may be missing where only --help is asked for

    asking = page.locator("form[data-ask-on-open]")
    if asking.count():
        with suppress(AssertionError):  # asked a moment ago: it does not ask again
            expect(asking).to_have_count(0, timeout=_MILLISECONDS_TO_ASK)
        page.wait_for_load_state("load")


def _tap(page: "Page", taps: Sequence[tuple[str, str]]) -> None:
    frames = {"program": "#program", "wallet": "#wallet-frame"}
    for where, words in taps:
        if where == "phone":
            page.locator(words).click()
        else:
            page.frame_locator(frames[where]).get_by_role("button", name=words).first.click()
    if taps:
        page.wait_for_load_state("networkidle")


def album(judged: Judged) -> str:
    """All pictures on one page, a row for each, the views side by side."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th>"
        + "".join(f'<td><a href="{view}/{name}.png"><img src="{view}/{name}.png" width="420"></a></td>' for view in at)
        + "</tr>"
        for name, at in sorted(judged.pictures.items())
    )
    return f'<!doctype html><meta charset="utf-8"><title>Pictures</title><table>{rows}</table>'


# The demo.


@contextmanager
def demo(folder: Path, options: argparse.Namespace) -> Iterator[None]:
    """A demo that runs, in ``folder``; nothing is started where one is said to run already."""
    address = f"http://localhost:{options.port}"
    if options.running:
        if not _is_up(address):
            raise Refused(f"Nothing answers on {address}. Start the demo, or leave --running out.")
        yield
        return
    if _is_up(address):
        raise Refused(f"Something answers on {address} already. Give --running if it is the demo in {folder}.")
    _tell(f"A demo in {folder} …")
    ports = ("--port", str(options.port), "--sandbox-port", str(options.sandbox_port))
    line = environment.command_line("demo", "--data", str(folder), "--days", str(options.days), *ports)
    log = PICTURES / "demo.log"
    with log.open("w") as output:
        process = subprocess.Popen(line, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            for _ in range(_SECONDS_FOR_A_DEMO):
                if _UP in log.read_text():  # before that, what answers is the web process that makes the history
                    break
                if process.poll() is not None:
                    raise Refused(f"The demo did not come up; see {log}.")
                time.sleep(1)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


def _is_up(address: str) -> bool:
    try:
        return requests.get(f"{address}/readyz", timeout=2).ok
    except requests.RequestException:
        return False


def logged_in(portal_url: str, language: str) -> list[dict[str, Any]]:
    """The cookies of somebody who may see everything: a person of the demo's own, who holds every role."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: PLC0415 - loaded apps
    from django.contrib.auth.models import Group, User  # noqa: PLC0415
    from django.contrib.sessions.backends.db import SessionStore  # noqa: PLC0415

    from portal import people  # noqa: PLC0415
    from portal.actor import Actor  # noqa: PLC0415

    person = User.objects.filter(username=_PERSON).first()
    if person is None:
        roles = Group.objects.all()
        person = people.add(
            _PERSON, secrets.token_urlsafe(), first_name="Pia", roles=roles, by=Actor.command("pictures")
        )
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    cookies = {settings.SESSION_COOKIE_NAME: session.session_key, settings.LANGUAGE_COOKIE_NAME: language}
    return [{"name": name, "value": value, "url": portal_url} for name, value in cookies.items()]


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Refused(Exception):
    """It cannot be done like this; the sentence says why."""


def main(arguments: Sequence[str]) -> int:
    """Take the pictures. 0: nothing to complain of; 1: something is; 2: it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description="Pictures of every page.")
    parser.add_argument("--data", type=Path, default=PICTURES / "demo", help="the demo's folder")
    parser.add_argument("--days", type=int, default=8, help="days of history, when the demo is made (default 8)")
    parser.add_argument("--port", type=int, default=8300, help="port of its portal (default 8300)")
    parser.add_argument("--sandbox-port", type=int, default=9300, help="port of its sandbox (default 9300)")
    parser.add_argument("--running", action="store_true", help="the demo in --data runs already, on these ports")
    parser.add_argument("--only", default="", metavar="REGEX", help="only pages whose name matches")
    parser.add_argument("--views", default="light,dark,narrow", help="which of light, dark, narrow (default all)")
    parser.add_argument("--language", default="en", choices=("en", "zh-hans"), help="what the pages speak (default en)")
    options = parser.parse_args(arguments)
    folder = options.data.resolve()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    PICTURES.mkdir(parents=True, exist_ok=True)
    if not environment.is_in_force(folder):
        environment.make_folder(folder)
        line = [sys.executable, "-m", "tests.browser.pictures", *arguments]
        os.execve(line[0], line, environment.complete(folder))  # settings are read once: this process begins anew
    views = [view for view in VIEWS if view.name in options.views.split(",")]
    try:
        return _take(options, folder, views, re.compile(options.only))
    except Refused as reason:
        sys.stderr.write(f"{reason}\n")
        return _REFUSED


def _take(options: argparse.Namespace, folder: Path, views: Sequence[View], only: re.Pattern[str]) -> int:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - missing where only --help is asked for

    from tests.browser import axe, engine  # noqa: PLC0415

    program = engine.found()
    if program is None:
        raise Refused(engine.MISSING)
    if not axe.SCRIPT.exists():
        raise Refused(axe.MISSING)
    portal_url, sandbox_url = f"http://localhost:{options.port}", f"http://localhost:{options.sandbox_port}"
    judged = Judged()
    began = time.monotonic()
    with demo(folder, options):
        django.setup()
        every = [
            *desk_shots(portal_url),
            *error_shots(portal_url),
            *return_shots(portal_url),
            *hosted_shots(portal_url),
            *sandbox_shots(sandbox_url),
            Shot("api-docs", f"{portal_url}/api/v1/docs/", anonymous=True),
        ]
        shots = [shot for shot in every if only.search(shot.name)]
        cookies = [*logged_in(portal_url, options.language), *visiting(portal_url)]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=engine.ARGUMENTS)
            for view in views:
                look(browser, view, shots, cookies, judged)
            browser.close()
    (PICTURES / "index.html").write_text(album(judged))
    pictures = sum(len(at) for at in judged.pictures.values())
    _tell(f"{pictures} pictures of {len(shots)} pages in {PICTURES}, {time.monotonic() - began:.0f} s.")
    _tell(f"{len(judged.faults)} to complain of." if judged.faults else "Nothing to complain of.")
    return _FAILED if judged.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
