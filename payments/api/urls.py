"""Where the doors of paying stand, below ``/api/v1/``."""

from django.urls import path

from payments.api import views
from portal.api import paths  # noqa: F401 - registers the form of an id

urlpatterns = [
    path("products", views.Products.as_view()),
    path("orders", views.Orders.as_view()),
    path("orders/<id:number>", views.OrderDetail.as_view()),
    path("orders/<id:number>/pay", views.OrderPay.as_view()),
    path("orders/<id:number>/cancel", views.OrderCancel.as_view()),
    path("orders/<id:number>/refunds", views.OrderRefunds.as_view()),
    path("refunds/<id:refund_id>", views.RefundDetail.as_view()),
]
