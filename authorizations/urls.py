"""Where wallets send buyers back to, below ``/return/``."""

from django.urls import path

from authorizations import redirect
from portal.api import paths  # noqa: F401 - registers the form of an id

urlpatterns = [
    path("<id:authorization_id>", redirect.returned, name="wallet-return"),
    path("<id:authorization_id>/result", redirect.result, name="wallet-result"),
]
