"""Where the doors of paying stand, below ``/api/v1/``."""

from django.urls import path

from payments.api import customs, hosted, recurring, views
from portal.api import paths  # noqa: F401 - registers the form of an id

urlpatterns = [
    path("products", views.Products.as_view()),
    path("orders", views.Orders.as_view()),
    path("orders/<id:number>", views.OrderDetail.as_view()),
    path("orders/<id:number>/pay", views.OrderPay.as_view()),
    path("orders/<id:number>/cancel", views.OrderCancel.as_view()),
    path("orders/<id:number>/refunds", views.OrderRefunds.as_view()),
    path("refunds/<id:refund_id>", views.RefundDetail.as_view()),
    path("orders/<id:number>/declarations", customs.OrderDeclarations.as_view()),
    path("declarations/<id:declaration_id>", customs.DeclarationDetail.as_view()),
    path("hosted-pages", hosted.HostedPages.as_view()),
    path("plans", recurring.Plans.as_view()),
    path("subscriptions", recurring.Subscriptions.as_view()),
    path("subscriptions/<id:subscription_id>", recurring.SubscriptionOne.as_view()),
    path("subscriptions/<id:subscription_id>/pause", recurring.SubscriptionPause.as_view()),
    path("subscriptions/<id:subscription_id>/resume", recurring.SubscriptionResume.as_view()),
    path("subscriptions/<id:subscription_id>/skip", recurring.SubscriptionSkip.as_view()),
    path("subscriptions/<id:subscription_id>/change", recurring.SubscriptionChange.as_view()),
    path("subscriptions/<id:subscription_id>/cancel", recurring.SubscriptionCancel.as_view()),
    path("subscriptions/<id:subscription_id>/amounts", recurring.SubscriptionAmounts.as_view()),
]
