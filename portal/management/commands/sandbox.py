"""``manage.py sandbox``: the other party, alone in its own process, with its own storage."""

import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.clock import FileClock, use
from portal.sandbox.miniprogram.forwarding import Unreadable, portal_base
from portal.sandbox.server import PortTaken, Sandbox
from portal.sandbox.store import Store, StoreUnusable

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HIGHEST_PORT = 65535


class Command(BaseCommand):
    help = "Serve the sandbox acquirer and its wallets until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=9000, help="Port to listen on (default 9000).")
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (default: this machine only).")
        parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="Folder for everything it keeps.")
        parser.add_argument(
            "--portal-url",
            default="http://localhost:8000",
            metavar="URL",
            help="The portal that the mini program in the browser speaks to (default http://localhost:8000).",
        )
        parser.add_argument(
            "--portal-account",
            default="",
            metavar="NAME",
            help="The account of that portal whose shop it is; needed where the portal has several.",
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        folder, host, port = Path(options["data"]), str(options["host"]), int(options["port"])
        if not 0 <= port <= _HIGHEST_PORT:
            raise CommandError(f"--port {port} is no port: give 1 to {_HIGHEST_PORT}.", returncode=2)
        try:
            portal_url = portal_base(str(options["portal_url"]))
        except Unreadable as reason:
            raise CommandError(f"--portal-url: {reason}", returncode=2) from reason
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            database = folder / "sandbox.sqlite3"
            database.touch(mode=0o600)
            store = Store(database)
        except OSError as reason:
            raise CommandError(f"--data {folder} cannot be used: {reason.strerror}.", returncode=2) from reason
        except StoreUnusable as reason:
            raise CommandError(str(reason), returncode=2) from reason
        clock = FileClock(folder / "clock.json")
        use(clock)
        try:
            sandbox = Sandbox(
                clock,
                store=store,
                host=host,
                port=port,
                reports_folder=folder / "reports",
                portal_url=portal_url,
                portal_account=str(options["portal_account"]),
            )
        except PortTaken as reason:
            store.close()
            raise CommandError(f"{reason} Choose another --port.", returncode=2) from reason
        sandbox.connection.write(folder / "connection.json")
        self._serve(sandbox, folder, host)

    def _serve(self, sandbox: Sandbox, folder: Path, host: str) -> None:
        stopping = threading.Event()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            stopping.set()

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        sandbox.start()
        self.stdout.write(f"Sandbox acquirer and wallets: {sandbox.url}")
        self.stdout.write(f"Mini program in a phone:      {sandbox.url}/miniprogram/")
        self.stdout.write(f"Keys for a client:            {folder / 'connection.json'}")
        if host not in _LOOPBACK:
            self.stdout.write(f"It listens on {host}: whoever reaches it may move its (invented) money.")
        self.stdout.write("Stop with Ctrl-C.")
        self.stdout.flush()
        stopping.wait()
        sandbox.stop()
        self.stdout.write("Stopped. Everything is kept in the folder.")
