"""The one search box: any id, a buyer, a masked account. What the apps know comes from the registry of searches."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from portal import registry
from portal.models import Exchange, Notification

LONGEST = 200
"""Longer texts are no id of anybody's."""
SHOWN_AT_MOST = 50


@dataclass(frozen=True)
class Hit:
    """Something found: what kind of thing, what it says about itself, where it is."""

    kind: str
    label: str
    url: str


def find(text: str) -> list[Hit]:
    """What carries this id, exact ids first. Where no thing does, the messages that speak of it."""
    wanted = text.strip()
    if not wanted or len(wanted) > LONGEST or "\x00" in wanted:
        return []
    hits: dict[str, Hit] = {}
    for search in registry.searches:
        for kind, label, url in search(wanted):
            hits.setdefault(url, Hit(kind, label, url))
    return (list(hits.values()) or _messages(wanted))[:SHOWN_AT_MOST]


def _messages(wanted: str) -> list[Hit]:
    query = urlencode({"q": wanted})
    found = []
    if Exchange.objects.filter(subject=wanted).exists():
        found.append(Hit("Exchanges", wanted, f"{reverse('admin:portal_exchange_changelist')}?{query}"))
    if Notification.objects.filter(subject=wanted).exists():
        found.append(Hit("Notifications", wanted, f"{reverse('admin:portal_notification_changelist')}?{query}"))
    return found
