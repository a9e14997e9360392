"""The doors."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from portal import inbox

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("", include("portal.health")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("portal.api.urls")),
    path("api/v1/", include("authorizations.api.urls")),
    path("api/v1/", include("payments.api.urls")),
    path("return/", include("authorizations.urls")),
    path("notify/<slug:slug>/<slug:kind>", inbox.notify, name="notify"),
]
