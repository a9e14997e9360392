"""News for people: what waits, by e-mail, for whoever asked for it; each thing once, and nothing private in it."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail

from portal import clock, news, work
from portal.models import JournalEntry, NewsTold, NewsWish, Wish
from portal.roles import FINANCE, OPERATOR
from tests import factories
from tests.desk.conftest import Desk
from tests.story import StoryClock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator(person: type[Desk]) -> Desk:
    """Somebody with an address."""
    desk = person(OPERATOR)
    desk.user.email = "operator@example.com"
    desk.user.save()
    return desk


def wants(desk: Desk, incidents: str = Wish.NEVER, approvals: str = Wish.NEVER, hour: int = 9) -> str:
    """Say it in the form; the words of the page it ends on."""
    response = desk.client.post(
        "/admin/news/", {"incidents": incidents, "approvals": approvals, "hour": hour}, follow=True
    )
    return response.content.decode()


def works() -> list[str]:
    """Let the worker do what is due now."""
    return [line for kind, line in work.run_due() if kind == "news" and line]


def test_who_asked_for_nothing_is_told_nothing(operator: Desk) -> None:
    factories.IncidentFactory(kind="PAYMENT_UNKNOWN")

    assert works() == []
    assert mail.outbox == []


def test_urgent_things_come_at_once_and_the_rest_with_the_daily_mail(operator: Desk, story_clock: StoryClock) -> None:
    wants(operator, incidents=Wish.AT_ONCE, hour=18)  # it is 10:00
    factories.IncidentFactory(kind="PAYMENT_UNKNOWN", summary="P2026 (1,499.00 PHP) of 63-9****31111")
    factories.IncidentFactory(kind="NOTIFICATION_UNAPPLIED")

    assert len(works()) == 1
    (sent,) = mail.outbox
    assert sent.subject == "1 thing needs you at the desk"
    assert sent.to == ["operator@example.com"]
    assert "Incident: payment unknown, since 02 Mar 10:00" in sent.body
    assert "/admin/portal/incident/" in sent.body
    assert "You asked for this (told at once)." in sent.body
    assert not [private for private in ("1,499", "63-9", "P2026", operator.user.username) if private in sent.body]

    story_clock.move(timedelta(hours=8))
    works()
    assert [one.subject for one in mail.outbox[1:]] == ["1 thing needs you at the desk"]
    assert "Incident: notification unapplied" in mail.outbox[1].body
    assert "(the daily mail)" in mail.outbox[1].body


def test_whoever_may_approve_hears_of_a_request_and_who_asked_does_not(
    operator: Desk, person: type[Desk], story_clock: StoryClock
) -> None:
    finance = person(FINANCE)
    for desk, address in ((finance, "finance@example.com"), (operator, "operator@example.com")):
        desk.user.email = address
        desk.user.save()
        wants(desk, approvals=Wish.AT_ONCE)
    factories.ApprovalFactory(requester=operator.user)

    works()

    (sent,) = mail.outbox
    assert sent.to == ["finance@example.com"]
    assert "Approval asked for: refund" in sent.body
    assert "6,000" not in sent.body


def test_of_each_thing_a_person_is_told_once(operator: Desk, story_clock: StoryClock) -> None:
    wants(operator, incidents=Wish.AT_ONCE)
    factories.IncidentFactory(kind="PAYMENT_UNKNOWN")
    works()
    wish = NewsWish.objects.get()

    for _ in range(3):
        story_clock.move(timedelta(minutes=2))
        works()
    NewsWish.objects.update(due_at=clock.now(), lease_until=None)
    news.tell(wish.pk)
    news.tell(wish.pk)

    assert len(mail.outbox) == 1
    assert NewsTold.objects.count() == 1


def test_the_daily_mail_comes_once_a_day_at_its_hour(operator: Desk, story_clock: StoryClock) -> None:
    wants(operator, incidents=Wish.DAILY, hour=11)
    factories.IncidentFactory(kind="PAYMENT_UNKNOWN")
    works()
    assert mail.outbox == []

    story_clock.move(timedelta(hours=1, minutes=1))
    works()
    assert len(mail.outbox) == 1
    factories.IncidentFactory(kind="CANCEL_REFUSED")
    story_clock.move(timedelta(hours=2))
    works()
    assert len(mail.outbox) == 1

    story_clock.move(timedelta(days=1))
    works()
    assert len(mail.outbox) == 2
    assert "cancel refused" in mail.outbox[1].body


def test_a_mail_server_that_is_down_is_an_incident_and_nothing_is_sent_twice(
    operator: Desk, settings: Any, story_clock: StoryClock
) -> None:
    wants(operator, incidents=Wish.AT_ONCE)
    factories.IncidentFactory(kind="PAYMENT_UNKNOWN")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    works()
    story_clock.move(timedelta(minutes=2))
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    works()

    assert mail.outbox == []
    assert "News could not be sent by e-mail." in operator.reads("/admin/")


def test_who_left_or_has_no_address_is_told_nothing(operator: Desk) -> None:
    wants(operator, incidents=Wish.AT_ONCE)
    factories.IncidentFactory(kind="PAYMENT_UNKNOWN")
    operator.user.is_active = False
    operator.user.save()

    works()

    assert mail.outbox == []
    assert NewsTold.objects.count() == 0


def test_the_wish_is_kept_shown_and_written_in_the_journal(operator: Desk) -> None:
    assert "That is what you are told from now on." in wants(operator, Wish.AT_ONCE, Wish.DAILY, 7)

    entry = JournalEntry.objects.get(act="change news")
    assert entry.after == {"incidents": "AT_ONCE", "approvals": "DAILY", "hour": 7}
    page = operator.opens("/admin/news/")
    assert '<option value="AT_ONCE" selected>' in page
    assert '<option value="7" selected>07:00' in page
    assert "To operator@example.com." in page


@pytest.mark.parametrize("said", [{"hour": "24"}, {"incidents": "LOUDLY"}, {}])
def test_what_cannot_be_wished_is_refused_in_the_form(operator: Desk, said: dict[str, str]) -> None:
    given = {"incidents": "DAILY", "approvals": "NEVER", "hour": "9"} | said if said else {}

    response = operator.client.post("/admin/news/", given)

    assert response.status_code == 200
    assert NewsWish.objects.count() == 0
