"""``manage.py miniprogram DIR``: render a complete mini program for this portal into an empty folder."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal import checks
from portal.miniprogram.rendering import Kit, files_of, write
from portal.miniprogram.tables import LANGUAGES
from portal.models import AcquirerAccount
from portal.sandbox.miniprogram.forwarding import Unreadable, portal_base

REFUSED = 2


class Command(BaseCommand):
    """Exit 0: it is all there. Exit 2: nothing was written, or not all of it, with a sentence."""

    help = "Render a complete mini program for this portal: pages, adapter, typed API client, words, settings to make."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say where, and for what."""
        parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
        parser.add_argument(
            "--portal-url",
            default=settings.PORTAL_BASE_URL,
            metavar="URL",
            help="where phones find this portal (default: PORTAL_BASE_URL)",
        )
        parser.add_argument("--account", metavar="SLUG", help="acquirer account; needed only where there are several")
        parser.add_argument(
            "--language", choices=LANGUAGES.values(), default="en", help="of the tab bar; the pages speak both"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Look at everything first, then write."""
        checks.refuse_unready_database()
        folder: Path = options["folder"]
        _refuse_unless_empty(folder)
        try:
            portal_url = portal_base(options["portal_url"])
        except Unreadable as reason:
            raise CommandError(f"--portal-url: {reason}", returncode=REFUSED) from None
        account, is_alone = _account(options["account"])
        methods = account.methods.filter(is_contracted=True).order_by("pk") if account else ()
        kit = Kit(
            portal_url=portal_url,
            merchant=settings.PORTAL_MERCHANT_NAME or (account.name if account else "Shop"),
            account=account.slug if account and not is_alone else "",
            language=next(name for name, code in LANGUAGES.items() if code == options["language"]),
            wallets=[method.facts() for method in methods],
        )
        files = files_of(kit)
        try:
            write(folder, files)
        except OSError as reason:
            why = reason.strerror or "it cannot be written"
            raise CommandError(f"{folder} cannot be written: {why}.", returncode=REFUSED) from None
        self._tell(folder, kit, len(files))

    def _tell(self, folder: Path, kit: Kit, count: int) -> None:
        self.stdout.write(f"A mini program of {kit.merchant} for {kit.portal_url}: {count} files in {folder}.")
        sites = [wallet.name for wallet in kit.wallets if wallet.site_name]
        if sites:
            self.stdout.write(f"It runs in {', '.join(sites)}.")
        else:
            self.stdout.write("No contracted wallet runs mini programs yet: it will say so to whoever opens it.")
        self.stdout.write("Next:")
        self.stdout.write(f"  1. Make the platform's settings: {folder / 'README.md'} lists them on one page.")
        self.stdout.write(f"  2. Open {folder} in the mini program's IDE, and preview it.")
        if not kit.portal_url.startswith("https://"):
            self.stdout.write(
                f"  3. {kit.portal_url} is not HTTPS: a phone will not ask it. {folder / 'LOCAL.md'} says what to do."
            )
        if not settings.PORTAL_WALLET_LOGIN_URL:
            self.stdout.write(
                "PORTAL_WALLET_LOGIN_URL is empty, so buyers cannot be signed in by their wallet (logins_off)."
            )


def _refuse_unless_empty(folder: Path) -> None:
    """Raises CommandError unless the folder is new or empty."""
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            what = "is not empty" if folder.is_dir() else "is no folder"
            raise CommandError(f"{folder} {what}: nothing was written. Name a new or empty folder.", returncode=REFUSED)
    except OSError as reason:
        raise CommandError(f"{folder} cannot be looked into: {reason.strerror}.", returncode=REFUSED) from None


def _account(slug: str | None) -> tuple[AcquirerAccount | None, bool]:
    """The account that was named, or the only one; and whether it is the only one. Raises CommandError."""
    enabled = list(AcquirerAccount.objects.filter(is_enabled=True).order_by("slug"))
    known = ", ".join(account.slug for account in enabled) or "none yet"
    if slug is not None:
        found = next((account for account in enabled if account.slug == slug), None)
        if found is None:
            raise CommandError(f"There is no acquirer account {slug}. Accounts: {known}.", returncode=REFUSED)
        return found, len(enabled) == 1
    if len(enabled) > 1:
        raise CommandError(f"Say for which account: --account with one of {known}.", returncode=REFUSED)
    return (enabled[0] if enabled else None), True
