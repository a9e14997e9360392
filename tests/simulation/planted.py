"""Classic money bugs, planted one at a time in a copy of the code, to see that the simulator finds each.

    python -m tests.simulation.planted [NAME …] [--seeds 300] [--steps 100] [--first 1]

Each bug is an exact replacement of text: when the text is not there any more, this fails loudly, and somebody must
plant the bug anew in the code as it is now. A bug that stays unfound is a hole in the promises, not a success of the
code.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_COPIED = ("manage.py", "portal", "authorizations", "payments", "reconciliation", "templates")
_LONGEST_SECONDS = 3600


@dataclass(frozen=True)
class Change:
    """In this file, once, this text becomes that."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    """One bug."""

    name: str
    changes: tuple[Change, ...]


PAYMENTS = "payments/operations/payments.py"
REFUNDS = "payments/operations/refunds.py"
CANCELS = "payments/operations/cancels.py"
BINDING = "authorizations/operations/binding.py"
TOKENS = "authorizations/operations/tokens.py"
ANSWERS = "portal/acquirer/antom/answers.py"
CODES = "portal/acquirer/antom/codes.py"


def _bug(name: str, *changes: tuple[str, str, str]) -> Bug:
    return Bug(name, tuple(Change(*change) for change in changes))


BUGS = (
    _bug(
        "the request id is minted at the wire, not in the promise",
        (
            PAYMENTS,
            "        payment_request_id=payment.payment_request_id,\n        amount=payment.amount,",
            '        payment_request_id=clock.fresh_id("P"),\n        amount=payment.amount,',
        ),
    ),
    _bug(
        "the wire is inside the promise's transaction",
        (
            PAYMENTS,
            "    result = acquirer.pay(payment_request(payment, wallet_account))  # wire: no transaction is open\n",
            "        result = acquirer.pay(payment_request(payment, wallet_account))\n",
        ),
    ),
    _bug(
        "a status moves without a lock and without compare-and-set",
        (
            "portal/models/stateful.py",
            'pk=self.pk, while_={"status": source}, when=after)',
            "pk=self.pk, while_={}, when=after)",
        ),
        (
            "portal/models/stateful.py",
            "        statements.reload(self, holding=True, keeping=self.settled)\n",
            "        return\n",
        ),
    ),
    _bug(
        "a failed refund's message is applied twice",
        (
            REFUNDS,
            (
                "    if refund.status != RefundStatus.PROCESSING:\n        return\n"
                "    if refund.advance(RefundEvent.RESULT_FAIL"
            ),
            (
                "    if refund.status != RefundStatus.PROCESSING:\n        release(refund)\n        return\n"
                "    if refund.advance(RefundEvent.RESULT_FAIL"
            ),
        ),
    ),
    _bug(
        "what a refund may give back is checked after the call",
        (REFUNDS, "        _refuse_unrefundable(payment, amount)\n        permit", "        permit"),
        (
            REFUNDS,
            (
                '            returned_value__lte=F("amount_value") - amount.value,\n'
                '        ).update(returned_value=F("returned_value") + amount.value)'
            ),
            '        ).update(returned_value=F("returned_value"))',
        ),
        (
            REFUNDS,
            "    if not refund.advance(RefundEvent.RESULT_SUCCESS, heard_from=heard_from, **facts):\n        return\n",
            (
                "    if not refund.advance(RefundEvent.RESULT_SUCCESS, heard_from=heard_from, **facts):\n"
                "        return\n"
                '    left = F("amount_value") - refund.amount_value\n'
                "    rows = Payment.objects.filter(pk=refund.payment_id, returned_value__lte=left)\n"
                '    rows.update(returned_value=F("returned_value") + refund.amount_value)\n'
            ),
        ),
    ),
    _bug(
        "the F of a repeated cancel is believed",
        (
            CANCELS,
            "        elif result.outcome is Outcome.FAIL and cancel.times_sent <= 1:\n",
            "        elif result.outcome is Outcome.FAIL:\n",
        ),
    ),
    _bug(
        "the inquiry's own result is taken for the payment's",
        (
            ANSWERS,
            "    if outcome is not Outcome.SUCCESS:\n        return PaymentInquiry(\n            outcome=outcome,\n",
            (
                "    if outcome is not Outcome.SUCCESS:\n        return PaymentInquiry(\n            outcome=outcome,\n"
                "            payment=_payment(answer.body, outcome, advice, Api.PAYMENT_RESULT, **told(answer)),\n"
            ),
        ),
    ),
    _bug(
        "PAYMENT_PENDING is taken for paid",
        (ANSWERS, "    if is_pending:\n        outcome, advice = Outcome.UNKNOWN, Advice.ASK\n", ""),
        (
            "payments/notifications.py",
            "    if not message.is_pending:\n        record_payment_result(",
            "    if True:\n        record_payment_result(",
        ),
    ),
    _bug(
        "a cancel reserves nothing",
        (
            CANCELS,
            '        returned_value=F("amount_value"), due_at=None if',
            "        due_at=None if",
        ),
    ),
    _bug(
        "another buyer's wallet may pay",
        (
            PAYMENTS,
            "    if wallet_account.buyer_id != order.buyer_id:\n",
            "    if False:\n",
        ),
    ),
    _bug(
        "the signature of a message is not verified",
        (
            "portal/acquirer/inbound.py",
            "    match verdict:\n        case SignatureVerdict.VERIFIED:",
            "    match SignatureVerdict.VERIFIED:\n        case SignatureVerdict.VERIFIED:",
        ),
    ),
    _bug(
        "the signature of an answer is not verified",
        (
            "portal/acquirer/client.py",
            "        verdict = verdict_on(self.credentials, request.path_url, response.headers, body)\n",
            "        verdict = SignatureVerdict.VERIFIED\n",
        ),
    ),
    _bug(
        "the amount of a message is not compared",
        (PAYMENTS, "    if result.amount is not None and result.amount != payment.amount:\n", "    if False:\n"),
    ),
    _bug(
        "a lease is no lease",
        (
            REFUNDS,
            "    free = Q() if is_leased else Q(lease_until__isnull=True) | Q(lease_until__lt=at)\n",
            "    free = Q()\n",
        ),
        (
            CANCELS,
            "    free = Q() if is_leased else Q(lease_until__isnull=True) | Q(lease_until__lt=at)\n",
            "    free = Q()\n",
        ),
        (
            "portal/due.py",
            "return rows.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=at), due_at__lte=at)",
            "return rows.filter(due_at__lte=at)",
        ),
    ),
    _bug(
        "a code is exchanged by everybody who has it",
        (
            BINDING,
            "    free = Q() if is_leased else Q(lease_until__isnull=True) | Q(lease_until__lt=at)\n",
            "    free = Q()\n",
        ),
    ),
    _bug(
        "the new refresh token is lost",
        (
            TOKENS,
            "        refresh_token=refresh_token,\n        refresh_token_expires_at",
            "        refresh_token_expires_at",
        ),
    ),
    _bug(
        "a lost answer is taken for a failure",
        (
            "portal/acquirer/answering.py",
            "    return result(\n        outcome=Outcome.UNKNOWN,",
            "    return result(\n        outcome=Outcome.FAIL,",
        ),
    ),
    _bug(
        "an order may be paid again while its payment is unknown",
        (
            PAYMENTS,
            "    if earlier.intersection(LIVE):\n",
            "    if False:\n",
        ),
    ),
    _bug(
        "a refused cancel keeps what it reserved",
        (
            PAYMENTS,
            "    if not moved:\n        return False\n    release(cancel)\n",
            "    if not moved:\n        return False\n",
        ),
    ),
    _bug(
        "a repeated request is carried out again",
        (
            "portal/api/once.py",
            "    if found is None:\n\n        def",
            "    if True:\n        key += __import__('secrets').token_hex(8)\n\n        def",
        ),
    ),
    _bug(
        "anybody's order is shown to whoever knows its number",
        (
            "payments/api/callers.py",
            'Order.objects.filter(number=Given("number"), buyer_id=Given("buyer"))',
            'Order.objects.filter(number=Given("number"))',
        ),
        (
            "payments/api/callers.py",
            'Order.objects.filter(number=Given("number"), account_id=Given("account"))',
            'Order.objects.filter(number=Given("number"))',
        ),
    ),
    _bug(
        "a deputy decides on what their principal asked for",
        (
            "portal/approvals/deciding.py",
            "principal.is_active and principal.pk != approval.requester_id and",
            "principal.is_active and",
        ),
    ),
    _bug(
        "whoever asked may approve",
        (
            "portal/approvals/deciding.py",
            '    if approval.requester_id == user.pk:\n        return "You asked for this yourself.',
            '    if False:\n        return "You asked for this yourself.',
        ),
    ),
    _bug(
        "what was approved is carried out twice",
        (
            "portal/approvals/carrying_out.py",
            "        if held.status != ApprovalStatus.APPROVED:\n            raise CarriedOutAlready\n",
            "        if held.status != ApprovalStatus.APPROVED:\n            return\n",
        ),
        (
            "portal/approvals/carrying_out.py",
            "    if approval.status != ApprovalStatus.APPROVED:\n        return approval\n    kind",
            "    kind",
        ),
    ),
    _bug(
        "what one person gives back in a day is not counted",
        (
            "portal/approvals/asking.py",
            'update(value=F("value") + more, count=F("count") + 1)',
            "update()",
        ),
    ),
    _bug(
        "a declined request is carried out",
        (
            "portal/approvals/deciding.py",
            "            ApprovalEvent.DECLINE,\n",
            "            ApprovalEvent.APPROVE,\n",
        ),
        (
            "portal/approvals/deciding.py",
            '            finished_at=at,\n            due_at=None,\n        )\n        journal.write("decline"',
            '            due_at=at,\n        )\n        journal.write("decline"',
        ),
    ),
    _bug(
        "a line of many is tried again before its refund has failed",
        (
            "payments/operations/bulk.py",
            "Q(status=LineStatus.PROMISED, refund__status=RefundStatus.FAILED)",
            "Q(status=LineStatus.PROMISED)",
        ),
    ),
    _bug(
        "many refunds whose maker died are never finished",
        (
            "payments/operations/bulk.py",
            "        finish_if_done(line.bulk)  # with the promise: who dies at the wire comes back to no line of it\n",
            "",
        ),
        (
            "payments/operations/bulk.py",
            "            finish_if_done(line.bulk)\n    line.refresh",
            "            pass\n    finish_if_done(line.bulk)\n    line.refresh",
        ),
    ),
    _bug(
        "what no report has is awaited for ever",
        (
            "reconciliation/operations/missing.py",
            "    is_due = kind.of_days(None, given_up)\n",
            "    is_due = kind.of_days(None, given_up - AGES)\n",
        ),
        (
            "reconciliation/operations/missing.py",
            "_DAY = timedelta(days=1)\n",
            "_DAY = timedelta(days=1)\nAGES = timedelta(days=9999)\n",
        ),
        (
            "reconciliation/operations/missing.py",
            "        is_due |= kind.of_days(group.day, group.day + _DAY) & Q(**{kind.currency: group.currency})\n",
            "        del group\n",
        ),
    ),
    _bug(
        "a report that has what was missing does not close it",
        (
            "reconciliation/operations/missing.py",
            "        healed += _heal(mine.filter(Exists(expecting.told_of(kind, OuterRef(kind.name)))), note)\n",
            "",
        ),
    ),
    _bug(
        "what is declared is not reserved on the payment",
        (
            "payments/customs/promising.py",
            'declared_value=F("declared_value") + amount.value\n',
            'declared_value=F("declared_value")\n',
        ),
    ),
    _bug(
        "an amendment that the acquirer refused stands all the same",
        (
            "payments/customs/operations/sending.py",
            '    facts = {**former, **said, "former": "", "due_at"',
            '    facts = {**said, "former": "", "due_at"',
        ),
    ),
)


@dataclass(frozen=True)
class Found:
    """What the simulator said of a bug."""

    bug: str
    seeds: int
    seconds: float
    sentence: str
    is_found: bool


def planted_in(folder: Path, bug: Bug, *, only_what_changes: bool = False) -> None:
    """Copy the code into a folder, with one bug. Raises LookupError when the text to replace is not there once."""
    for name in {change.file for change in bug.changes} if only_what_changes else _COPIED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    for change in bug.changes:
        path = folder / change.file
        text = path.read_text()
        if text.count(change.old) != 1:
            raise LookupError(f"{bug.name}: {change.file} has this {text.count(change.old)} times:\n{change.old}")
        path.write_text(text.replace(change.old, change.new))


def hunt(bug: Bug, *, seeds: int = 300, steps: int = 100, first: int = 1) -> Found:
    """Let the simulator look for a bug, in a copy of the code."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="planted-") as place:
        folder = Path(place)
        planted_in(folder, bug)
        words = ["simulate", f"--seed={first}", f"--seeds={seeds}", f"--steps={steps}"]
        done = subprocess.run(
            [sys.executable, "manage.py", *words, "--shrink-seconds=0", "--format=json"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    seconds = time.monotonic() - begun
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{bug.name}: the simulator itself failed\n{done.stderr[-2000:]}")
    told = json.loads(done.stdout)
    sentence = told["violations"][0].strip().splitlines()[-1] if not told["holds"] else ""
    return Found(bug.name, told["seeds"], seconds, sentence, not told["holds"])


def main() -> int:
    """Hunt every bug, or those named; print the table. 0: all were found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="a part of a bug's name")
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    wanted = parser.parse_args()
    bugs = [bug for bug in BUGS if not wanted.names or any(name in bug.name for name in wanted.names)]
    found = []
    for bug in bugs:
        one = hunt(bug, seeds=wanted.seeds, steps=wanted.steps, first=wanted.first)
        found.append(one)
        word = f"seed {wanted.first + one.seeds - 1}" if one.is_found else "NOT FOUND"
        sys.stdout.write(f"| {one.bug} | {word} | {one.sentence[:110]} |\n")
        sys.stdout.flush()
    return 0 if all(one.is_found for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
