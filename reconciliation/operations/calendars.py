"""On which days an account is settled: said by a person of finance, journaled."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction

from portal import journal
from portal.actor import Actor
from portal.idempotency import Remember
from portal.models import AcquirerAccount
from reconciliation.calendars import calendar_of, write_days
from reconciliation.models import CalendarDay, SettlementCalendar
from reconciliation.operations import missing


def begin_calendar(account: AcquirerAccount) -> None:
    """Monday to Friday, until a person says more. Inside the transaction that connects the account."""
    SettlementCalendar.objects.get_or_create(account=account)


def edit_calendar(
    account: AcquirerAccount,
    weekend: set[int],
    holidays: Mapping[date, str],
    made_up: Mapping[date, str],
    *,
    by: Actor,
    note: str = "",
    remember: Remember | None = None,
) -> SettlementCalendar:
    """Say on which days the acquirer settles. What is missing by it is looked for at once.

    Raises CalendarUnclear for one that contradicts itself.
    """
    calendar_of(weekend, holidays, made_up)
    with transaction.atomic():
        kept, is_new = SettlementCalendar.objects.select_for_update().get_or_create(account=account)
        before = None if is_new else _shown(kept)
        kept.weekend = sum(1 << weekday for weekday in weekend)
        kept.save(update_fields=["weekend"])
        kept.days.all().delete()
        listed = [(day, False, name) for day, name in holidays.items()]
        listed += [(day, True, name) for day, name in made_up.items()]
        CalendarDay.objects.bulk_create(
            CalendarDay(calendar=kept, day=day, is_working=is_working, name=name)
            for day, is_working, name in sorted(listed)
        )
        kept = SettlementCalendar.objects.get(pk=kept.pk)
        after = _shown(kept)
        said: dict[str, Any] = {"after": after} if before is None else journal.differing(before, after)
        journal.write("edit settlement calendar", by=by, subject=kept, note=note, **said)
        missing.look_soon(account)
        if remember is not None:
            remember(kept)
    return kept


def _shown(kept: SettlementCalendar) -> dict[str, Any]:
    calendar = kept.calendar()
    return {
        "weekend": sorted(calendar.weekend),
        "holidays": write_days(calendar.holidays),
        "working days": write_days(calendar.made_up),
    }
