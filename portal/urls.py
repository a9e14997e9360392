"""The doors."""

from django.contrib import admin
from django.urls import path

from portal import inbox

urlpatterns = [
    path("admin/", admin.site.urls),
    path("notify/<slug:slug>/<slug:kind>", inbox.notify, name="notify"),
]
