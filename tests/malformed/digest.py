"""Proof that nothing changed: every row of every table that holds money, consent or a promise, before and after."""

import json

from django.apps import apps
from django.db import connection
from django.db.models import Model

LEFT_OUT = {"portal.Notification", "portal.Exchange", "portal.Incident"}
"""What is written down about a message is no change of what the message is about."""


def everything(*, but: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Every row of the portal's own tables, as text, by table."""
    rows: dict[str, list[str]] = {}
    for name in ("portal", "authorizations", "payments", "reconciliation"):
        for model in apps.get_app_config(name).get_models():
            if model._meta.label not in LEFT_OUT and model._meta.label not in but:
                rows[model._meta.label] = _rows(model)
    return rows


def _rows(model: type[Model]) -> list[str]:
    """As they stand in the database: a column that is decrypted anew each time tells no more."""
    quoted, meta = connection.ops.quote_name, model._meta
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {quoted(meta.db_table)} ORDER BY {quoted(str(meta.pk.column))}")
        names = [column[0] for column in cursor.description]
        return [json.dumps(dict(zip(names, row, strict=True)), default=repr) for row in cursor.fetchall()]
