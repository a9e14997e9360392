"""Where the doors of binding stand, below ``/api/v1/``."""

from django.urls import path

from authorizations.api import views
from portal.api import paths  # noqa: F401 - registers the form of an id

urlpatterns = [
    path("sessions", views.Sessions.as_view()),
    path("sessions/end", views.SessionEnd.as_view()),
    path("payment-methods", views.PaymentMethods.as_view()),
    path("wallets", views.Wallets.as_view()),
    path("wallets/<id:wallet_id>/revoke", views.WalletRevoke.as_view()),
    path("consents", views.Consents.as_view()),
    path("authorizations", views.Authorizations.as_view()),
    path("authorizations/<id:authorization_id>", views.AuthorizationDetail.as_view()),
    path("authorizations/<id:authorization_id>/code", views.AuthorizationCode.as_view()),
    path("authorizations/<id:authorization_id>/failure", views.AuthorizationFailure.as_view()),
]
