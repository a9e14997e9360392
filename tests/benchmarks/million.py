"""A merchant with a long past: orders by the million and all that belongs to them, written by the database itself.

Every table is filled by one INSERT … SELECT over ``generate_series``. A column nobody speaks of gets what the model
would give it. Indexes that no constraint stands on are taken away meanwhile and built again at the end, and ANALYZE
follows, so that the planner knows what it deals with.
"""

import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import BinaryField, Field, JSONField, Model, Value
from django.db.models.expressions import DatabaseDefault

from authorizations.models import Authorization, Buyer, WalletAccount
from payments.models import Cancel, Order, Payment, Refund
from portal import catalogue
from portal.encryption import EncryptedBinaryField
from portal.models import (
    AcquirerAccount,
    Exchange,
    Incident,
    JournalEntry,
    Notification,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from reconciliation.models import Batch, Discrepancy, Match, ReportFile, SettlementRow, SettlementWatch

DAYS = 90
"""So long ago the first order was placed; the others follow at even distances until now."""
_WALLETS = ("GCASH", "DANA", "TNG", "KAKAOPAY")
_CURRENCIES = ("PHP", "IDR", "MYR", "KRW")


def order_number(number: int) -> str:
    """The number of the so-many-th order."""
    return f"O20260101{number:020d}"


def request_id(number: int) -> str:
    """The paymentRequestId of its payment."""
    return f"P20260101{number:020d}"


def fill(orders: int, now: datetime, say: Callable[[str], object] = sys.stderr.write) -> None:
    """Write ``orders`` orders and what belongs to them; into an empty, migrated PostgreSQL database."""
    people = max(orders // 5, 10)
    files = DAYS
    per_file = -(-orders // files)
    i = "n.i"

    def pick(names: tuple[str, ...], of: str = i) -> str:
        whens = " ".join(f"WHEN {index} THEN '{name}'" for index, name in enumerate(names))
        return f"CASE {of} % {len(names)} {whens} END"

    def back(count: int, of: str = i) -> str:
        return f"TIMESTAMPTZ '{now.isoformat()}' - ({count} - {of}) * INTERVAL '{DAYS * 86400 / count:.6f} seconds'"

    wallet = f"1 + ({i} * 7919) % {people}"
    unknown = f"{i} > {orders - 60}"
    value = f"(100 + ({i} * 37) % 5000) * 100"
    status = (
        f"CASE WHEN {unknown} THEN 'PROCESSING' WHEN {i} % 50 = 7 THEN 'FAILED'"
        f" WHEN {i} % 100 = 13 THEN 'CANCELLED' ELSE 'SUCCEEDED' END"
    )
    is_paid = f"NOT ({unknown}) AND {i} % 50 <> 7 AND {i} % 100 <> 13"
    hash_of = f"md5({i}::text) || md5(({i} + 1)::text)"
    with _bare_tables(say):
        insert(AcquirerAccount, 2, name=f"'Account ' || {i}", slug=f"'account-' || {i}", adapter="'ANTOM'",
               gateway_url="'https://gateway.invalid'", client_id=f"'SANDBOX_' || {i}",
               settlement_currency="'USD'")  # fmt: skip
        for account in AcquirerAccount.objects.order_by("pk"):
            catalogue.begin(account, _WALLETS)
        insert(Buyer, people, account_id="1", reference=f"'buyer-' || {i}", created_at=back(people))
        insert(WalletAccount, people, public_id=f"'W' || {i}", account_id="1", buyer_id=i, wallet=pick(_WALLETS),
               status="'ACTIVE'", access_token_index=f"md5({i}::text)", bound_at=back(people),
               login_label=f"'63-9****' || lpad({i}::text, 7, '0')")  # fmt: skip
        insert(Authorization, people, public_id=f"'B' || {i}", account_id="1", buyer_id=i, wallet=pick(_WALLETS),
               auth_state=f"'A20260101' || lpad({i}::text, 20, '0')", status="'BOUND'", wallet_account_id=i,
               terminal_type="'APP'", created_at=back(people), expires_at=back(people))  # fmt: skip
        insert(Order, orders, account_id=f"1 + {i} % 2", number=f"'O20260101' || lpad({i}::text, 20, '0')",
               buyer_id=wallet, amount_value=value, currency=pick(_CURRENCIES, f"({wallet})"),
               status=f"CASE WHEN {is_paid} THEN 'PAID' WHEN {i} % 100 = 13 THEN 'CANCELLED' ELSE 'INIT' END",
               description="'Monthly pass'", reference=f"'T-' || {i}", created_at=back(orders),
               paid_at=f"CASE WHEN {is_paid} THEN {back(orders)} END")  # fmt: skip
        insert(Payment, orders, order_id=i, wallet_account_id=wallet, status=status, amount_value=value,
               payment_request_id=f"'P20260101' || lpad({i}::text, 20, '0')", payment_id=f"'2026010119407401' || {i}",
               currency=pick(_CURRENCIES, f"({wallet})"), created_at=back(orders), expires_at=back(orders),
               returned_value=f"CASE WHEN {is_paid} AND {i} % 20 = 0 THEN {value} ELSE 0 END",
               token_index="'x'", terminal_type="'APP'", settlement_currency="'USD'",
               paid_at=f"CASE WHEN {is_paid} THEN {back(orders)} END")  # fmt: skip
        twentieth = f"({i} * 20)"
        insert(Refund, orders // 20 - 4, payment_id=twentieth, status="'SUCCEEDED'",
               amount_value=f"(100 + ({twentieth} * 37) % 5000) * 100",
               refund_request_id=f"'R20260101' || lpad({i}::text, 20, '0')", refund_id=f"'2026010119407402' || {i}",
               currency=pick(_CURRENCIES, f"(1 + ({twentieth} * 7919) % {people})"), reason_code="'BUYER_REQUEST'",
               created_at=back(orders, twentieth), refunded_at=back(orders, twentieth))  # fmt: skip
        hundredth = f"({i} * 100 - 87)"
        insert(Cancel, orders // 100 - 1, payment_id=hundredth, status="'CONFIRMED'", amount_value="10000",
               cancel_id=f"'C20260101' || lpad({i}::text, 20, '0')", reason_code="'BUYER_REQUEST'",
               created_at=back(orders, hundredth))  # fmt: skip
        insert(Exchange, orders, account_id=f"1 + {i} % 2", api="'pay'", sent_at=back(orders), duration_ms="120",
               subject=f"'P20260101' || lpad({i}::text, 20, '0')", verdict="'VERIFIED'", result_code="'SUCCESS'",
               result_status="'S'", request_sha256=hash_of, response_sha256=hash_of)  # fmt: skip
        insert(Notification, orders, account_id=f"1 + {i} % 2", kind="'PaymentMessage'", sha256=hash_of,
               subject=f"'P20260101' || lpad({i}::text, 20, '0')", received_at=back(orders), is_verified="true",
               last_received_at=back(orders), verdict="'VERIFIED'", status="'APPLIED'")  # fmt: skip
        insert(WebhookEndpoint, 1, name="'shop'", url="'https://shop.example/hook'", state="'ACTIVE'")
        half = orders // 2
        insert(WebhookEvent, half, event_id=f"'E20260101' || lpad({i}::text, 20, '0')", account_id="1", sequence="1",
               kind="'order.paid'", subject_type="'payments.Order'", subject_id=f"{i}::text", body="'{}'",
               subject_label=f"'O20260101' || lpad({i}::text, 20, '0')", created_at=back(half))  # fmt: skip
        insert(WebhookDelivery, half, event_id=i, endpoint_id="1", subject_type="'payments.Order'", sequence="1",
               subject_id=f"{i}::text", state="'DELIVERED'", delivered_at=back(half),
               created_at=back(half))  # fmt: skip
        insert(ReportFile, files, account_id="1", name=f"'settlementItems_' || {i} || '.csv'", sha256=hash_of,
               byte_size="1", kind="'SETTLEMENT'", edition="'1'", status="'IMPORTED'", tried_at=back(files),
               imported_at=back(files), amount_unit="'MAJOR'", amount_unit_basis="''", fee_sign="'CHARGE_NEGATIVE'",
               fee_sign_basis="''", row_count=str(per_file))  # fmt: skip
        insert(Batch, files, account_id="1", psp="'Alipay+'", currency="'USD'", batch_id=f"'20260101' || {i}",
               initiated_on=f"({back(files)})::date", details_id=i, row_count=str(per_file),
               net_value="1")  # fmt: skip
        settled = orders - per_file  # the newest day is not settled yet
        row = {"file_id": f"1 + {i} / {per_file}", "line_number": f"2 + {i} % {per_file}"}
        insert(SettlementRow, settled, **row, batch_id=row["file_id"], identity=f"md5({i}::text)", state="'MATCHED'",
               currency="'USD'", reported_value="100", matched_value="100", printed_type="'PAYMENT'",
               transaction_type="'PAYMENT'", transaction_id=f"'2026010119407401' || {i}", settlement_value="100",
               transaction_request_id=f"'P20260101' || lpad({i}::text, 20, '0')", settlement_currency="'USD'",
               transaction_value=value, transaction_currency="'PHP'")  # fmt: skip
        insert(Match, settled, row_id=i, is_settlement="true", role="'PAYMENT'", payment_id=i, value="100",
               currency="'USD'")  # fmt: skip
        insert(SettlementWatch, 2, account_id=i, since=back(orders, "0"), through=back(orders, str(settled)),
               due_at=back(orders, str(orders)))  # fmt: skip
        few = max(orders // 500, 20)
        insert(Discrepancy, few, file_id=f"1 + {i} % {files}", row_id=i, reason="'AMOUNT_DIFFERS'",
               sentence="'1.00 USD is reported and 2.00 USD expected.'", currency="'USD'", stake_currency="'USD'",
               stake_value="100", opened_at=back(few), closed_at=f"CASE WHEN {i} % 50 > 0 THEN {back(few)} END",
               resolution=f"CASE WHEN {i} % 50 > 0 THEN 'CONFIRMED' ELSE '' END")  # fmt: skip
        insert(Incident, few, kind="'payment_unknown'", subject_type="'payments.Payment'", subject_id=f"{i}::text",
               subject_label=f"'P20260101' || lpad({i}::text, 20, '0')", summary="'No final answer for a day.'",
               opened_at=back(few), last_seen_at=back(few),
               closed_at=f"CASE WHEN {i} % 100 > 0 THEN {back(few)} END")  # fmt: skip
        # Lines for the list to show, not a chain that could be proved: in this database nothing guards it.
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE portal_journalentry DISABLE TRIGGER USER")
        insert(JournalEntry, people, actor_kind="'PERSON'", actor_name="'reyes'", act="'refund'", at=back(people),
               subject_type="'payments.Payment'", subject_id=f"{i}::text", subject_label=f"'P' || {i}",
               reason_code="'BUYER_REQUEST'", position=i, hash=hash_of,
               previous_hash=f"md5(({i} - 1)::text) || md5({i}::text)")  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def insert(model: type[Model], count: int, **said: str) -> None:
    """One statement: ``count`` rows, whose columns are said in SQL over ``n.i`` or are what the model gives them."""
    columns: dict[str, str] = {}
    for field in model._meta.concrete_fields:
        if not field.primary_key:
            columns[field.column] = said.pop(field.attname, None) or _otherwise(field)
    assert not said, f"{model.__name__} has no {', '.join(said)}"
    names = ", ".join(map(connection.ops.quote_name, columns))
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({names}) SELECT {', '.join(columns.values())} FROM {numbers(count)}")


def numbers(count: int) -> str:
    """1 to ``count`` as a table n(i)."""
    if connection.vendor == "postgresql":
        return f"generate_series(1, {count}::bigint) AS n(i)"
    upwards = f"SELECT 1 AS i UNION ALL SELECT i + 1 FROM up WHERE i < {count}"
    return f"(WITH RECURSIVE up(i) AS ({upwards}) SELECT i FROM up) AS n"


def _otherwise(field: "Field[Any, Any]") -> str:
    """What a column holds when nobody says anything, as SQL."""
    if field.null:
        return "NULL"
    if isinstance(field, BinaryField) and not isinstance(field, EncryptedBinaryField):
        return "''::bytea" if connection.vendor == "postgresql" else "x''"
    given = field.get_default()
    if isinstance(given, DatabaseDefault):
        assert isinstance(given.expression, Value)
        given = given.expression.value
    if isinstance(field, JSONField):
        return "'[]'" if given == [] else "'{}'"
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, datetime):
        return "CURRENT_TIMESTAMP"
    return f"'{given}'" if given is not None else "''"


@contextmanager
def _bare_tables(say: Callable[[str], object]) -> Any:
    """Without the indexes that no constraint stands on and without the checks of foreign keys: both are for others."""
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indexname, i.indexdef FROM pg_indexes i JOIN pg_class c ON c.relname = i.indexname"
            " WHERE i.schemaname = 'public'"
            " AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid)"
        )
        indexes = dict(cursor.fetchall())
        for name in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET maintenance_work_mem = '256MB'")
    yield
    say(f"rows written in {time.monotonic() - began:.0f} s\n")
    with connection.cursor() as cursor:
        for definition in indexes.values():
            cursor.execute(definition)
        cursor.execute("SET session_replication_role = DEFAULT")
    say(f"indexes built after {time.monotonic() - began:.0f} s\n")
