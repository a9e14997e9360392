"""The few files that pages refer to."""

from importlib.resources import files
from pathlib import PurePosixPath

from portal.sandbox.engine import Engine, Response

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_PREFIX = "/static/"
_ICON = "mark.svg"


def page(_engine: Engine, method: str, path: str, _given: dict[str, str]) -> Response | None:
    """A file of the package's ``static`` folder, or the icon a browser asks for by itself."""
    path = f"{_PREFIX}{_ICON}" if path == "/favicon.ico" else path
    name = path.removeprefix(_PREFIX)
    if method not in ("GET", "HEAD") or not path.startswith(_PREFIX) or "/" in name:
        return None
    media_type = _TYPES.get(PurePosixPath(name).suffix)
    file = files("portal.sandbox").joinpath("static", name)
    if media_type is None or not file.is_file():
        return None
    headers = {"content-type": media_type, "cache-control": "no-cache", "x-content-type-options": "nosniff"}
    return Response(200, headers, file.read_bytes())
