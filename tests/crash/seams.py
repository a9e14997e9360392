"""The switch: a child dies by SIGKILL at a named seam, with its whole process group, when somebody has asked for it.

It is patched into the child when that starts, by the settings it is started with, and is no part of the portal. A seam
is armed by a file of its name in the folder ``CRASH_SEAMS``; whoever passes it takes the file and dies, so of many
who pass at once one dies, once. The names:

``pay.promised``            the promise is committed, the call not begun; the same of every API that is called
``pay.answered``            the acquirer has answered, nothing of it is recorded
``pay.recorded``            the answer is recorded, the caller has not heard of it (doors of the web server)
``notify.kept``             the message is committed, nothing of it applied
``notify.effected``         its effect is committed, the message not marked as applied
``notify.recorded``         it is marked, the acquirer has not heard that it was taken
``question.kept``           a wallet's question is committed, nobody has thought about it
``question.answered``       what we say to it is in the journal, and not signed
``question.recorded``       our signed answer is written, and not sent
``charge.promised``         the worker is about to charge a subscription's cycle; ``charge.answered``: it has
``subscription.skip.recorded``  as ``pay.recorded``, of the acts on a subscription
``repeat.promised``         the worker is about to send an identical refund once more; ``repeat.answered``: it has
``import.rows``             some of a report's rows are written, and not all
``import.decided``          all of it is written and proved, and not committed
``import.recorded``         it is committed, nobody has heard of it
``work.payments.heard``     the worker has heard answers about several payments and recorded none of them
``work.payments.recorded``  the worker has done a row of that kind and says nothing of it
``pay.statement.7``         before the seventh statement that the door (or the worker's row, or an import) sends
"""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.http import HttpRequest
from django.http.response import HttpResponseBase

FOLDER = "CRASH_SEAMS"
PLAIN = {"prepare": "consult", "cancelToken": "revoke", "cancelPayment": "cancel"}
"""The plain word for a verb that one of the protocols calls otherwise."""
_BY_THE_CLOCK = {("refund", "work.refunds"): "repeat", ("pay", "work.subscription charges"): "charge"}
"""Calls that have a word of their own where the worker makes them."""
_OF_SUBSCRIPTIONS = ("pause", "resume", "skip", "change", "cancel", "amounts")
STRUCK = ".struck"
ROWS_PER_INSERT = 2
"""So few that every report is written in several steps."""

_folder = Path(os.environ.get(FOLDER, "/nonexistent"))
_here = threading.local()


def pass_by(seam: str) -> None:
    """Die here, if that was asked for."""
    try:
        (_folder / seam).rename(_folder / f"{seam}{STRUCK}")
    except FileNotFoundError:
        return
    os.killpg(os.getpgrp(), signal.SIGKILL)


class Doorway:
    """Outermost: knows which door a request has come to, and is the last to see the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        door = door_of(request.path_info)
        _begin(door if request.method == "POST" else "")
        try:
            response = self._get_response(request)
        finally:
            _begin("")
        if request.method == "POST":
            pass_by(f"{door}.recorded")
        return response


def door_of(path: str) -> str:
    """``/api/v1/orders/O1/pay`` is ``pay``; every notification is ``notify``; acts of the desk have their own names."""
    parts = path.strip("/").split("/")
    if parts[0] == "notify":
        return "question" if parts[-1] == "unbinding" else "notify"
    if parts[-1] in _OF_SUBSCRIPTIONS and "subscriptions" in parts:
        return f"subscription.{parts[-1]}"
    return parts[-1]


def _begin(what: str) -> None:
    _here.what, _here.statements = what, 0


def _count_on(connection: Any, **_: Any) -> None:
    """Once per connection, however often it is opened again."""
    if _count not in connection.execute_wrappers:
        connection.execute_wrappers.append(_count)


def _count(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    what = getattr(_here, "what", "")
    if what:
        _here.statements += 1
        pass_by(f"{what}.statement.{_here.statements}")
    return execute(sql, params, many, context)


class Seams(AppConfig):
    """Plugged in last, when everything that is patched is there."""

    name = "tests.crash.seams"
    label = "crash_seams"

    def ready(self) -> None:
        connection_created.connect(_count_on, dispatch_uid="crash.seams")
        _at_the_wire()
        _at_the_inbox()
        _at_the_import()
        _at_the_worker()


def _at_the_wire() -> None:
    from portal import flights  # noqa: PLC0415 - models are loaded by now
    from portal.acquirer.client import Answer, SignedClient  # noqa: PLC0415 - models are loaded by now

    real = SignedClient.post

    def post(self: SignedClient, name: str, path: str, message: Any) -> Answer:
        api = "refresh" if name == "applyToken" and "refreshToken" in message else PLAIN.get(name, name)
        api = _BY_THE_CLOCK.get((name, getattr(_here, "what", "")), api)
        pass_by(f"{api}.promised")
        try:
            return real(self, name, path, message)
        finally:
            pass_by(f"{api}.answered")

    SignedClient.post = post
    real_made = flights.made

    def made(calls: Sequence[Callable[[], Any]]) -> Any:
        what = getattr(_here, "what", "")

        def known(call: Callable[[], Any]) -> Callable[[], Any]:
            def made_for_it() -> Any:
                _here.what = what  # on another thread it is not known whose call this is
                return call()

            return made_for_it

        return real_made([known(call) for call in calls])

    flights.made = made


def _at_the_inbox() -> None:
    from portal import inbox, registry  # noqa: PLC0415 - models are loaded by now

    real = inbox.apply

    def apply(notification: Any, inbound: Any) -> Any:
        pass_by("notify.kept")
        return real(notification, inbound)

    inbox.apply = apply

    def then_die(handler: Callable[..., bool]) -> Callable[..., bool]:
        def handle(*args: Any) -> bool:
            done = handler(*args)
            pass_by("notify.effected")
            return done

        return handle

    entries = registry.notification_handlers._entries
    for name, (position, handler) in list(entries.items()):
        entries[name] = (position, then_die(handler))

    def between(think: Callable[..., bool]) -> Callable[..., bool]:
        def answer(*args: Any) -> bool:
            pass_by("question.kept")
            allows = think(*args)
            pass_by("question.answered")
            return allows

        return answer

    questions = registry.questions._entries
    for name, (position, think) in list(questions.items()):
        questions[name] = (position, between(think))


def _at_the_import() -> None:
    from reconciliation.models import SettlementRow  # noqa: PLC0415 - models are loaded by now
    from reconciliation.operations import importing  # noqa: PLC0415 - models are loaded by now

    manager = SettlementRow.objects
    real_create, real_prove = manager.bulk_create, importing.queries.prove

    def bulk_create(rows: Any, **options: Any) -> Any:
        real_create(rows[:ROWS_PER_INSERT])
        pass_by("import.rows")
        return [*rows[:ROWS_PER_INSERT], *real_create(rows[ROWS_PER_INSERT:], **options)]

    def prove(file: Any) -> None:
        real_prove(file)
        pass_by("import.decided")

    manager.bulk_create = bulk_create
    importing.queries.prove = prove
    real_carry_out = importing._at_once

    def carry_out(*args: Any, **options: Any) -> Any:
        _begin("import")
        try:
            outcome = real_carry_out(*args, **options)
        finally:
            _begin("")
        pass_by("import.recorded")
        return outcome

    importing._at_once = carry_out


def _at_the_worker() -> None:
    from payments import operations  # noqa: PLC0415 - models are loaded by now
    from portal import registry  # noqa: PLC0415 - models are loaded by now

    record_inquiries = operations.record_inquiries

    def record(heard: Any) -> None:
        pass_by("work.payments.heard")
        record_inquiries(heard)

    operations.record_inquiries = record

    def many(name: str, work_on_many: Callable[..., Any]) -> Callable[..., Any]:
        def several(*args: Any) -> Any:
            _begin(f"work.{name}")
            try:
                for done in work_on_many(*args):
                    pass_by(f"work.{name}.recorded")
                    yield done
            finally:
                _begin("")

        return several

    def counted(name: str, work: Callable[[int], str]) -> Callable[[int], str]:
        def one(pk: int) -> str:
            _begin(f"work.{name}")
            try:
                line = work(pk)
            finally:
                _begin("")
            pass_by(f"work.{name}.recorded")
            return line

        return one

    entries = registry.due_work._entries
    for name, (position, kind) in list(entries.items()):
        entries[name] = (
            position,
            replace(
                kind,
                work=counted(name, kind.work),
                work_on_many=kind.work_on_many and many(name, kind.work_on_many),
            ),
        )
