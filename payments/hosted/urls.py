"""Where the hosted pages stand, below ``/pay/``."""

from django.urls import path

from payments.hosted import views
from portal import languages
from portal.api import paths  # noqa: F401 - registers the form of an id

urlpatterns = [
    path("enter/<str:code>", views.entered, name="hosted-enter"),
    path("wallets", views.methods, name="hosted-methods"),
    path("wallets/link", views.link, name="hosted-link"),
    path("wallets/<id:wallet_id>/remove", views.remove, name="hosted-remove"),
    path("orders/<id:number>", views.cashier, name="hosted-order"),
    path("orders/<id:number>/pay", views.pay, name="hosted-pay"),
    path("leave", views.leave, name="hosted-leave"),
    path("language", languages.choose, name="hosted-language"),
]
