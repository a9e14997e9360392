"""What follows a failed charge, as a value: when it is tried again, until when there is grace, and when it ends.

Pure arithmetic, so that ``replay`` tries a policy on the past with the very code that charges. Rows of ``RetryPolicy``
hold the values; where there is none, the defaults here apply. Of several rows the one that names both the account and
the wallet counts, then the wallet's, then the account's, then the one that names neither.
"""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from payments.models import RetryPolicy
from payments.subscriptions.states import RETRYABLE, Trouble
from portal.acquirer.wallets import wallet_facts
from portal.errors import InvalidInput
from portal.statements import Found, Given

MOST_TRIES = 8
"""The cap of every schedule, whoever writes it."""
MOST_HOURS = 24 * 31
MOST_DAYS = 90
_LAST_DAY = 31

# fmt: off
_ZONES = {
    "BD": "Asia/Dhaka",   "CN": "Asia/Shanghai", "GB": "Europe/London",       "HK": "Asia/Hong_Kong",
    "ID": "Asia/Jakarta", "JP": "Asia/Tokyo",    "KR": "Asia/Seoul",          "MN": "Asia/Ulaanbaatar",
    "MO": "Asia/Macau",   "MY": "Asia/Kuala_Lumpur", "PH": "Asia/Manila",     "PK": "Asia/Karachi",
    "SG": "Asia/Singapore", "TH": "Asia/Bangkok", "TW": "Asia/Taipei",        "US": "America/New_York",
    "VN": "Asia/Ho_Chi_Minh",
}
"""Of the wallet's country; where a country has several, the one most of its people live in."""
# fmt: on


def zone_of(wallet: str, otherwise: str) -> str:
    """The time zone a wallet's buyers live in."""
    facts = wallet_facts(wallet)
    return _ZONES.get(facts.country, otherwise) if facts else otherwise


@dataclass(frozen=True)
class Policy:
    """What follows one kind of trouble."""

    trouble: Trouble
    delays_hours: tuple[int, ...] = ()
    paydays: tuple[int, ...] = ()
    payday_within_days: int = 0
    quiet_from: int | None = None
    quiet_until: int | None = None
    tries_a_day: int = 1
    grace_days: int = 7
    past_due_days: int = 14

    def next_try(self, failures: Sequence[datetime], zone: str, *, by_hand: Sequence[datetime] = ()) -> datetime | None:
        """When a charge is tried again that has failed at these moments; None: not any more.

        What others tried ``by_hand`` uses up no try of the clock's, but counts toward those of a day.
        """
        if len(failures) > len(self.delays_hours):
            return None
        at = failures[-1] + timedelta(hours=self.delays_hours[len(failures) - 1])
        at = self._on_a_payday(at, zone)
        tried = [_local(moment, zone).date() for moment in (*failures, *by_hand)]
        while True:
            at = self._not_quiet(at, zone)
            day = _local(at, zone).date()
            if tried.count(day) < self.tries_a_day:
                return at
            at = _start_of(day + timedelta(days=1), zone)

    def _on_a_payday(self, at: datetime, zone: str) -> datetime:
        local = _local(at, zone)
        for days in range(self.payday_within_days + 1):
            day = local.date() + timedelta(days=days)
            if self._is_payday(day):
                moved = datetime.combine(day, local.time(), tzinfo=local.tzinfo)
                return moved.astimezone(UTC)
        return at

    def _is_payday(self, day: date) -> bool:
        last = calendar.monthrange(day.year, day.month)[1]
        return any(min(payday, last) == day.day for payday in self.paydays)

    def _not_quiet(self, at: datetime, zone: str) -> datetime:
        if self.quiet_from is None or self.quiet_until is None or self.quiet_from == self.quiet_until:
            return at
        local = _local(at, zone)
        hour = local.hour
        is_over_night = self.quiet_from > self.quiet_until
        in_the_evening, in_the_morning = hour >= self.quiet_from, hour < self.quiet_until
        is_quiet = (in_the_evening or in_the_morning) if is_over_night else (in_the_evening and in_the_morning)
        if not is_quiet:
            return at
        day = local.date() + timedelta(days=1 if is_over_night and in_the_evening else 0)
        return datetime.combine(day, time(self.quiet_until), tzinfo=local.tzinfo).astimezone(UTC)

    def check(self) -> None:
        """Raise InvalidInput for what cannot be a policy."""
        if self.delays_hours and self.trouble not in RETRYABLE:
            raise InvalidInput(
                field="delays_hours", problem=f"{self.trouble.label}: another try cannot succeed, so there is none."
            )
        _within(self.delays_hours, "delays_hours", 1, MOST_HOURS)
        _within(self.paydays, "paydays", 1, _LAST_DAY)
        if len(self.delays_hours) > MOST_TRIES:
            raise InvalidInput(field="delays_hours", problem=f"at most {MOST_TRIES} tries.")
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise InvalidInput(field="quiet_until", problem="quiet hours have a beginning and an end.")
        _within((self.grace_days,), "grace_days", 0, MOST_DAYS)
        _within((self.past_due_days,), "past_due_days", 0, MOST_DAYS)
        _within((self.payday_within_days,), "payday_within_days", 0, _LAST_DAY)
        _within((self.tries_a_day,), "tries_a_day", 1, MOST_TRIES)

    def as_columns(self) -> dict[str, Any]:
        """The values as a row holds them."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return said | {"delays_hours": _joined(self.delays_hours), "paydays": _joined(self.paydays)}

    def words(self) -> str:
        """``after 24, 72 and 120 h; grace 7 days, then past due for 14``, for the journal and requests."""
        tries = f"tried again after {', '.join(map(str, self.delays_hours))} h" if self.delays_hours else "no new try"
        parts = [tries]
        if self.paydays and self.payday_within_days:
            parts.append(
                f"moved to day {', '.join(map(str, self.paydays))} of the month if within "
                f"{self.payday_within_days} days"
            )
        if self.quiet_from is not None and self.quiet_until is not None:
            parts.append(f"never from {self.quiet_from}:00 to {self.quiet_until}:00")
        parts.append(f"grace {self.grace_days} days, past due {self.past_due_days} days")
        return "; ".join(parts)


# fmt: off
DEFAULTS: dict[Trouble, Policy] = {
    # Undocumented, all of it: the acquirer leaves schedules to the merchant. We choose few tries, spread over the
    # days in which wages come, and none at night: https://docs.stripe.com/billing/revenue-recovery/smart-retries
    # tries 8 times in 2 weeks on a card; a wallet tells its owner of every refusal, so we ask half as often.
    Trouble.BALANCE:   Policy(Trouble.BALANCE, (24, 72, 96, 120), paydays=(15, 31), payday_within_days=2,
                              quiet_from=21, quiet_until=9, grace_days=14, past_due_days=14),
    Trouble.LIMIT:     Policy(Trouble.LIMIT, (24, 24, 72), quiet_from=21, quiet_until=9),
    Trouble.TEMPORARY: Policy(Trouble.TEMPORARY, (1, 6, 24, 48), tries_a_day=3),
    Trouble.CONSENT:   Policy(Trouble.CONSENT, grace_days=14, past_due_days=30),
    Trouble.BUYER:     Policy(Trouble.BUYER),
    Trouble.REFUSED:   Policy(Trouble.REFUSED, grace_days=0),
    Trouble.OURS:      Policy(Trouble.OURS, grace_days=30, past_due_days=30),
}
"""What is done unless a row says otherwise."""
# fmt: on


def of_row(row: RetryPolicy) -> Policy:
    """The values of a row."""
    return Policy(
        Trouble(row.trouble),
        numbers(row.delays_hours),
        numbers(row.paydays),
        row.payday_within_days,
        row.quiet_from,
        row.quiet_until,
        row.tries_a_day,
        row.grace_days,
        row.past_due_days,
    )


def effective(trouble: Trouble, *, account: str, wallet: str) -> Policy:
    """The policy in force for this trouble, account (its slug) and wallet."""
    return chosen(_ROWS.all(trouble=trouble), trouble, account=account, wallet=wallet)


_ROWS = Found(lambda: RetryPolicy.objects.filter(trouble=Given("trouble")))


def chosen(rows: Iterable[RetryPolicy], trouble: Trouble, *, account: str, wallet: str) -> Policy:
    """Of these rows the one that fits most exactly; the default where none fits."""
    best = fitting(rows, trouble, account=account, wallet=wallet)
    return DEFAULTS[trouble] if best is None else of_row(best)


def fitting(rows: Iterable[RetryPolicy], trouble: Trouble, *, account: str, wallet: str) -> RetryPolicy | None:
    """Of these rows the one that fits most exactly; None where none does."""
    all_fitting = [
        row for row in rows if row.trouble == trouble and row.account in ("", account) and row.wallet in ("", wallet)
    ]
    return max(all_fitting, key=lambda row: (bool(row.wallet), bool(row.account)), default=None)


def numbers(text: str) -> tuple[int, ...]:
    """``24 72 120`` or ``24, 72, 120`` as numbers. Raises InvalidInput for anything else."""
    parts = text.replace(",", " ").split()
    if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        raise InvalidInput(field="numbers", problem="give whole numbers with spaces between them, such as 24 72 120.")
    return tuple(int(part) for part in parts)


def _joined(values: Iterable[int]) -> str:
    return " ".join(map(str, values))


def _within(values: Iterable[int], field: str, least: int, most: int) -> None:
    if any(not least <= value <= most for value in values):
        raise InvalidInput(field=field, problem=f"each is from {least} to {most}.")


def _local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))


def _start_of(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(0), tzinfo=ZoneInfo(zone)).astimezone(UTC)
