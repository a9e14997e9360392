"""The doors."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

from portal import inbox

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    # What a browser asks for by itself, on an answer that names no icon.
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("desk/mark.svg"))),
    path("", include("portal.health")),
    path("", include("portal.metrics")),
    path("admin/", include("portal.desk.doors")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("portal.api.urls")),
    path("api/v1/", include("authorizations.api.urls")),
    path("api/v1/", include("payments.api.urls")),
    path("return/", include("authorizations.urls")),
    path("pay/", include("payments.hosted.urls")),
    path("notify/<slug:slug>/<slug:kind>", inbox.notify, name="notify"),
]
