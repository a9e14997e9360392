"""The admin site as the merchant's desk."""

from django.contrib.admin import AdminSite


class DeskSite(AdminSite):
    """Stock Django admin with our own first page, navigation and search."""

    site_header = "Autodebit"
    site_title = "Autodebit"
    index_title = "Today"
