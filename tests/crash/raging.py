"""A storm: processes are killed at random moments under load; then rest, the books, and the next round."""

import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from django.db import connections

from payments.models import Cancel, Cycle, Declaration, Order, Payment, Refund
from portal import clock
from portal.models import AcquirerAccount, Incident, Notification, WebhookEvent
from tests.crash import books, scenes, statements
from tests.crash.backend import TAKES
from tests.crash.cluster import Cluster
from tests.crash.load import Crowd
from tests.crash.premises import SANDBOX, WEB, WORKER, Premises
from tests.crash.stage import scenes_of
from tests.crash.town import Town

ROUND = 40
"""Kills between two rests."""
SHOPPERS = 8
LONGEST_CALM_SECONDS = 1.5
ONE_OF_WEB, DATABASE = "one web process", "database"


class Storm:
    """A town under load, whose processes die."""

    def __init__(
        self,
        town: Town,
        *,
        seed: int,
        shoppers: int,
        cluster: Cluster | None = None,
        calm: float = LONGEST_CALM_SECONDS,
    ) -> None:
        self.town, self.premises, self._cluster = town, town.premises, cluster
        self.backend = town.backend or town.listens()
        self._draw = random.Random(f"{seed}-kills")
        self._calm = calm
        self.crowd = Crowd(town, seed=seed, shoppers=shoppers)
        self.kills: Counter[str] = Counter()

    def rages(self, kills: int) -> None:
        """Kill so often at random moments under load; then let all come to rest. Raises AssertionError."""
        with self.premises.supervised(WEB, WORKER, SANDBOX):
            if not self.crowd.clerk.is_in:  # passwords are slow: under kills hardly one is heard to its end
                self.premises.wait_until_served(WEB)
                self.crowd.clerk.signs_in()
            self.crowd.goes()
            for _ in range(kills):
                self.premises.wait_until_served(WEB)  # without it there is no load; the others may be coming up
                time.sleep(self._draw.uniform(0, self._calm))
                self._strike()
            self.premises.wait_until_served()
            self.crowd.waits()
            self.premises.wait_until_served()
            connections.close_all()  # ours may have died with the database
            self.town.control.clear_faults()
            if self.town.backend is not None:
                self.town.backend.is_now(TAKES)
            self.premises.clock_moves(hours=3)

    def _strike(self) -> None:
        one_of_web = (ONE_OF_WEB,)
        victims = [one_of_web, one_of_web, one_of_web, (WEB,), (WORKER,), (WORKER,), (WEB, WORKER), (SANDBOX,)]
        if self._cluster is not None:
            victims += [(DATABASE,)]
        struck = self._draw.choice(victims)
        self.kills.update(struck)
        if struck == one_of_web:
            self.premises.strike_one_of(WEB, self._draw)
        elif self._cluster is not None and struck == (DATABASE,):
            self._cluster.restarts(immediately=self._draw.random() < 0.7)
        elif struck == (SANDBOX,) and self._draw.random() < 0.5:
            self.premises.freeze(SANDBOX)
            time.sleep(self._draw.uniform(0.1, 1.0))
            self.premises.thaw(SANDBOX)
        else:
            self.premises.strike(*struck)

    def ends(self) -> None:
        """Send everybody home."""
        self.crowd.leaves()
        self.backend.close()


def tell(
    folder: Path,
    url: str,
    *,
    kills: int,
    seed: int,
    has_seams: bool,
    swept: Sequence[str] | None = None,
    adapter: str = "antom",
    cluster: Cluster | None = None,
) -> int:
    """The whole story, line by line; 0 when every promise held, else 1."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", flush=True)  # noqa: T201

    premises = Premises(folder / "premises", url)
    storm = None
    try:
        premises.start(SANDBOX, WEB, WORKER)
        clock.use(premises.clock)
        town = Town(
            premises,
            [*(f"buyer-{number}" for number in range(SHOPPERS)), "ana"],
            AcquirerAccount.Adapter[adapter.upper()],
        )
        town.listens()
        if has_seams:
            known = list(scenes_of(town.account))
            scenes.tell(town, known)
            scenes.import_reports(town)
            say(f"{len(known) + len(scenes.IMPORT_SEAMS)} seams, each died at once")
        if swept is not None:
            for act in swept or statements.acts_of(town.account):
                say(f"{act}: {statements.sweep(town, act)} statements, each died before")
        found = books.complaints(town)
        storm = Storm(town, seed=seed, shoppers=SHOPPERS, cluster=cluster)
        left = kills
        while left > 0 and not found:
            storm.rages(min(left, ROUND))
            left -= min(left, ROUND)
            scenes.import_reports(town, ())
            found = books.complaints(town)
            say(f"{sum(storm.kills.values())} killed in {kills - left} strikes; {_figures()}")
        if storm is not None:
            say(f"killed: {', '.join(f'{name} {count}' for name, count in sorted(storm.kills.items()))}")
        say(_heard(town))
        say("every promise held" if not found else books.told(found))
        if found:
            _keep(premises)
        return 1 if found else 0
    except BaseException:
        _keep(premises)
        raise
    finally:
        if storm is not None:
            storm.ends()
        premises.stop()


def _keep(premises: Premises) -> None:
    """Keep what everybody said and wrote, for whoever looks into it."""
    folder = Path(tempfile.mkdtemp(prefix="storm-said-"))
    premises.stop()
    for name, said in premises.said.items():
        (folder / f"{name}.log").write_text("".join(said))
    shutil.copytree(premises.folder.parent, folder / "data", ignore=shutil.ignore_patterns("postgresql"))
    print(f"What the processes said, and their data, is in {folder}.", file=sys.stderr)  # noqa: T201


def _figures() -> str:
    counts = (
        (Order, "orders"),
        (Payment, "payments"),
        (Refund, "refunds"),
        (Cancel, "cancels"),
        (Cycle, "dates of subscriptions"),
        (Declaration, "declarations"),
    )
    words = [f"{model.objects.count()} {name}" for model, name in counts]
    words += [f"{Notification.objects.count()} messages", f"{WebhookEvent.objects.count()} webhooks"]
    kinds = Counter(Incident.objects.filter(closed_at=None).values_list("kind", flat=True))
    words.append(f"open incidents: {dict(kinds) or 'none'}")
    return ", ".join(words)


def _heard(town: Town) -> str:
    heard = town.heard
    statuses = Counter(str(status) for (_, status, _), count in heard.answers.items() for _ in range(count))
    return f"answers: {dict(sorted(statuses.items()))}; {heard.unanswered} requests broke off and were repeated"
