"""The API's own pages: its description, for programs and for people. No slash at the end is needed."""

from django.urls import path, re_path

from portal.api import docs

urlpatterns = [
    re_path(r"^schema/?$", docs.Schema.as_view(), name="api-schema"),
    path("docs/", docs.page, name="api-docs"),
]
