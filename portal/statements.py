"""Statements that are said often, worded once.

Django words the SQL of a query anew each time it is run. On the way of one payment that costs several times what the
database needs to answer, and most of the processor time of the whole request. The statements of that way are always
the same but for their values, so here the ORM words each of them once and the wording is kept, beside the connection
it was made for: a query with ``Given`` values in it (``Found``), a new row (``insert``), a plain change (``update``),
a row as it is now (``reload``). Fields convert, encrypt and read their values as ever; constraints, locks and
transactions are the database's as ever. Signals of saving are not sent: the project listens to none.

Each statement is also a way to the server and back, which costs as much again. New rows and changes that belong
together are therefore said in one breath (``together``): PostgreSQL takes them as one statement, each part of it under
its own condition; SQLite, which is no way off, takes them one after the other.

What is said rarely is better said with the ORM alone.
"""

import functools
import itertools
import re
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import FORMAT_QMARK_REGEX, SQLiteCursorWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models.base import ModelState
from django.db.models.expressions import Expression, Subquery
from django.db.models.query import get_related_populators
from django.db.models.sql import UpdateQuery
from django.db.transaction import TransactionManagementError, mark_for_rollback_on_error

if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:
    _Field = models.Field

M = TypeVar("M", bound=models.Model)
T = TypeVar("T")

_KEPT = "_statements"
_TEXTS = (models.CharField, models.TextField)
"""What is text already goes as it is into fields that are just these."""
_WORTH_A_COPY = 8
"""From so many new rows on, COPY is quicker than one statement for all of them."""


@dataclass(eq=False)
class Insert:
    """A new row, said ``together`` with others. A value that is another Insert is that row's id, once it has one.

    ``when``: only if that part was done. ``done`` tells afterwards whether this one was.
    """

    row: models.Model
    when: "Insert | CompareAndSet | None" = None
    done: bool = False


@dataclass(eq=False)
class CompareAndSet:
    """The row of ``model`` with this id gets these values, while it has those."""

    model: type[models.Model]
    facts: Mapping[str, Any]
    pk: Any
    while_: Mapping[str, Any]
    when: "Insert | CompareAndSet | None" = None
    done: bool = False


Part = Insert | CompareAndSet


class Given(Expression):
    """A value that is given when a kept query is run. With a field it is converted as that field's values are."""

    def __init__(self, name: str, field: _Field | None = None) -> None:
        super().__init__(output_field=field)
        self.name, self.kind = name, field

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """A placeholder."""
        return "%s", [self]

    def of(self, given: Mapping[str, Any], line: BaseDatabaseWrapper) -> Any:
        """The value that was given, as the database takes it."""
        value = given[self.name]
        return value if self.kind is None else self.kind.get_db_prep_value(value, line)


class Rows(Subquery):
    """The rows of a query of values, as one value beside others: a list of lists, or None when there are none."""

    output_field = models.JSONField()
    template = "(SELECT %(gather)s(%(array)s(%(names)s)) FROM (%(subquery)s) AS gathered)"

    def as_sql(self, compiler: Any, connection: Any, template: str | None = None, **extra: Any) -> tuple[str, Any]:
        """Every column is named, since the two databases name the functions differently and nothing else."""
        names = (f"gathered.{connection.ops.quote_name(name)}" for name in self.query.values_select)
        is_postgresql = connection.vendor == "postgresql"
        extra |= {
            "names": ", ".join(names),
            "gather": "jsonb_agg" if is_postgresql else "json_group_array",
            "array": "jsonb_build_array" if is_postgresql else "json_array",
        }
        return super().as_sql(compiler, connection, template, **extra)


class Found(Generic[M]):
    """A query of the ORM that is worded once; ``make`` builds it, with ``Given`` where values come in.

    It reads whole rows with what they select beside them and what they are annotated with, or tuples when it asks for
    values. No prefetching.
    """

    def __init__(self, make: Callable[[], models.QuerySet[M, Any]]) -> None:
        self._make = make

    def all(self, **given: Any) -> list[M]:
        """The rows, in the query's order."""
        line = _line()
        worded: _Worded = _kept(line, self, lambda line: _Worded(self._make(), line))
        return cast(list[M], worded.run(line, given))

    def first(self, **given: Any) -> M | None:
        """The first row, or None."""
        return next(iter(self.all(**given)), None)

    def tuples(self, **given: Any) -> list[tuple[Any, ...]]:
        """The values asked for."""
        return cast(list[tuple[Any, ...]], self.all(**given))

    def get(self, **given: Any) -> M:
        """The only row. Raises the model's DoesNotExist."""
        found = self.first(**given)
        if found is None:
            raise self._make().model.DoesNotExist  # type: ignore[attr-defined]
        return found


class Changed:
    """A change of rows that is worded once: the rows that ``make`` finds get these facts, with ``Given`` in both."""

    def __init__(self, make: Callable[[], models.QuerySet[Any, Any]], **facts: Any) -> None:
        self._make, self._facts = make, facts

    def run(self, **given: Any) -> int:
        """Change them; how many there were."""
        line = _line()
        sql, params = _kept(line, self, self._worded)
        values = _with(given, params, line)
        with mark_for_rollback_on_error(line.alias), _cursor(line) as cursor:
            cursor.execute(sql, values)
            return int(cursor.rowcount)

    def _worded(self, line: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        query = cast(UpdateQuery, self._make().query.chain(UpdateQuery))
        query.add_update_values(self._facts)
        sql, params = query.get_compiler(connection=line).as_sql()
        return sql, tuple(params)


class _Worded:
    """One query's SQL, and how its rows are read."""

    def __init__(self, rows: models.QuerySet[Any, Any], line: BaseDatabaseWrapper) -> None:
        compiler = rows.query.get_compiler(connection=line)
        self._sql, self._params = compiler.as_sql()
        self._locks = rows.query.select_for_update
        picked = compiler.select[: compiler.col_count]
        self._converters = list(compiler.get_converters([column for column, _, _ in picked]).items())
        self._model: type[models.Model] | None = None
        if rows._fields is None:  # type: ignore[attr-defined]  # whole rows, and not values
            chosen = compiler.klass_info["select_fields"]
            self._model = compiler.klass_info["model"]
            self._start, self._end = chosen[0], chosen[-1] + 1
            self._names = [column.target.attname for column, _, _ in compiler.select[self._start : self._end]]
            self._annotated = list(compiler.annotation_col_map.items())
            self._beside = get_related_populators(compiler.klass_info, compiler.select, line.alias)  # type: ignore[call-arg]  # of a later Django

    def run(self, line: BaseDatabaseWrapper, given: Mapping[str, Any]) -> list[Any]:
        if self._locks and not line.in_atomic_block:
            raise TransactionManagementError("rows are held in a transaction only")
        values = _with(given, self._params, line)
        with _cursor(line) as cursor:
            cursor.execute(self._sql, values)
            fetched = cursor.fetchall()
        return [self._read(list(row), line) for row in fetched]

    def _read(self, row: list[Any], line: BaseDatabaseWrapper) -> Any:
        for position, (converters, expression) in self._converters:
            value = row[position]
            for convert in converters:
                value = convert(value, expression, line)
            row[position] = value
        if self._model is None:
            return tuple(row)
        found = self._model.from_db(line.alias, self._names, row[self._start : self._end])
        for beside in self._beside:
            beside.populate(row, found)
        for name, position in self._annotated:
            setattr(found, name, row[position])
        return found


class Said:
    """A statement in words of our own, often around a query of the ORM, that is worded once.

    ``make`` words it for a connection: its text, and its values with ``Given`` among them.
    """

    def __init__(self, make: Callable[[BaseDatabaseWrapper], tuple[str, Sequence[Any]]]) -> None:
        self._make = make

    def run(self, **given: Any) -> list[tuple[Any, ...]]:
        """What it returns, as the database gave it."""
        line = _line()
        sql, params = _kept(line, self, self._make)
        values = _with(given, params, line)
        with mark_for_rollback_on_error(line.alias), _cursor(line) as cursor:
            cursor.execute(sql, values)
            return cast(list[tuple[Any, ...]], cursor.fetchall())


def given_ids(most: int) -> list[Any]:
    """Places for so many ids in a query that is worded once: ``pk__in=given_ids(50)``."""
    return [Given(f"id_{number}") for number in range(most)]


def ids(keys: Sequence[int], most: int) -> dict[str, int]:
    """So many ids, or fewer, at ``given_ids``: the last one fills what is left.

    Raises ValueError for none, and for more.
    """
    if not 1 <= len(keys) <= most:
        raise ValueError(f"1 to {most} ids are asked for together, not {len(keys)}")
    return {f"id_{number}": keys[min(number, len(keys) - 1)] for number in range(most)}


def new(model: type[M], **values: Any) -> M:
    """A row that is in no table yet, with these values of its columns (``order_id``), and the defaults of the others.

    As the model makes one when it is called, which for a row that is written and forgotten costs more than to write it.
    Raises TypeError where there is no such column.
    """
    plain, reckoned = _defaults_of(model)
    if not values.keys() <= plain.keys():
        raise TypeError(f"{model.__name__} has no {', '.join(values.keys() - plain.keys())}")
    row = model.__new__(model)
    row._state = ModelState()
    row.__dict__.update(plain)
    row.__dict__.update(values)
    for name, default in reckoned:
        if name not in values:
            row.__dict__[name] = default()
    return row


@functools.cache
def _defaults_of(model: type[models.Model]) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """Every column with its default, and those whose default is reckoned anew for each row."""
    fields = model._meta.concrete_fields
    plain = {field.attname: None if callable(field.default) else field.get_default() for field in fields}
    return plain, [(field.attname, field.get_default) for field in fields if callable(field.default)]


def insert(row: models.Model, *, unless_there: bool = False) -> bool:
    """Add a new row, and give it its id. What the database refuses is raised as by ``save``.

    ``unless_there``: a row that a unique constraint does not let in beside another is left out, and False returned.
    """
    model, line = type(row), _line()
    key = (model, unless_there)
    sql, fields, returns_id = _kept(line, key, lambda line: _insertion(model, line, unless_there=unless_there))
    values = [field.get_db_prep_save(field.pre_save(row, add=True), line) for field in fields]
    with mark_for_rollback_on_error(line.alias), _cursor(line) as cursor:
        cursor.execute(sql, values)
        returned = cursor.fetchone() if returns_id else (cursor.lastrowid,) if cursor.rowcount else None
    if returned is None:
        return False
    row.pk = returned[0]
    row._state.adding, row._state.db = False, line.alias
    return True


def _insertion(
    model: type[models.Model], line: BaseDatabaseWrapper, *, unless_there: bool
) -> tuple[str, list[_Field], bool]:
    meta, quoted = model._meta, line.ops.quote_name
    fields = [field for field in meta.local_concrete_fields if not field.primary_key]
    columns = ", ".join(quoted(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {quoted(meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608 - names of our own models
    if unless_there:
        sql += " ON CONFLICT DO NOTHING"
    returns_id = line.features.can_return_columns_from_insert
    return (f"{sql} RETURNING {quoted(str(meta.pk.column))}" if returns_id else sql), fields, returns_id


def update(model: type[models.Model], facts: Mapping[str, Any], **where: Any) -> int:
    """Change the rows whose named columns have these values (None: no value); how many there were.

    Fields are named as the model names them, relations by their id (``order_id``).
    """
    if any(hasattr(value, "resolve_expression") for value in facts.values()):
        return model._base_manager.filter(**where).update(**facts)
    line, compared_with = _line(), tuple((name, value is None) for name, value in where.items())
    names = (model, tuple(facts), compared_with)
    sql, changed, compared = _kept(line, names, lambda line: _change(*names, line))
    values = [field.get_db_prep_save(_plain(value), line) for field, value in zip(changed, facts.values(), strict=True)]
    present = (value for value in where.values() if value is not None)
    values += [field.get_db_prep_value(value, line) for field, value in zip(compared, present, strict=True)]
    with mark_for_rollback_on_error(line.alias), _cursor(line) as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def _plain(value: Any) -> Any:
    return value.pk if isinstance(value, models.Model) else value


def _change(
    model: type[models.Model], facts: tuple[str, ...], where: tuple[tuple[str, bool], ...], line: BaseDatabaseWrapper
) -> tuple[str, list[_Field], list[_Field]]:
    quoted = line.ops.quote_name
    changed = [_column(model, name) for name in facts]
    compared = [_column(model, name) for name, is_none in where if not is_none]
    sets = ", ".join(f"{quoted(str(field.column))} = %s" for field in changed)
    tests = " AND ".join(
        f"{quoted(str(_column(model, name).column))} {'IS NULL' if is_none else '= %s'}" for name, is_none in where
    )
    return f"UPDATE {quoted(model._meta.db_table)} SET {sets} WHERE {tests}", changed, compared  # noqa: S608


def together(*parts: Part) -> None:
    """Say new rows and changes in the caller's transaction; each part then tells whether it was ``done``.

    A part's condition names an earlier part. No two parts change the same row. Raises as ``insert`` and ``update``.
    """
    line = _line()
    if line.vendor == "postgresql" and len(parts) > 1 and not any(map(_is_reckoned, parts)):
        _say_at_once(parts, line)
    else:
        for part in parts:
            if part.when is None or part.when.done:
                _say(part)


def _is_reckoned(part: Part) -> bool:
    """Whether the database reckons a value of it; the ORM words that."""
    return isinstance(part, CompareAndSet) and any(hasattr(it, "resolve_expression") for it in part.facts.values())


def _say(part: Part) -> None:
    if isinstance(part, CompareAndSet):
        part.done = bool(update(part.model, part.facts, pk=part.pk, **part.while_))
        return
    for name, other in _references(part.row):
        setattr(part.row, name, other.row.pk)
    part.done = insert(part.row)


def _references(row: models.Model) -> list[tuple[str, Insert]]:
    return [(name, value) for name, value in row.__dict__.items() if isinstance(value, Insert)]


def _say_at_once(parts: Sequence[Part], line: BaseDatabaseWrapper) -> None:
    order = {id(part): number for number, part in enumerate(parts)}
    conditions = (None if part.when is None else order[id(part.when)] for part in parts)
    shape = tuple(_shape(part, order, when=when) for part, when in zip(parts, conditions, strict=True))
    sql, columns = _kept(line, shape, lambda line: _breath(parts, order, line))
    values = [value for part, fields in zip(parts, columns, strict=True) for value in _values(part, fields, line)]
    with mark_for_rollback_on_error(line.alias), _cursor(line) as cursor:
        cursor.execute(sql, values)
        (keys,) = cursor.fetchall()
    for part, key in zip(parts, keys, strict=True):
        part.done = key is not None
        if isinstance(part, Insert) and part.done:
            part.row.pk = key
            part.row._state.adding, part.row._state.db = False, line.alias
            for name, other in _references(part.row):
                setattr(part.row, name, other.row.pk)


def in_bulk(parts: Sequence[Part]) -> None:
    """As ``together``, for many parts that are alike: those of one kind are one statement, on both databases.

    A new row gets no id by it, and may not point to another one that is as new.
    """
    line, left = _line(), list(parts)
    settled: set[int] = set()
    while left:
        ready = [part for part in left if part.when is None or id(part.when) in settled]
        groups: dict[Any, list[Part]] = {}
        for part in ready:
            if part.when is None or part.when.done:
                groups.setdefault(_shape(part, {}, when=None), []).append(part)
        for group in groups.values():
            _say_all(group, line)
        settled.update(map(id, ready))
        left = [part for part in left if id(part) not in settled]


def add_all(rows: Sequence[M]) -> None:
    """Add new rows of one model, which point to rows that are there, and give each its id.

    Raises as ``save``.
    """
    line = _line()
    if line.vendor != "postgresql" or len(rows) < _WORTH_A_COPY:
        if rows:
            type(rows[0])._base_manager.bulk_create(rows)
        return
    meta = type(rows[0])._meta
    with mark_for_rollback_on_error(line.alias), _cursor(line) as cursor:
        drawn = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"
        cursor.execute(drawn, [meta.db_table, meta.pk.column, len(rows)])
        keys = [key for (key,) in cursor.fetchall()]
    for row, key in zip(rows, keys, strict=True):
        row.pk = key
    _copy(rows, list(meta.local_concrete_fields), line)
    for row in rows:
        row._state.adding, row._state.db = False, line.alias


def _copy(rows: Sequence[models.Model], fields: Sequence[_Field], line: BaseDatabaseWrapper) -> None:
    """New rows by COPY, of which PostgreSQL has no places to count and nothing to plan, in its binary form."""
    quoted = line.ops.quote_name
    names = ", ".join(quoted(str(field.column)) for field in fields)
    columns = [_column_of(rows, field, line) for field in fields]
    with (
        mark_for_rollback_on_error(line.alias),
        _cursor(line) as cursor,
        line.wrap_database_errors,
        cursor.copy(f"COPY {quoted(rows[0]._meta.db_table)} ({names}) FROM STDIN WITH (FORMAT BINARY)") as copy,
    ):
        copy.set_types([_kind(field, line).partition("(")[0] for field in fields])
        for values in zip(*columns, strict=True):
            copy.write_row(values)


def _column_of(rows: Sequence[models.Model], field: _Field, line: BaseDatabaseWrapper) -> list[Any]:
    """The values of one field as the database takes them; what is the same object in row after row is prepared once."""
    if type(field).pre_save is models.Field.pre_save:
        return _prepared([row.__dict__[field.attname] for row in rows], field, line)
    return _prepared([field.pre_save(row, add=True) for row in rows], field, line)


def _prepared(column: Sequence[Any], field: _Field, line: BaseDatabaseWrapper) -> list[Any]:
    values: list[Any] = []
    is_plain = type(field) in _TEXTS
    last, ready = object(), None
    for value in column:
        if value is not last:
            last, ready = value, value if is_plain and type(value) is str else field.get_db_prep_save(value, line)
        values.append(ready)
    return values


def _say_all(group: Sequence[Part], line: BaseDatabaseWrapper) -> None:
    """Parts of one shape, whose conditions were done."""
    new = [part.row for part in group if isinstance(part, Insert)]
    if new and line.vendor == "postgresql" and len(new) >= _WORTH_A_COPY:
        _copy(new, [field for field in new[0]._meta.local_concrete_fields if not field.primary_key], line)
        for part in group:
            part.done = True
        return
    is_by_column = line.vendor == "postgresql" and not new
    key = (*_shape(group[0], {}, when=None), None if is_by_column else len(group))
    sql, fields = _kept(line, key, lambda line: _bulk(group, line, is_by_column=is_by_column))
    values = (
        _columns(group, fields, line)
        if is_by_column
        else list(itertools.chain.from_iterable(_values(part, fields, line) for part in group))
    )
    with mark_for_rollback_on_error(line.alias), _cursor(line) as cursor:
        cursor.execute(sql, values)
        keys = {key for (key,) in cursor.fetchall()}
    for part in group:
        part.done = isinstance(part, Insert) or part.pk in keys


def _columns(group: Sequence[Part], fields: Sequence[_Field], line: BaseDatabaseWrapper) -> list[list[Any]]:
    """What changes of one shape say, as one list for each column."""
    said = [_given(part) for part in group if isinstance(part, CompareAndSet)]
    columns = zip(fields, zip(*said, strict=True), strict=True)
    return [_as_one_kind(_prepared(column, field, line)) for field, column in columns]


def _as_one_kind(column: Sequence[Any]) -> list[Any]:
    """A column's values as one list, which its driver takes only when all are of one type."""
    return [value.value if isinstance(value, Enum) else value for value in column]


def _bulk(group: Sequence[Part], line: BaseDatabaseWrapper, *, is_by_column: bool) -> tuple[str, list[_Field]]:
    """New rows, or changes; those ``is_by_column`` take one list for each column, so that any number reads the same."""
    quoted, first = line.ops.quote_name, group[0]
    model = type(first.row) if isinstance(first, Insert) else first.model
    table, key = quoted(model._meta.db_table), quoted(str(model._meta.pk.column))
    if isinstance(first, Insert):
        fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
        names = ", ".join(quoted(str(field.column)) for field in fields)
        rows = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(group))
        return f"INSERT INTO {table} ({names}) VALUES {rows} RETURNING {key}", fields  # noqa: S608 - names of our own models
    fields = [_column(model, name) for name in (*first.facts, "pk", *first.while_)]
    given = ", ".join(f"v{number}" for number in range(len(fields)))
    columns = [quoted(str(field.column)) for field in fields]
    sets = ", ".join(f"{column} = v{number}" for number, column in enumerate(columns[: len(first.facts)]))
    compared = list(enumerate(columns))[len(first.facts) :]
    tests = " AND ".join(f"{table}.{column} = v{number}" for number, column in compared)
    said = f"UPDATE {table} SET {sets} FROM given WHERE {tests} RETURNING {key}"  # noqa: S608 - names of our own models
    if is_by_column:
        # As bytes (%b): written as text, each value is escaped twice.
        lists = ", ".join(f"%b::{_kind(field, line)}[]" for field in fields)
        return f"WITH given ({given}) AS (SELECT * FROM unnest({lists})) {said}", fields  # noqa: S608
    row = f"({', '.join(['%s'] * len(fields))})"
    return f"WITH given ({given}) AS (VALUES {', '.join([row] * len(group))}) {said}", fields


def _kind(field: _Field, line: BaseDatabaseWrapper) -> str:
    """What PostgreSQL cannot tell from the column a value goes to. Of texts, the column sees to the length."""
    kind = str(field.rel_db_type(line) if field.primary_key else field.db_type(line))
    return "text" if kind.startswith("varchar") else kind


def _values(part: Part, fields: Sequence[_Field], line: BaseDatabaseWrapper) -> list[Any]:
    """What a part says, as the database takes it."""
    given = [field.pre_save(part.row, add=True) for field in fields] if isinstance(part, Insert) else _given(part)
    return [
        field.get_db_prep_save(value, line)
        for field, value in zip(fields, given, strict=True)
        if not isinstance(value, Insert)
    ]


def _given(part: CompareAndSet) -> list[Any]:
    return [_plain(value) for value in (*part.facts.values(), part.pk, *part.while_.values())]


def _shape(part: Part, order: Mapping[int, int], *, when: int | None) -> tuple[Any, ...]:
    """What parts have in common that read the same but for their values."""
    if isinstance(part, Insert):
        return type(part.row), tuple((name, order[id(other)]) for name, other in _references(part.row)), when
    return part.model, tuple(part.facts), tuple(part.while_), when


def _breath(
    parts: Sequence[Part], order: Mapping[int, int], line: BaseDatabaseWrapper
) -> tuple[str, list[list[_Field]]]:
    """All parts as one statement, each a WITH of its own that returns its row's id; and where their values go."""
    quoted = line.ops.quote_name
    said: list[str] = []
    columns: list[list[_Field]] = []
    ids = [f"(SELECT key FROM part_{number})" for number in range(len(parts))]  # noqa: S608 - names of our own
    for part in parts:
        model = type(part.row) if isinstance(part, Insert) else part.model
        table, key = quoted(model._meta.db_table), quoted(str(model._meta.pk.column))
        condition = "" if part.when is None else f"EXISTS {ids[order[id(part.when)]]}"
        if isinstance(part, Insert):
            fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
            linked = {name: ids[order[id(other)]] for name, other in _references(part.row)}
            names = ", ".join(quoted(str(field.column)) for field in fields)
            places = ", ".join(linked.get(field.attname, "%s") for field in fields)
            source = f"SELECT {places} WHERE {condition}" if condition else f"VALUES ({places})"
            sql = f"INSERT INTO {table} ({names}) {source}"
        else:
            fields = [_column(model, name) for name in (*part.facts, "pk", *part.while_)]
            changed, compared = fields[: len(part.facts)], fields[len(part.facts) :]
            sets = ", ".join(f"{quoted(str(field.column))} = %s" for field in changed)
            tests = [*(f"{quoted(str(field.column))} = %s" for field in compared), *filter(None, [condition])]
            sql = f"UPDATE {table} SET {sets} WHERE {' AND '.join(tests)}"  # noqa: S608
        said.append(f"part_{len(said)} AS ({sql} RETURNING {key} AS key)")
        columns.append(fields)
    return f"WITH {', '.join(said)} SELECT {', '.join(ids)}", columns


def _column(model: type[models.Model], name: str) -> _Field:
    if name == "pk":
        return model._meta.pk
    by_name: dict[str, _Field] = {field.attname: field for field in model._meta.concrete_fields}
    return by_name[name] if name in by_name else model._meta.get_field(name)  # type: ignore[return-value]


def reload(row: models.Model, *, holding: bool = False, keeping: Collection[str] = ()) -> None:
    """See the row as it is now, and what it leads to anew when asked; ``holding`` it until the transaction ends.

    As ``refresh_from_db`` does, but that the relations named in ``keeping`` stay as they were read. Keys are left
    free (FOR NO KEY UPDATE): rows that only point here need not wait.
    """
    model = type(row)
    found: Found[Any] = _found_by_pk(model, holding=holding)
    _see(row, found.get(pk=row.pk), keeping)


def _see(row: models.Model, fresh: models.Model, keeping: Collection[str]) -> None:
    for field in row._meta.concrete_fields:
        row.__dict__[field.attname] = fresh.__dict__[field.attname]
    read = row._state.fields_cache
    kept = {name: read[name] for name in keeping if name in read and _is_still(row, name, read[name])}
    row._state.fields_cache = fresh._state.fields_cache | kept
    row.__dict__.pop("_prefetched_objects_cache", None)


def _is_still(row: models.Model, name: str, read: models.Model | None) -> bool:
    """Whether what was read of a relation is what it leads to now."""
    field: Any = row._meta.get_field(name)
    held = getattr(read, field.target_field.attname) if read is not None else None
    return bool(row.__dict__[field.attname] == held)


def known(model: type[M], pk: Any) -> M:
    """A row of which only the id is known so far; whatever else is asked of it is read then."""
    return model.from_db(_line().alias, [str(model._meta.pk.attname)], [pk])


def reload_all(rows: Sequence[models.Model], found: Found[Any], *, keeping: Collection[str] = (), **given: Any) -> None:
    """See all the rows as they are now, as ``found`` finds them; see ``reload``."""
    fresh = {row.pk: row for row in found.all(**given)}
    for row in rows:
        _see(row, fresh[row.pk], keeping)


def hold(row: models.Model, relation: str, rows: Sequence[models.Model]) -> None:
    """Let ``row.<relation>.all()`` be these rows, as if they had been prefetched."""
    read = getattr(row, relation).all()
    read._result_cache, read._prefetch_done = list(rows), True
    row.__dict__.setdefault("_prefetched_objects_cache", {})[relation] = read


_by_pk: dict[tuple[type[models.Model], bool], Found[Any]] = {}


def _found_by_pk(model: type[models.Model], *, holding: bool) -> Found[Any]:
    known = _by_pk.get((model, holding))
    if known is None:

        def make() -> models.QuerySet[Any, Any]:
            rows = model._base_manager.filter(pk=Given("pk")).order_by()
            return rows.select_for_update(no_key=True) if holding else rows

        known = _by_pk[model, holding] = Found(make)
    return known


def values_of(params: Sequence[Any], given: Mapping[str, Any]) -> list[Any]:
    """The values of a kept wording, with what is given in its places."""
    return _with(given, params, _line())


def _with(given: Mapping[str, Any], params: Sequence[Any], line: BaseDatabaseWrapper) -> list[Any]:
    return [one.of(given, line) if isinstance(one, Given) else one for one in params]


EVER, NEVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""Ends for a range that has one end only, which PostgreSQL takes for a third of the table where it plans for any value.

Of a range with two ends it expects a two-hundredth.
"""
_PLACE = re.compile("%%|%s")


def with_constants(statement: str, params: Sequence[Any]) -> tuple[str, list[Any]]:
    """The wording with all that is not ``Given`` written into it, and what is left to give. Nothing from outside.

    PostgreSQL plans a prepared statement once only if a plan for any value looks as good as one for these. A status
    that nearly no row has is found by its index, any status is not: where it is a value among others, a statement of
    two dozen questions is planned anew for every page, which takes longer than answering it. SQLite plans once anyway.
    """
    line = _line()
    if line.vendor != "postgresql":
        return statement, list(params)
    from psycopg import sql  # noqa: PLC0415 - only where its driver is

    line.ensure_connection()
    left: list[Any] = []
    given = iter(params)

    def write(place: re.Match[str]) -> str:
        if place.group() == "%%":
            return "%%"
        value = next(given)
        if isinstance(value, (str, bool, int, datetime)):
            return sql.Literal(value).as_string(line.connection).replace("%", "%%")
        left.append(value)
        return "%s"

    return _PLACE.sub(write, statement), left


def kept(key: Any, make: Callable[[], T]) -> T:
    """What ``make`` made, of this connection's wording, when it was first asked for under the key."""
    return cast(T, _kept(_line(), key, lambda _: make()))


def cursor() -> CursorWrapper:
    """A cursor for a wording that is kept."""
    return _cursor(_line())


def _line() -> BaseDatabaseWrapper:
    """This thread's connection itself: the proxy looks it up at every word."""
    return connections[DEFAULT_DB_ALIAS]


def _cursor(line: BaseDatabaseWrapper) -> CursorWrapper:
    """A cursor whose statements the database may keep too: what it has parsed and planned, it does not plan again.

    Django's own puts the values into the text for PostgreSQL, so that every statement is a new one to the server, and
    for SQLite it looks through the text for places each time. Whoever has statements logged gets that one: of a
    statement that the server has kept, Django logs no words.
    """
    if line.queries_logged:
        return line.cursor()
    line.close_if_health_check_failed()
    line.ensure_connection()
    with line.wrap_database_errors:
        cursor = _kept(line, _cursor, _maker_of_cursors)(line.connection)
    return cast(CursorWrapper, line._prepare_cursor(cursor))  # type: ignore[attr-defined]


def _maker_of_cursors(line: BaseDatabaseWrapper) -> Callable[[Any], Any]:
    if line.vendor == "postgresql":
        return _cursors_of_postgresql()
    return lambda connection: connection.cursor(factory=_CursorOfSQLite)


@functools.cache
def _cursors_of_postgresql() -> Callable[[Any], Any]:
    """Cursors that remember how PostgreSQL writes the places of a statement, however long it is.

    Its driver looks through a statement of more than 4,096 bytes or 50 places each time it is said, since most such are
    never said again. Those that come here are few, and said all day.
    """
    from django.db.backends.postgresql.base import ServerBindingCursor  # noqa: PLC0415 - needs its driver
    from psycopg._queries import PostgresQuery, _query2pg_nocache  # noqa: PLC0415 - only where it is

    @functools.lru_cache(maxsize=4096)
    def with_numbers(query: str, encoding: str) -> Any:
        return _query2pg_nocache(query.encode(encoding), encoding)

    class Query(PostgresQuery):
        def convert(self, query: Any, vars: Any) -> None:  # noqa: A002 - the driver's own name
            if vars is None or not isinstance(query, str):
                super().convert(query, vars)
                return
            self.query, self._want_formats, self._order, self._parts = with_numbers(query, self._tx.encoding)
            self.dump(vars)

    class Cursor(ServerBindingCursor):
        _query_cls = Query

    return cast(Callable[[Any], Any], Cursor)


class _CursorOfSQLite(SQLiteCursorWrapper):
    """Remembers how SQLite writes the places of a statement."""

    def execute(self, query: str, params: Any = ()) -> Any:
        return sqlite3.Cursor.execute(self, _with_marks(query), params)


@functools.lru_cache(maxsize=4096)
def _with_marks(sql: str) -> str:
    return str(FORMAT_QMARK_REGEX.sub("?", sql)).replace("%%", "%")


def _kept(line: BaseDatabaseWrapper, key: Any, make: Callable[[BaseDatabaseWrapper], Any]) -> Any:
    """What ``make`` made for this connection when it was first asked for."""
    held: dict[Any, Any] | None = getattr(line, _KEPT, None)
    if held is None:
        held = {}
        setattr(line, _KEPT, held)
    if key not in held:
        held[key] = make(line)
    return held[key]
