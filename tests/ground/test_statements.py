"""Statements that are said together: each part under its own condition, all or nothing, the same on both databases."""

from collections import Counter

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.expressions import RawSQL
from django.test.utils import CaptureQueriesContext

from payments.models import Order, OrderChange, OrderItem
from payments.operations import payments
from portal import clock, registry
from portal.gateways import keys_beside
from portal.gather import Standing, counts, rows
from portal.models import AcquirerAccount, Exchange, Incident
from portal.statements import (
    CompareAndSet,
    Found,
    Given,
    Insert,
    add_all,
    given_ids,
    ids,
    in_bulk,
    known,
    new,
    together,
)
from tests.factories import AcquirerAccountFactory, IncidentFactory, OrderFactory, OrderItemFactory

pytestmark = pytest.mark.django_db


def paying(order: Order, held_to_be: str) -> tuple[CompareAndSet, Insert]:
    """The description of an order that has this status becomes another, and only then that is noted."""
    change = CompareAndSet(Order, {"description": "changed"}, pk=order.pk, while_={"status": held_to_be})
    note = OrderChange(source="INIT", event="e", target="INIT", heard_from="US", order_id=order.pk)
    return change, Insert(note, when=change)


def test_a_part_whose_condition_was_not_done_is_not_done_either() -> None:
    order = OrderFactory()
    added = Insert(Incident(kind="OF_ITS_OWN", summary="whatever becomes of the rest"))
    change, note = paying(order, "PAID")
    with transaction.atomic():
        together(added, change, note)
    assert (added.done, change.done, note.done) == (True, False, False)
    assert Incident.objects.get().pk == added.row.pk
    assert (note.row.pk, OrderChange.objects.count()) == (None, 0)

    change, note = paying(order, "INIT")
    with transaction.atomic():
        together(change, note)
    assert (change.done, note.done) == (True, True)
    assert OrderChange.objects.get() == note.row
    order.refresh_from_db()
    assert order.description == "changed"


def test_a_new_row_may_point_to_another_one_that_is_as_new() -> None:
    order = OrderFactory.build(buyer=(buyer := OrderFactory().buyer), account=buyer.account)
    added = Insert(order)
    item = OrderItem(order_id=added, sku="pass", name="Pass", unit_value=2**40, quantity=1)
    with transaction.atomic():
        together(added, Insert(item))
    assert item.order_id == order.pk
    assert Order.objects.get(pk=order.pk).items.get().unit_value == 2**40


def test_what_the_database_refuses_in_one_part_undoes_them_all() -> None:
    order = OrderFactory()
    twice = OrderFactory.build(number=order.number, buyer=order.buyer, account=order.account)
    with pytest.raises(IntegrityError), transaction.atomic():
        together(Insert(Incident(kind="OF_ITS_OWN", summary="undone")), Insert(twice))
    assert not Incident.objects.exists()


def test_rows_are_read_beside_another_row() -> None:
    order = OrderFactory()
    for number in (1, 2):
        OrderItemFactory(order=order, sku=f"pass-{number}", unit_value=number, is_digital=number == 1)
    held = payments._held(known(Order, order.pk))
    items = [(item.sku, item.unit_value, item.is_digital) for item in held.items.all()]
    assert items == [("pass-1", 1, True), ("pass-2", 2, False)]
    assert [(line.reference, line.is_digital) for line in held.lines()] == [("pass-1", True), ("pass-2", False)]
    assert payments._held(known(Order, OrderFactory().pk)).lines() == ()


def test_the_keys_of_an_account_are_those_in_force() -> None:
    account = AcquirerAccountFactory()
    beside = Found(lambda: AcquirerAccount.objects.filter(pk=Given("pk")).annotate(keys=keys_beside("pk")).order_by())
    keys = list(account.acquirer_keys.filter(retired_at=None).values_list("version", "public_key"))
    assert [tuple(pair) for pair in beside.get(pk=account.pk).keys or ()] == keys


def test_very_many_new_rows_are_what_each_alone_would_be_and_know_their_ids() -> None:
    texts = ("plain", "a\ttab, a\nline, a \\N and a %s", "", "\\.", "\u4ef7\u683c")
    buyer = OrderFactory().buyer
    closed_at = [None, clock.now()]
    orders = [
        Order(
            account=buyer.account,
            buyer=buyer,
            number=f"O-{number}",
            amount_value=10**12 + number,
            currency="PHP",
            description=texts[number % len(texts)],
            closed_at=closed_at[number % 2],
        )
        for number in range(23)
    ]
    with transaction.atomic():
        add_all(orders)
        add_all([])
        in_bulk([Insert(OrderItem(order=order, sku="pass", name="Pass", unit_value=1, quantity=1)) for order in orders])
    for order in orders:
        read = Order.objects.get(number=order.number)
        assert all(getattr(read, it.attname) == getattr(order, it.attname) for it in Order._meta.concrete_fields)
        assert read.items.count() == 1
    assert not any(order._state.adding for order in orders)
    assert OrderFactory().pk not in {order.pk for order in orders}


def test_of_very_many_new_rows_one_that_is_refused_lets_none_in() -> None:
    known_one = OrderFactory()
    twice = {"account": known_one.account, "buyer": known_one.buyer, "amount_value": 1, "currency": "PHP"}
    with pytest.raises(IntegrityError), transaction.atomic():
        add_all(
            [Order(number=f"O-{number}", **twice) for number in range(20)] + [Order(number=known_one.number, **twice)]
        )
    assert Order.objects.count() == 1


def test_many_parts_that_are_alike_keep_each_its_own_condition_and_values() -> None:
    orders = OrderFactory.create_batch(4)
    Order.objects.filter(pk=orders[2].pk).update(status="PAID", paid_at=orders[2].created_at)
    pairs = [paying(order, "INIT") for order in orders]
    for (change, _), order in zip(pairs, orders, strict=True):
        change.facts = {"description": f"of {order.pk}", "closed_at": None if order is orders[0] else order.created_at}
    with transaction.atomic():
        in_bulk([part for pair in pairs for part in pair])
    assert [change.done for change, _ in pairs] == [note.done for _, note in pairs] == [True, True, False, True]
    assert set(OrderChange.objects.values_list("order", flat=True)) == {orders[n].pk for n in (0, 1, 3)}
    now = {order.pk: order for order in Order.objects.all()}
    assert [now[order.pk].description == f"of {order.pk}" for order in orders] == [True, True, False, True]
    assert [now[order.pk].closed_at for order in orders] == [None, orders[1].created_at, None, orders[3].created_at]


def test_a_row_made_the_short_way_is_the_one_the_model_makes() -> None:
    order = OrderFactory()
    with clock.using(clock.VirtualClock(order.created_at)):
        short = new(OrderChange, source="INIT", event="e", target="PAID", heard_from="US", order_id=order.pk)
        called = OrderChange(source="INIT", event="e", target="PAID", heard_from="US", order_id=order.pk)
    assert {**vars(short), "_state": None} == {**vars(called), "_state": None}
    assert short._state.adding
    short.save()
    assert order.changes.get() == short

    one, other = new(Exchange), new(Exchange)
    assert one.request_headers == other.request_headers == {}
    assert one.request_headers is not other.request_headers
    with pytest.raises(TypeError, match="OrderChange has no order"):
        new(OrderChange, order=order)


@pytest.mark.django_db
def test_whoever_has_statements_logged_reads_them_however_often_they_were_said() -> None:
    found: Found[Incident] = Found(lambda: Incident.objects.filter(kind=Given("kind")))
    for _ in range(10):
        found.all(kind="X")
    with CaptureQueriesContext(connection) as logged:
        found.all(kind="X")
    assert "portal_incident" in logged.captured_queries[0]["sql"]


def test_what_looks_like_a_place_in_a_text_is_none() -> None:
    kept, _ = (IncidentFactory(summary=text) for text in ("100 %s of it", "all of it"))
    marked = Incident.objects.annotate(mark=RawSQL("'%%s'", [])).filter(summary__endswith=" %s of it")
    found = Found(lambda: marked.filter(pk=Given("pk")).values_list("pk", "mark"))

    assert found.tuples(pk=kept.pk) == [(kept.pk, "%s")]


def test_a_long_statement_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = IncidentFactory(kind="it's 100% %s")
    many = 60  # more places than the driver of PostgreSQL remembers a statement with
    long = Found(lambda: Incident.objects.filter(pk__in=given_ids(many), kind="it's 100% %s").order_by())
    assert long.all(**ids([kept.pk], many)) == [kept]
    if connection.vendor == "postgresql":
        from psycopg import _queries  # noqa: PLC0415 - only where it is

        monkeypatch.setattr(_queries, "_split_query", None)
    assert long.all(**ids([kept.pk], many)) == [kept]
    assert long.all(**ids([kept.pk + 1], many)) == []


def test_what_is_the_same_each_time_stands_in_the_words_of_what_every_page_asks() -> None:
    odd = [IncidentFactory(summary=text, kind="it's 100% %s") for text in ("one", "two")]
    waits = Standing(
        lambda: Incident.objects.filter(kind="it's 100% %s", summary__lt=Given("before")).order_by(),
        lambda: {"before": "two"},
    )
    told = Standing(lambda: waits.make().values("summary"), waits.given)

    assert counts([waits]) == [1]
    assert rows([told]) == [[{"summary": "one"}]]
    assert rows([Standing(told.make, lambda: {"before": "z"})]) == [[{"summary": one.summary} for one in odd]]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite plans a statement once")
@pytest.mark.django_db(transaction=True)
def test_postgresql_plans_once_what_every_page_asks() -> None:
    """Where it does not, it takes longer to plan than to answer: on every page of the desk."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # what other tests left behind, and undid, is no table anybody has
    queues = [one for queue in registry.today for one in queue.waiting]

    def plans(times: int) -> Counter[str]:
        for _ in range(times):
            counts(queues)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements"
                " WHERE statement LIKE 'SELECT 0, COUNT(*)%'"
            )
            return Counter(dict(zip(("any", "these values"), map(int, cursor.fetchone()), strict=True)))

    before = plans(12)  # the driver prepares after some, and the server knows after some more
    assert plans(3) - before == Counter({"any": 3})


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite answers in this process")
def test_a_connection_takes_one_processor_of_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_parallel_workers_per_gather")
        assert cursor.fetchone() == ("0",)
