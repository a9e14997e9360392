"""Every role × every act × every door: allowed or refused exactly as README's table says.

The expectation is read from README, acts and doors from the code. What is new in the code and not in the table, or at a
door that is not walked here, fails.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

import portal
from payments.models import BulkRefund, Payment
from portal import registry, roles
from portal.actor import Actor
from portal.admin.acts import Act
from portal.admin.ledger import LedgerAdmin
from portal.models import PaymentMethod
from portal.roles import PURPOSES, RIGHTS
from reconciliation import operations as reconciling
from reconciliation.models import (
    BankCredit,
    Batch,
    BulkDecision,
    BulkDecisionLine,
    Discrepancy,
    FeeContract,
    Period,
    ReportFile,
    ReportSource,
    SettlementCalendar,
    SettlementRow,
    SourceFile,
)
from tests import factories
from tests.desk.conftest import Desk, act_url, list_url, page_url
from tests.desk.test_lists import ROW
from tests.reconciliation import reports
from tests.reconciliation.statements import statement

pytestmark = pytest.mark.django_db
README = Path(portal.__file__).parent.parent / "README.md"
BOOKS = (
    ReportFile,
    Batch,
    SettlementRow,
    Discrepancy,
    BankCredit,
    Period,
    FeeContract,
    SettlementCalendar,
    ReportSource,
    SourceFile,
    BulkDecision,
    BulkDecisionLine,
)
EVERYBODY = {
    *(
        "index",
        "search",
        "login",
        "logout",
        "password_change",
        "password_change_done",
        "autocomplete",
        "jsi18n",
        "news",
    ),
    *("view_on_site", "app_list", ""),
}
"""Pages of the desk that belong to no kind of things: what they show depends on who looks, and stands elsewhere."""
OF_A_KIND = {"changelist", "change", "history", "act", "list_act"}
"""Doors of a kind of things, each walked below."""
OF_A_LIST = {"export", "columns", "views", "progress", "forecast", "offer", "sample"}
"""What a list can be made into, how far an import is, what is to be charged; who may is told by their stories. What
would be offered, and the file to begin with, are walked below."""
NEVER = {"add", "delete"}
"""Django's own, which let nobody in (tests/desk/test_pages.py)."""


def table() -> dict[str, set[str]]:
    """README's table: permission → roles. The words of a line stand for the rights that the code calls so."""
    text = README.read_text().partition("<!-- table: portal.roles -->")[2].partition("\n\n")[0]
    head, _, *lines = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.strip().splitlines()]
    told: dict[str, set[str]] = {}
    for line in lines:
        words, *marks = [*line, *[""] * (len(head) - len(line))]
        holders = {role for role, mark in zip(head[1:], marks, strict=True) if mark}
        bare = re.sub(r" \((?:moves|lets) [^)]*\)$", "", words)
        for name in bare.removeprefix("see ").split(", ") if bare.startswith("see ") else [bare]:
            [right] = [right for right in RIGHTS if right.words == name and right.is_view == bare.startswith("see ")]
            told[right.permission] = holders
    return told


TOLD = table()


@dataclass(frozen=True)
class Door:
    """One way to an act, or to a page."""

    name: str
    url: str
    permissions: frozenset[str]
    button_on: str = ""
    """The page that shows a button for it to whoever may press it."""


def permission(model_admin: LedgerAdmin, act: Act) -> str:
    """What an act needs."""
    return f"{model_admin.opts.app_label}.{act.codename}"


def things() -> list[Any]:
    """One of every kind, for there is nothing that is not in the way of somebody."""
    account = factories.AcquirerAccountFactory(customer_id=reports.CUSTOMER)
    for make in ROW.values():
        make(account)
    factories.ApprovalFactory(payment=Payment.objects.first())  # newer than the one that is about nothing
    by = Actor.command("test")
    reconciling.import_report("settlement.csv", reports.SETTLEMENT.encode(), by=by, account=account)
    reconciling.import_statement("bank.csv", statement("5.00,USD,2026-05-15,BANK-1,").encode(), account=account, by=by)
    FeeContract.objects.create(account=account, wallet="GCASH", currency="USD", rate=290, valid_from=date(2026, 5, 1))
    SettlementCalendar.objects.create(account=account)
    bulk = BulkDecision.objects.create(act="close discrepancies", status="TRIED", actor_kind="PERSON")
    BulkDecisionLine.objects.create(bulk=bulk, position=1, label="one", act="ACCEPT")
    source = ReportSource.objects.create(account=account, host="sftp.example", username="us", password="x")
    SourceFile.objects.create(source=source, path="/report.csv", size=1, modified=1)
    return [model.objects.first() for model in (*ROW, *BOOKS)]


def doors() -> Iterator[Door]:
    """Every door of the desk."""
    for thing in things():
        model_admin: Any = admin.site._registry[type(thing)]
        label = thing._meta.label_lower
        seen = f"{thing._meta.app_label}.view_{thing._meta.model_name}"
        yield Door(f"{label} list", list_url(thing), frozenset({seen}))
        yield Door(f"{label} page", page_url(thing), frozenset({seen}))
        if isinstance(thing, PaymentMethod):
            yield Door(
                f"{label} offer", reverse("admin:portal_paymentmethod_offer"), frozenset({seen}), list_url(thing)
            )
        if isinstance(thing, BulkRefund):
            upload = f"{list_url(thing)}acts/upload/"
            may = frozenset({"payments.act_bulk_refund"})
            yield Door(f"{label} sample", reverse("admin:payments_bulkrefund_sample"), may, upload)
        for act in model_admin.acts:
            wanted = frozenset({seen, permission(model_admin, act)})
            offered = page_url(thing) if not act.why_not(thing) else ""
            yield Door(f"{label} {act.name}", act_url(thing, act.name), wanted, offered)
        for act in model_admin.list_acts:
            wanted = frozenset({seen, permission(model_admin, act)})
            url = f"{list_url(thing)}acts/{act.name}/"
            offered = list_url(thing) if not act.why_not(None) else ""
            yield Door(f"{label} {act.name}", url, wanted, offered)


@pytest.mark.parametrize("role", PURPOSES)
def test_a_role_comes_through_the_doors_the_table_opens_and_no_other(
    role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(role)
    held = {permission for permission, holders in TOLD.items() if role in holders}
    pages: dict[str, str] = {}
    wrong = []

    walked = list(doors())
    for url in {door.button_on for door in walked if door.button_on}:
        pages[url] = desk.client.get(url).content.decode()
    # Whether a door opens is known before its page is written, which is most of the work and tested elsewhere.
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    for door in walked:
        is_open = door.permissions <= held
        # Of a request for approval, whoever may see it reads in a sentence why they may not decide.
        is_told = door.name.startswith("portal.approval ") and "portal.view_approval" in held
        expected = 200 if is_open or is_told else 403
        got = {"GET": desk.status(door.url)}
        if "/acts/" in door.url:
            # Nothing is filled in: whoever may comes to the form again, whoever may not is sent away before it is read.
            nothing = {"once": "", "saying": "", "chosen": ["1"]}
            got["POST"] = int(desk.client.post(door.url, nothing).status_code)
        wrong += [(door.name, way, status) for way, status in got.items() if status != expected]
        if door.button_on and not door.name.startswith("portal.approval "):  # that depends on who asked for it
            page = pages[door.button_on]
            has_button = f'href="{door.url}"' in page or f'action="{door.url}"' in page
            wrong += [(door.name, "button", has_button)] if has_button != is_open else []

    assert wrong == []
    assert len(walked) > 80


@pytest.mark.parametrize("role", PURPOSES)
def test_no_role_comes_through_the_api_which_knows_no_sessions(role: str) -> None:
    desk = Desk(role)
    paths = list(api_doors())

    answers = {path: int(desk.client.post(path, "{}", "application/json").status_code) for path in paths}

    assert len(paths) > 15
    assert {path for path, status in answers.items() if status not in (401, 404, 405)} <= PUBLIC, answers


PUBLIC = {"/api/v1/sessions"}
"""Where a buyer begins, who has nothing to show yet but the wallet's login code."""


def api_doors() -> Iterator[str]:
    """Every path of the API, with something that looks like an id where one belongs."""
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLResolver) and str(pattern.pattern) == "api/v1/":
            for inner in pattern.url_patterns:
                assert isinstance(inner, URLPattern)
                yield "/api/v1/" + re.sub(r"<[^>]+>", "O2026", str(inner.pattern))


def test_the_table_names_every_permission_and_every_act() -> None:
    acts = {
        permission(model_admin, act)
        for model_admin in admin.site._registry.values()
        if isinstance(model_admin, LedgerAdmin)
        for act in (*model_admin.acts, *model_admin.list_acts)
    }

    assert roles.unlisted() == []
    assert acts <= set(TOLD)
    assert {f"{model._meta.app_label}.view_{model._meta.model_name}" for model in admin.site._registry} <= set(TOLD)
    assert set(TOLD) == {right.permission for right in RIGHTS}


def test_every_door_of_the_desk_is_walked() -> None:
    kinds = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}
    known = EVERYBODY | {f"{kind}_{door}" for kind in kinds for door in OF_A_KIND | OF_A_LIST | NEVER}
    names = {pattern.name or "" for pattern in _patterns(admin.site.urls[0])}

    assert names - known == set()
    assert all(isinstance(model_admin, LedgerAdmin) for model_admin in admin.site._registry.values())
    assert set(admin.site._registry) == {*ROW, *BOOKS}


def _patterns(found: Any) -> Iterator[URLPattern]:
    for one in found:
        if isinstance(one, URLResolver):
            yield from _patterns(one.url_patterns)
        else:
            yield one


def test_who_looks_after_people_moves_no_money_and_who_moves_money_looks_after_nobody() -> None:
    people = {"auth.add_user", "auth.change_user"}
    for role in PURPOSES:
        held = roles.held_by(role)
        assert not (held & roles.MOVES_MONEY and held & people), role
    assert roles.held_by(roles.ADMINISTRATOR) >= people


def test_whoever_may_only_ask_is_always_asked_for_a_second_person() -> None:
    asking = {right.permission: right.askers for right in RIGHTS if right.askers}
    always = {
        rule.role for _, entry in registry.approvals.items() for rule in entry.defaults if rule.role and rule.is_always
    }

    assert asking == dict.fromkeys(("payments.act_refund", "payments.act_give_back"), frozenset({roles.SUPPORT}))
    assert always == {roles.SUPPORT}


def test_every_act_whose_form_says_it_moves_money_is_marked_so_in_the_table() -> None:
    from portal.admin.acts import ActForm  # noqa: PLC0415 - beside what is compared with it

    moving = {
        permission(model_admin, act)
        for model_admin in admin.site._registry.values()
        if isinstance(model_admin, LedgerAdmin)
        for act in (*model_admin.acts, *model_admin.list_acts)
        if act.form.moves is not ActForm.moves
    }

    # A bulk refund moves nothing itself: each of its refunds does, under the rules of approvals.
    assert moving >= roles.MOVES_MONEY - {"payments.act_bulk_refund"}
    assert moving <= roles.NEED_SECOND_FACTOR


def test_a_stranger_comes_through_no_door() -> None:
    stranger = Client()

    for door in doors():
        for answer in (stranger.get(door.url), stranger.post(door.url)):
            assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, reverse("account_login"))
