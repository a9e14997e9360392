"""What customs shows on the first page: refused declarations, and those without a last word. Reads only."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.urls import reverse

from payments.customs.states import DeclarationStatus
from payments.models import Declaration
from payments.schedule import LADDER
from portal.actor import ActorKind
from portal.gather import Standing
from portal.registry import TodayLine, TodayQueue, line_for_each
from portal.words import counted, say

REFUSED = Q(status=DeclarationStatus.REFUSED)
"""By customs. What the acquirer turned down was seen by whoever declared it, and reserves nothing."""
TURNED_DOWN = Q(status=DeclarationStatus.FAILED, actor_kind=ActorKind.CLOCK, payment__declared_value=0)
"""But what a rule declared nobody has seen, until somebody declares it."""
STUCK = Q(status__in=(DeclarationStatus.PROCESSING, DeclarationStatus.DECLARED, DeclarationStatus.AMENDING)) & Q(
    attempts__gt=len(LADDER)
)
"""Every rung of the ladder was climbed."""


def _counted(condition: Q) -> Standing:
    """How many, since when: every declaration is in one currency."""

    def rows() -> QuerySet[Declaration, Any]:
        found = Declaration.objects.filter(condition).order_by()
        return found.values("currency").annotate(count=Count("pk"), since=Min("created_at"))

    return Standing(rows)


def _refused_line(row: Mapping[str, Any]) -> TodayLine:
    """One line for all of them."""
    what = counted("{count} declaration", "{count} declarations", row["count"])
    return _line(row, say("{what} refused by customs: amend and transmit again", what=what), "refused")


def _turned_down_line(row: Mapping[str, Any]) -> TodayLine:
    """One line for all that a rule declared in vain."""
    what = counted("{count} declaration", "{count} declarations", row["count"])
    return _line(row, say("{what} by rule was not made: declare it by hand", what=what), "turned_down")


def _stuck_line(row: Mapping[str, Any]) -> TodayLine:
    """One line for all of them: customs is asked about once a day by now."""
    what = counted("{count} declaration", "{count} declarations", row["count"])
    return _line(row, say("{what} without a last word of customs", what=what), "stuck")


def _line(row: Mapping[str, Any], sentence: str, ask: str) -> TodayLine:
    return TodayLine(
        label=say("Customs"),
        tone="bad",
        sentence=sentence,
        url=f"{reverse('admin:payments_declaration_changelist')}?ask={ask}",
        action=say("Look"),
        since=row["since"],
    )


def _first(condition: Q) -> Standing:
    """Whether there is one."""
    return Standing(lambda: Declaration.objects.filter(condition).order_by("pk")[:1])


_SEEN_BY = "payments.view_declaration"
QUEUES = {
    "refused declarations": TodayQueue(_SEEN_BY, [_first(REFUSED)], _counted(REFUSED), line_for_each(_refused_line)),
    "declarations not made": TodayQueue(
        _SEEN_BY, [_first(TURNED_DOWN)], _counted(TURNED_DOWN), line_for_each(_turned_down_line)
    ),
    "stuck declarations": TodayQueue(_SEEN_BY, [_first(STUCK)], _counted(STUCK), line_for_each(_stuck_line)),
}
"""One line for all of each kind."""
