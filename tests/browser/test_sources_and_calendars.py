"""Pages of SFTP sources and of settlement calendars: usable in the light, in the dark, and on a phone.

With ``PORTAL_PICTURES=FOLDER`` a picture of each is kept there, to be looked at.
"""

import os
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from portal import clock, roles
from reconciliation.models import CalendarDay, ReportSource, SettlementCalendar, SourceFile
from tests.browser import axe
from tests.factories import PASSWORD, UserFactory
from tests.story import Shop

_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBm7mTzQy6wUQ1j6bq0gYq4rP0bKq5nq6y2y3m9mS5pT"
_ADMIN = "/admin/reconciliation"


@pytest.fixture
def manager(page: Page, shop: Shop) -> Page:
    """Somebody who says where reports come from, and on which days the acquirer settles."""
    roles.install()
    user = UserFactory(roles=(roles.FINANCE, roles.ADMINISTRATOR))
    page.goto(f"{shop.url}/admin/login/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Today")).to_be_visible()
    return page


def looks_at(page: Page, url: str, name: str) -> None:
    """In three ways; nothing beyond the edge, and nothing that axe-core finds serious, where it is installed."""
    for view, scheme, width in (("light", "light", 1360), ("dark", "dark", 1360), ("narrow", "light", 390)):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 900})
        answer = page.goto(url)
        assert answer is not None
        assert answer.status == 200, url
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (url, view)
        if axe.SCRIPT.exists():
            assert axe.findings(page) == [], (url, view)
        if folder := os.environ.get("PORTAL_PICTURES"):
            page.screenshot(path=Path(folder) / f"{name}-{view}.png", full_page=True)


def test_sources_are_looked_at(manager: Page, shop: Shop) -> None:
    known = ReportSource.objects.create(
        account=shop.account, host="sftp.acquirer.example", username="kape", directory="/reports/settlement",
        host_key=_KEY, looked_at=clock.now(), answered_at=clock.now(),
    )  # fmt: skip
    new = ReportSource.objects.create(
        account=shop.account, host="sftp2.acquirer.example", username="kape", offered_host_key=_KEY,
        looked_at=clock.now(), failed_step="HOST_KEY", problem="The server's host key is not confirmed yet.",
    )  # fmt: skip
    for number in range(3):
        SourceFile.objects.create(
            source=known, path=f"/reports/settlement/settlementItems_USD_{number}.csv", size=1_000 * number, modified=1
        )
    pages = {
        "sources": "reportsource/", "add": "reportsource/acts/add/", "source": f"reportsource/{known.pk}/change/",
        "unknown": f"reportsource/{new.pk}/change/", "confirm": f"reportsource/{new.pk}/acts/confirm/",
        "edit": f"reportsource/{known.pk}/acts/edit/", "fetched": "sourcefile/",
    }  # fmt: skip
    for name, path in pages.items():
        looks_at(manager, f"{shop.url}{_ADMIN}/{path}", name)


def test_calendars_are_looked_at(manager: Page, shop: Shop) -> None:
    calendar, _ = SettlementCalendar.objects.get_or_create(account=shop.account)
    CalendarDay.objects.create(calendar=calendar, day=date(2026, 3, 20), is_working=False, name="Eid al-Fitr")
    CalendarDay.objects.create(calendar=calendar, day=date(2026, 3, 21), is_working=True, name="Worked Saturday")
    pages = {
        "calendars": "settlementcalendar/", "calendar": f"settlementcalendar/{calendar.pk}/change/",
        "edit-calendar": f"settlementcalendar/{calendar.pk}/acts/edit/",
    }  # fmt: skip
    for name, path in pages.items():
        looks_at(manager, f"{shop.url}{_ADMIN}/{path}", name)
