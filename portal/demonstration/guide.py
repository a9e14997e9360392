"""What a visitor is told once the demo runs: where to look, whom to sign in as, what to try."""

import textwrap
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from authorizations.models import WalletAccount
from authorizations.states import WalletStatus
from payments.customs.states import DeclarationStatus
from payments.models import Cancel, Declaration, Payment, Refund
from payments.operations.permission import MONEY_BACK
from payments.states import PaymentStatus, RefundStatus
from portal import clock, roles
from portal.actor import ActorKind
from portal.demonstration import environment
from portal.demonstration.folder import DemoFolder
from portal.demonstration.history import Figures
from portal.demonstration.installation import Login
from portal.models import Approval, ApprovalStatus, Exchange
from reconciliation.models import Discrepancy, FileStatus, Reason, ReportFile

_MAY = {
    roles.ADMINISTRATOR: "people, accounts and settings; no money",
    roles.OPERATOR: "give money back, settle incidents, try messages again",
    roles.SUPPORT: "look things up, ask the acquirer, end an agreement",
    roles.FINANCE: "import reports, explain discrepancies, approve",
    roles.AUDITOR: "see everything, change nothing",
    roles.DEVELOPER: "see the wire, make test calls and merchant keys",
}
_COUNTED = (
    ("orders", "order"),
    ("payments", "payment"),
    ("refunds", "refund"),
    ("cancels", "cancel"),
    ("wallets", "wallet"),
    ("open_discrepancies", "open discrepancy"),
    ("open_incidents", "open incident"),
)
_RULE = "─" * 78
_WIDTH = 100
_NUMBERS = ("", "One", "Two", "Three", "Four", "Five", "Six", "Seven")


@dataclass(frozen=True)
class Left:
    """What there is still to try."""

    ana_must_agree: bool = True
    payments: int = 1
    """How many have no final answer."""
    refunds: int = 1
    request: str = "a refund"
    """What support asks finance for, in words; empty when that is decided."""
    nothing_given_back: bool = True
    """By a person, since the history was made."""
    is_refused_by_customs: bool = True
    row_is_short: bool = True
    reports: Path | None = None
    """Those of the first day of which one is not imported."""
    a_fee_differs: bool = False
    """In these reports; those of later days are as they should be."""
    no_answer_lost: bool = True


@dataclass
class Guide:
    """The text, from what is known of the demo."""

    folder: DemoFolder
    portal_url: str
    sandbox_url: str
    logins: list[Login] = field(default_factory=list)
    """With passwords, on the first run only."""
    merchant_key: str = ""
    figures: Figures | None = None
    left: Left = field(default_factory=Left)

    def text(self, *, seconds: float) -> str:
        """All of it; ``seconds`` is how long it took to come so far."""
        return "\n".join(
            [_RULE, *self._places(), "", self.people(), "", *self._to_try(), _RULE, self._ending(seconds), ""]
        )

    def _places(self) -> list[str]:
        lines = [
            f"The desk           {self.portal_url}/admin/",
            f"The mini program   {self.sandbox_url}/miniprogram/",
            f"The sandbox        {self.sandbox_url}/   (wallets, ledger, faults, reports, webhooks)",
            f"The API            {self.portal_url}/api/v1/docs/",
        ]
        if self.figures is not None:
            made = asdict(self.figures)
            lines += ["", ", ".join(_counted(made[name], word) for name, word in _COUNTED) + "."]
        return lines

    def people(self) -> str:
        """Whom to sign in as: with passwords on the first run, with the way to new ones later."""
        if not self.logins:
            prefix = "" if self.folder.path == settings.BASE_DIR / "var" else f"PORTAL_DATA={self.folder.path} "
            lines = [
                "The passwords were shown when the demo was made, and only their hashes are kept. A new one:",
                f"  {prefix}{environment.typed('changepassword', 'operator')}",
                "or let --reset make everything anew.",
            ]
        else:
            lines = ["Sign in as   password (shown this once)   who may"]
            lines += [f"  {login.username:<10} {login.password:<28} {_MAY[login.role]}" for login in self.logins]
            lines += [
                "",
                f"Merchant key (shown this once)  {self.merchant_key}",
                "With it a shop without a mini program gets a link for a customer's browser, which opens once:",
                f"""  curl -sd '{{"customer": "walk-in"}}' {self.portal_url}/api/v1/hosted-pages \\""",
                f"    -H 'Content-Type: application/json' -H 'Authorization: Bearer {self.merchant_key}'",
            ]
        return "\n".join(lines)

    def _to_try(self) -> list[str]:
        hints = [
            hint
            for hint in (
                self._ana(),
                self._unknown(),
                self._request(),
                self._give_back(),
                self._customs(),
                self._reports(),
                self._lost(),
            )
            if hint
        ]
        if not hints:
            return ["You have tried everything that was laid out. Let --reset make it anew, or go on as you like."]
        title = "One thing to try" if len(hints) == 1 else f"{_NUMBERS[len(hints)]} things to try"
        lines = [title if self.logins else title.replace(" to try", " left to try")]
        for number, hint in enumerate(hints, start=1):
            text, _, place = hint.partition("\n")
            wrapped = textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
            lines += [f"  {number if line is wrapped[0] else ' '}  {line}" for line in wrapped]
            lines += [f"     {place}"] * bool(place)
        return lines

    def _ana(self) -> str:
        if not self.left.ana_must_agree:
            return ""
        return (
            "Mini program, as Ana in GCash. She ended her agreement in the wallet; the portal found out when it next "
            "debited her. Link GCash again under Payment methods, buy a flat white, press Pay, and find the order on "
            "the desk."
        )

    def _unknown(self) -> str:
        what = [word for word, number in (("payment", self.left.payments), ("refund", self.left.refunds)) if number]
        if not what:
            return ""
        results = f"result of a {what[0]} is" if len(what) == 1 else "results of a payment and a refund are"
        end = f"{'it' if len(what) == 1 else 'either'} end in the sandbox (Payments), and it settles"
        return (
            f"As operator: the {results} unknown. Ask now, or let {end} here by itself. The worker asks, too, ever "
            "more slowly."
        )

    def _request(self) -> str:
        if not self.left.request:
            return ""
        return (
            f"As finance: support asks for {self.left.request} (Today, or Approvals). Approve it, and it is done; "
            "support itself, or whoever else asked, never can."
        )

    def _give_back(self) -> str:
        if not self.left.nothing_given_back:
            return ""
        return "As operator: open a paid payment, Give the money back. The page says what will happen before it does."

    def _customs(self) -> str:
        if not self.left.is_refused_by_customs:
            return ""
        return (
            "As operator: customs refused a declaration (Today), since the certificate was not the payer's. Transmit "
            "it again in the name of Meiling Chan, with any number; a minute later customs accepts."
        )

    def _reports(self) -> str:
        tasks = []
        if self.left.row_is_short:
            tasks.append("a settlement row is short; close its discrepancy, with what became of it.")
        if self.left.reports is not None:
            wrong = ": a fee differs" if self.left.a_fee_differs else ""
            upload = f"pload the newest reports (Settlement files), transactionItems first{wrong}."
            tasks.append(f"{'Then u' if tasks else 'u'}{upload}\n{self.left.reports}")
        return f"As finance: {' '.join(tasks)}" if tasks else ""

    def _lost(self) -> str:
        if not self.left.no_answer_lost:
            return ""
        return (
            "In the sandbox (Faults) set Answer lost for pay, and Notification lost for notifyPayment, or that would "
            "bring the result at once. Then pay in the mini program. On the desk the payment is unknown until the "
            "worker has asked, some three seconds later, and nobody is debited twice."
        )

    def _ending(self, seconds: float) -> str:
        offset = f"{timezone.localtime(clock.now()):%z}"
        return (
            f"Up after {seconds:.0f} seconds. Stop with Ctrl-C. What sandbox, worker and web say, "
            f"UTC{offset[:3]}:{offset[3:]}:"
        )


def what_is_left(folder: DemoFolder) -> Left:
    """Look what a visitor has not tried yet."""
    made_at = folder.made_at()
    days = (path for path in sorted(folder.reports.glob("[0-9]" * len("YYYYMMDD"))) if path.is_dir())
    reports = next((path for path in days if not _are_imported(path)), None)
    planted_on = clock.acquirer_day(made_at - timedelta(days=1)) if made_at else ""
    by_people = {"created_at__gt": made_at, "actor_kind": str(ActorKind.PERSON)} if made_at else {"pk": None}
    lost = {"sent_at__gt": made_at, "api": "pay", "result_code": ""} if made_at else {"pk": None}
    waits = WalletAccount.objects.filter(wallet="GCASH", status=WalletStatus.NEEDS_AUTHORIZATION)
    request = Approval.objects.filter(status=ApprovalStatus.WAITING, kind=MONEY_BACK).order_by("created_at").first()
    return Left(
        request=f"a refund of {request.amount}" if request else "",
        ana_must_agree=waits.exists(),
        payments=Payment.objects.filter(status=PaymentStatus.PROCESSING).count(),
        refunds=Refund.objects.filter(status=RefundStatus.PROCESSING).count(),
        nothing_given_back=not (
            Refund.objects.filter(**by_people).exists() or Cancel.objects.filter(**by_people).exists()
        ),
        is_refused_by_customs=Declaration.objects.filter(status=DeclarationStatus.REFUSED).exists(),
        row_is_short=Discrepancy.objects.filter(closed_at=None, reason=Reason.AMOUNT_DIFFERS).exists(),
        reports=reports,
        a_fee_differs=reports is not None and reports.name == planted_on,
        no_answer_lost=not Exchange.objects.filter(**lost).exists(),
    )


def _are_imported(reports: Path) -> bool:
    names = {path.name for path in reports.iterdir()}
    imported = ReportFile.objects.filter(name__in=names, status=FileStatus.IMPORTED)
    return names <= set(imported.values_list("name", flat=True))


def _counted(number: int, word: str) -> str:
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number} {word if number == 1 else plural}"
