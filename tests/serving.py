"""The portal's application with a count of the requests it is answering, so that a test's end can wait for them."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

_PATIENCE_SECONDS = 5.0


class Counted:
    """A WSGI application that knows whether it is at rest: every answer given, and closed."""

    def __init__(self, application: Callable[..., Any]) -> None:
        self._application = application
        self._changed = threading.Condition()
        self._running = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> "_Answer":
        with self._changed:
            self._running += 1
        try:
            return _Answer(self._application(environ, start_response), self._done)
        except BaseException:
            self._done()
            raise

    def _done(self) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def comes_to_rest(self) -> None:
        """Wait until nothing is being answered; not for ever, since a test may leave somebody hanging on purpose."""
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0, timeout=_PATIENCE_SECONDS)


class _Answer:
    """What the application answered, counted until the server closes it."""

    def __init__(self, response: Any, done: Callable[[], None]) -> None:
        self._response, self._done = response, done

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def close(self) -> None:
        """Let the framework end the request, then count it."""
        try:
            self._response.close()
        finally:
            self._done()
