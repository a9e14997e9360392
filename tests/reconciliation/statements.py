"""Statements as our bank prints them: invented entries, in the CSV with our columns and as CAMT.053."""

from portal.models import AcquirerAccount
from reconciliation import operations
from reconciliation.operations.banking import Imported
from tests.reconciliation.conftest import BOOKKEEPER

HEADER = "amount,currency,value_date,reference,text"
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"


def statement(*lines: str) -> str:
    """A CSV of these lines."""
    return "\n".join((HEADER, *lines, ""))


def entry(
    amount: str,
    *,
    currency: str = "USD",
    way: str = "CRDT",
    day: str = "2026-05-15",
    reference: str = "BANK-1",
    status: str = "<Sts>BOOK</Sts>",
    details: str = "",
) -> str:
    """One entry of a CAMT.053."""
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>{status}'
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>{reference}</AcctSvcrRef>"
        f"{details}</Ntry>"
    )


def details(*ustrd: str, end_to_end: str = "NOTPROVIDED") -> str:
    """The one detail of an entry."""
    said = "".join(f"<Ustrd>{line}</Ustrd>" for line in ustrd)
    return (
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{end_to_end}</EndToEndId></Refs>"
        f"<RmtInf>{said}</RmtInf></TxDtls></NtryDtls>"
    )


def balance(code: str, amount: str, way: str = "CRDT") -> str:
    """A balance in dollars."""
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="USD">{amount}</Amt>'
        f"<CdtDbtInd>{way}</CdtDbtInd></Bal>"
    )


def camt(*inside: str, namespace: str = NAMESPACE) -> str:
    """A CAMT.053 with one statement."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{namespace}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>M1</MsgId></GrpHdr><Stmt><Id>S1</Id>\n" + "\n".join(inside) + "\n"
        "</Stmt></BkToCstmrStmt></Document>\n"
    )


def arrives(account: AcquirerAccount, *lines: str, name: str = "bank.csv") -> Imported:
    """Import a CSV of these lines."""
    return operations.import_statement(name, statement(*lines).encode(), account=account, by=BOOKKEEPER)
