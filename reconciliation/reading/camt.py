"""CAMT.053, the bank's statement of ISO 20022: its booked entries, in the order they stand.

    Ntry/Amt@Ccy, CdtDbtInd, ValDt          what, which way, when; ValDt may be a day (Dt) or a moment (DtTm)
    Ntry/AcctSvcrRef                        the bank's reference, else that of the entry's only detail, else none
    Ntry/NtryDtls/TxDtls/Refs/EndToEndId    with RmtInf/Ustrd: the text, in which a batch may be named
    Ntry/Sts                                only BOOK is money; PDNG and INFO are passed over. As text up to
                                            version 07, inside Cd from 08 on

An entry is one movement of the account, however many details it lists. Where a statement prints its balances or the
number of its entries, they must agree, or entries are missing.

Expat alone reads it, and a document type, and with it every entity of the document's own, is refused before anything of
it is expanded; nothing outside the file is ever fetched.
Source: https://www.iso20022.org/iso-20022-message-definitions (camt.053)
"""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import NoReturn
from xml.parsers import expat

from portal.money import EXPONENTS, Money, MoneyError, parse_major
from reconciliation.errors import EntryUnreadable, NotAStatement, StatementIncomplete

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053."
_MARKS = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<", b"\xfe\xff\x00<")
_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,5})?")
_DAY = re.compile(r"(20[0-9]{2}-[0-9]{2}-[0-9]{2})(?:[TZ+-].*)?$")
_COUNT = re.compile(r"[0-9]{1,15}")
_DEEPEST = 60
_MOST_ELEMENTS = 200_000
_LONGEST_TEXT = 10_000
_MAX_REFERENCE_LENGTH = 64
_OPENING, _CLOSING, _INTERIM = frozenset({"OPBD", "PRCD"}), "CLBD", "ITBD"
_NOT_PROVIDED = "NOTPROVIDED"
"""What a bank writes where the payer gave no end-to-end id."""


@dataclass(frozen=True)
class Entry:
    """One booked entry; a debit is negative."""

    number: int
    amount: Money
    value_date: date
    reference: str
    text: str


@dataclass(slots=True)
class _Element:
    name: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list["_Element"] = field(default_factory=list)

    @property
    def currency(self) -> str:
        """Of an amount; empty where it has none."""
        return next((said for name, said in self.attributes.items() if name == "Ccy"), "")

    def all(self, path: str) -> list["_Element"]:
        """The elements at a path below this one."""
        found = [self]
        for name in path.removeprefix("./").split("/"):
            found = [child for one in found for child in one.children if child.name == name]
        return found

    def first(self, path: str) -> "_Element | None":
        """The first of them."""
        return next(iter(self.all(path)), None)

    def said(self, path: str) -> str:
        """What the first of them says; empty where there is none."""
        found = self.first(path)
        return "" if found is None else found.text.strip()


def is_xml(content: bytes) -> bool:
    """Whether these bytes begin like XML."""
    return content.lstrip(b" \t\r\n").startswith(_MARKS)


def entries(content: bytes) -> tuple[list[Entry], int]:
    """The booked entries, and how many are none or over nothing. Raises ReportRefused (one of its family)."""
    found: list[Entry] = []
    passed_over = number = 0
    statements = _document(content).all("BkToCstmrStmt/Stmt")
    if not statements:
        raise NotAStatement(problem="The CAMT.053 holds no statement (Stmt).")
    for statement in statements:
        own: list[Entry] = []
        printed = statement.all("./Ntry")
        for element in printed:
            number += 1
            entry = _entry(number, element)
            if entry is None:
                passed_over += 1
            else:
                own.append(entry)
        _refuse_incomplete(statement, own, len(printed))
        found += own
    if not found and not passed_over:
        raise NotAStatement(problem="The statement has no entry.")
    return found, passed_over


# Elements.


def _document(content: bytes) -> _Element:
    """The whole document as elements, without their namespace. Raises NotAStatement."""
    root = _Element("", 0, {})
    open_ones = [root]
    seen = 0
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal seen
        seen += 1
        space, _, local = name.rpartition(" ")
        if seen == 1 and not (local == "Document" and space.startswith(_NAMESPACE)):
            raise NotAStatement(problem=f"This XML is not a CAMT.053: it begins with {_named(space, local)}.")
        if seen > _MOST_ELEMENTS or len(open_ones) > _DEEPEST:
            raise NotAStatement(problem="The XML is larger or deeper than any statement. Give it in shorter periods.")
        element = _Element(local, parser.CurrentLineNumber, attributes)
        open_ones[-1].children.append(element)
        open_ones[-1].text = ""  # what stands between elements says nothing
        open_ones.append(element)

    def end(name: str) -> None:
        open_ones.pop()

    def characters(text: str) -> None:
        open_ones[-1].text += text
        if len(open_ones[-1].text) > _LONGEST_TEXT:
            raise NotAStatement(problem="The XML is larger or deeper than any statement. Give it in shorter periods.")

    def doctype(*said: object) -> NoReturn:
        raise NotAStatement(problem="The XML declares a document type. A statement has none, so it is not read.")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = doctype
    try:
        parser.Parse(content, True)  # noqa: FBT003 - it takes no names
    except expat.ExpatError as reason:
        raise NotAStatement(
            problem=f"Line {reason.lineno}: this is not XML. The file is damaged or cut: fetch it again."
        ) from None
    except (UnicodeError, LookupError, ValueError):
        raise NotAStatement(problem="The XML is in an encoding that cannot be read. Ask the bank for UTF-8.") from None
    return root.children[0]


def _named(space: str, local: str) -> str:
    message = space.rpartition(":")[2]
    return f"{message[:40]}:{local[:40]}" if message else local[:40]


# Entries.


def _entry(number: int, element: _Element) -> Entry | None:
    """One entry; None for one that is not booked, or over nothing."""

    def refuse(problem: str) -> NoReturn:
        raise EntryUnreadable(entry=number, line=element.line, problem=problem)

    status = element.said("./Sts/Cd") or element.said("./Sts")
    if status not in {"BOOK", "PDNG", "INFO", "FUTR"}:
        refuse(f"its status (Sts) is {status[:20]!r}, which is none of BOOK, PDNG, INFO and FUTR.")
    if status != "BOOK":
        return None
    amount = element.first("./Amt")
    if amount is None:
        refuse("it has no amount (Amt).")
    currency = amount.currency
    if currency not in EXPONENTS:
        refuse(f"its currency is {currency[:20]!r}, which the portal does not know.")
    printed = amount.text.strip()
    if not _AMOUNT.fullmatch(printed):
        refuse(f"its amount is {printed[:40]!r}, which is not an amount.")
    try:
        money = parse_major(printed, currency)
    except MoneyError as reason:
        refuse(str(reason))
    direction = element.said("CdtDbtInd")
    if direction not in {"CRDT", "DBIT"}:
        refuse(f"CdtDbtInd is {direction[:20]!r}, neither CRDT nor DBIT.")
    if not money.value:
        return None
    reference = element.said("AcctSvcrRef")
    details = element.all("NtryDtls/TxDtls")
    if not reference and len(details) == 1:
        reference = details[0].said("Refs/AcctSvcrRef")
    if len(reference) > _MAX_REFERENCE_LENGTH:
        refuse(f"its reference is longer than {_MAX_REFERENCE_LENGTH} characters.")
    day = _day(element)
    if day is None:
        refuse("it has no value date (ValDt) that is a day.")
    return Entry(number, money if direction == "CRDT" else -money, day, reference, _text(element, details))


def _day(element: _Element) -> date | None:
    """The value date. Of a moment, the day as the bank prints it."""
    found = _DAY.match(element.said("ValDt/Dt") or element.said("ValDt/DtTm"))
    try:
        return None if found is None else date.fromisoformat(found[1])
    except ValueError:
        return None


def _text(element: _Element, details: list[_Element]) -> str:
    said = [element.said("AddtlNtryInf")]
    for detail in details:
        said += [one.text.strip() for one in detail.all("Refs/EndToEndId") if one.text.strip() != _NOT_PROVIDED]
        said += [one.text.strip() for one in detail.all("RmtInf/Ustrd")]
        said += [one.text.strip() for one in detail.all("RmtInf/Strd/CdtrRefInf/Ref")]
    return " · ".join(dict.fromkeys(one for one in said if one))


# Whether all of it is here.


def _refuse_incomplete(statement: _Element, own: list[Entry], printed: int) -> None:
    """Compare what was read with what the statement says of itself. Raises StatementIncomplete."""
    counted = statement.said("TxsSummry/TtlNtries/NbOfNtries")
    promised = int(counted) if _COUNT.fullmatch(counted) else printed
    if promised != printed:
        raise StatementIncomplete(
            problem=f"The statement says that it has {promised} entries, but {printed} are here. Fetch it again."
        )
    balances = [(one.said("Tp/CdOrPrtry/Cd"), _balance(one)) for one in statement.all("./Bal")]
    opening = [balance for code, balance in balances if code in _OPENING]
    closing = [balance for code, balance in balances if code == _CLOSING]
    # A page of a longer statement has interim balances; two of a kind leave open which is meant.
    if len(opening) != 1 or len(closing) != 1 or any(code == _INTERIM for code, _ in balances):
        return
    before, after = opening[0], closing[0]
    if (
        before is None
        or after is None
        or {before.currency, after.currency, *(one.amount.currency for one in own)} != {before.currency}
    ):
        return
    made = sum((one.amount.value for one in own), before.value)
    if made != after.value:
        raise StatementIncomplete(
            problem=(
                f"The statement opens with {before} and closes with {after}, but its entries make "
                f"{Money(made, before.currency)}. Entries are missing, or were changed: fetch it again."
            )
        )


def _balance(element: _Element) -> Money | None:
    amount, direction = element.first("./Amt"), element.said("CdtDbtInd")
    if amount is None or direction not in {"CRDT", "DBIT"} or not _AMOUNT.fullmatch(amount.text.strip()):
        return None
    try:
        money = parse_major(amount.text.strip(), amount.currency)
    except MoneyError:
        return None
    return money if direction == "CRDT" else -money
