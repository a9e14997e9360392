"""The form of an id in a URL. What is not of it is at no address at all, so no look-up ever sees it."""

from django.urls import register_converter


class IdConverter:
    """Letters, digits, ``-`` and ``_``; at most 64, as every id of the protocol."""

    regex = r"[0-9A-Za-z_-]{1,64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(IdConverter, "id")
