"""The environment a demonstration runs in: its own folder, its own SQLite database, never a real installation's.

Settings are read once, when a process starts. A command that is to use another folder therefore starts itself again
with the environment said here, which wins over ``.env``.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from django.conf import settings
from django.core.management.base import CommandError

DATABASE = "portal.sqlite3"
SANDBOX = "sandbox"
CLOCK = "clock.json"


def of(folder: Path) -> dict[str, str]:
    """What the settings of a demonstration in ``folder`` are read from."""
    return {
        "PORTAL_ENVIRONMENT": "sandbox",
        "PORTAL_DATA": str(folder),
        "PORTAL_CHECKPOINTS": str(folder / "checkpoints"),
        "DATABASE_URL": f"sqlite:///{quote(str(folder / DATABASE))}",
        "PORTAL_CLOCK_FILE": str(folder / SANDBOX / CLOCK),
        "PORTAL_WALLET_LOGIN_URL": "sandbox",
        # The shop's own backend, which is told what happens, stands on this machine.
        "PORTAL_WEBHOOKS_ALLOW_PRIVATE": "true",
        # Whoever looks around signs in as six people, on one machine, without a phone for each.
        "PORTAL_SECOND_FACTOR": "false",
        # Generated in the folder: a demonstration neither needs nor sees anybody's real keys.
        "PORTAL_SECRET_KEY": "",
        "PORTAL_MASTER_KEYS": "",
        "PORTAL_DEBUG": "false",
        # What a web server logs before it has read our settings has the desk's time, too.
        "TZ": settings.TIME_ZONE,
    }


def complete(folder: Path, **more: str) -> dict[str, str]:
    """The whole environment of a process that belongs to the demonstration in ``folder``."""
    wanted = of(folder) | more
    files = {f"{name}_FILE" for name in wanted}
    inherited = {name: value for name, value in os.environ.items() if name not in files}
    return inherited | {"DJANGO_SETTINGS_MODULE": "portal.settings"} | wanted


def is_in_force(folder: Path) -> bool:
    """Whether this very process runs with it."""
    return all(os.environ.get(name) == value for name, value in of(folder).items())


def command_line(command: str, *arguments: str) -> list[str]:
    """How a management command is started from anywhere."""
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), command, *arguments]


def typed(command: str, *arguments: str) -> str:
    """The same, as somebody would type it where this process was started."""
    interpreter, script, *rest = command_line(command, *arguments)
    if shutil.which("python") == interpreter:
        interpreter = "python"
    return " ".join([*(_from_here(path) for path in (interpreter, script)), *rest])


def _from_here(path: str) -> str:
    return os.path.relpath(path) if Path(path).is_relative_to(Path.cwd()) else path


def make_folder(folder: Path) -> None:
    """Make it, for its owner alone: it will hold keys. Raises CommandError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as reason:
        raise CommandError(f"{folder} cannot be used: {reason.strerror}.", returncode=2) from reason
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CommandError(f"{folder} cannot be written to.", returncode=2)


def start_again(folder: Path, command: str, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by the same command in the environment of ``folder``, which is made if need be."""
    make_folder(folder)
    sys.stdout.flush()
    sys.stderr.flush()
    line = command_line(command, *arguments)
    os.execve(line[0], line, complete(folder))  # noqa: S606 - our own interpreter, no shell


def refuse_production() -> None:
    """A demonstration invents people and money. Raises CommandError where there are real ones."""
    if settings.IS_PRODUCTION:
        raise CommandError(
            "PORTAL_ENVIRONMENT is production here, and this command invents people and money. Run it somewhere else.",
            returncode=2,
        )
