"""What importing settlement details of any size would do, found out as they flow by. Writes nothing.

The plain rows are told from the others as the import tells them (``flowing``), and only counted. By then it is known
which payment each row is about, eight bytes a row; so those that are not plain are read a second time with the plain
rows of the same payments, some payments at a time, and decided on together as ever (``judging``).

Decision: whoever is killed begins anew, because nothing is kept, and the next one finds the same. Passed over: writing
the rows as the import does and taking them back, which costs more than the import and leaves something to take back.
"""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from itertools import islice

from portal.models import AcquirerAccount
from reconciliation.books import Ids, open_books
from reconciliation.contracts import Drift, DriftCount
from reconciliation.copying import seldom_collecting
from reconciliation.judging import is_about, judge_some
from reconciliation.layouts import ReportKind
from reconciliation.lines import Answers, Line, identity_of, sign_fees, understand_row
from reconciliation.matching import Decision, deviations_of, let_drift
from reconciliation.models import Batch, ReportFile
from reconciliation.operations.flowing import Otherwise, Sorter, Written, conventions_of_first, record_of
from reconciliation.operations.planning import Look, Plan, find_batches, hold_to_the_law
from reconciliation.outcomes import Outcome, Tally, foretold, is_changed
from reconciliation.reading import Part, Reading
from reconciliation.reading.flow import Flow

TOGETHER = 20_000
"""Rows decided on at a time, about."""


class AlreadyHere(Exception):
    """A batch of the file was imported from another file: the two must be compared as wholes."""


def beginning(flow: Flow, rows: int) -> Reading:
    """A flow as far as its first rows say what it is."""
    surveyed = flow.surveyed
    records = tuple(record_of(flow, number, cells) for number, cells in islice(flow.rows(), rows)) if rows else ()
    part = Part("", surveyed.sha256, surveyed.byte_size, max(surveyed.line_count - 2, 0), surveyed.encoding)
    return Reading(flow.layout, flow.header, flow.change, records, (part,))


class Foreseer:
    """One file that is being tried."""

    def __init__(
        self,
        name: str,
        flow: Flow,
        account: AcquirerAccount,
        file: ReportFile | None,
        answers: Answers,
        look: Look,
    ) -> None:
        self._name, self._flow, self._account, self._file = name, flow, account, file
        self._answers, self.look = answers, look
        self._batches: dict[str, Batch] = {}
        self._steps = self._work()
        self._outcome: Outcome | None = None
        self.plan: Plan | None = None
        """As far as it is known at the end: no lines and no decisions."""

    def go_on(self, is_time_up: Callable[[], bool] = lambda: False) -> Outcome | None:
        """Work until it is known, or the time is up: then None. Raises ReportRefused, and AlreadyHere."""
        with seldom_collecting():
            for _ in self._steps:
                if is_time_up():
                    return None
        return self._outcome

    def _work(self) -> Iterator[None]:
        told, first = conventions_of_first(self._flow, self._account, self._answers)
        while True:
            self._tally = Tally()
            self._about = array("q")
            """By row: the payment it is about; below zero for one that is about none of ours."""
            self._is_plain = bytearray()
            sorter = Sorter(self._account, self._file, self._flow, Written(asdict(told)), self._key_of)
            sorter.begin(first)
            try:
                for portion in sorter.portions():
                    self._count(sorter, portion)
                    self.look("matching", sorter.written.rows)
                    yield
                sorter.prove(self._answers)
                break
            except Otherwise as other:
                told = other.conventions
        self._sorter = sorter
        drifts: list[Drift] = []
        restated = 0
        if (rounds := self._rounds()) and self._sorter.has_contracts:
            count = DriftCount(dict(sorter.written.agreed))
            for number in range(rounds):
                for _, _, decision in self._decided(number, rounds)[0]:
                    count.add(decision.terms, deviations_of(decision))
                yield
            drifts = count.drifts()
        for number in range(rounds):
            restated += self._settle(number, rounds, [drift.way for drift in drifts])
            self.look("matching", sorter.written.rows)
            yield
        plan = Plan(self._account, ReportKind.SETTLEMENT, beginning(self._flow, 0), sorter.conventions)
        plan.batches, plan.judgement.drifts = self._batches, drifts
        plan.sums = {psp: (count, net) for psp, (count, net) in sorter.written.sums.items()}
        self.plan = plan
        name, identity = self._name, self._flow.surveyed.sha256
        self._outcome = foretold(plan, self._tally, name, identity, sorter.written.rows, restated=restated)

    def _key_of(self, psp: str, line: Line) -> int:
        """Some key for a batch that may be new: none is looked up by it."""
        batch = self._batches.get(psp)
        if batch is None:
            batch = find_batches(self._account, [(psp, line.settlement_currency, line)])[psp]
            if batch.details is not None and (self._file is None or batch.details.pk != self._file.pk):
                raise AlreadyHere(batch)
            self._batches[psp] = batch
        return list(self._batches).index(psp)

    def _count(self, sorter: Sorter, portion: list[tuple[int, list[str]]]) -> None:
        """Count the plain rows of a portion, and note what each row is about."""
        found = sorter.sort(portion)
        about: dict[int, int] = {}
        for row, known in found.plain:
            self._tally.matched(row.row_type, sorter.currency, row.net)
            about[row.line] = known.payment_pk
        plain = set(about)
        if found.lines:
            ids = {line.number: _ids_of(line) for line in found.lines}
            books = open_books(self._account, ReportKind.SETTLEMENT, list(ids.values()), but=self._file)
            for line in found.lines:
                payment = is_about(ids[line.number], books)
                about[line.number] = -1 - int(line.identity[:12], 16) if payment is None else payment
        for number, _ in portion:
            self._about.append(about[number])
            self._is_plain.append(number in plain)

    def _rounds(self) -> int:
        """In how many turns the rows are decided on that are not plain, with those that touch them."""
        self._touched = {key for key, is_plain in zip(self._about, self._is_plain, strict=True) if not is_plain}
        return -(-sum(key in self._touched for key in self._about) // TOGETHER)

    def _decided(self, number: int, rounds: int) -> tuple[list[tuple[Line, bool, Decision]], int]:
        """The rows of one turn with whether they were counted as plain; and how many rows of other files change."""
        touched = {key for key in self._touched if key % rounds == number}
        lines: list[Line] = []
        was_plain: list[bool] = []
        conventions, usual = self._sorter.conventions, self._account.settlement_currency
        for place, (line_number, cells) in enumerate(self._flow.rows()):
            if self._about[place] not in touched:
                continue
            record = record_of(self._flow, line_number, cells)
            line = understand_row(record, ReportKind.SETTLEMENT, conventions.unit, usual)
            sign_fees(line, conventions)
            line.identity = identity_of(line)
            lines.append(line)
            was_plain.append(bool(self._is_plain[place]))
        books = open_books(self._account, ReportKind.SETTLEMENT, map(_ids_of, lines), but=self._file)
        judgement = judge_some(self._account, lines, books, self._file)
        changed = sum(is_changed(row, decision) for row, decision in judgement.restated)
        return list(zip(lines, was_plain, judgement.decisions, strict=True)), changed

    def _settle(self, number: int, rounds: int, ways: list[str]) -> int:
        """Put what is decided in the place of what was counted."""
        decided, restated = self._decided(number, rounds)
        for line, was_plain, decision in decided:
            let_drift(decision, ways)
            hold_to_the_law(line, decision)
            if was_plain:
                self._tally.matched(line.row_type, line.settlement_currency, line.net or 0, -1)
            self._tally.decided(line, decision)
        return restated


def foresee(
    name: str, flow: Flow, account: AcquirerAccount, file: ReportFile | None, answers: Answers, look: Look
) -> Outcome:
    """What importing would do, at once. Raises ReportRefused, and AlreadyHere."""
    outcome = Foreseer(name, flow, account, file, answers, look).go_on()
    assert outcome is not None  # noqa: S101 - its time is never up
    return replace(outcome, file=name)


def _ids_of(line: Line) -> Ids:
    return Ids(line.row_type, line.request_id, line.original_request_id, line.transaction_id, line.original_id)
