"""What our routes say when they refuse, and the check that only our own page asks."""

from __future__ import annotations

from starlette.requests import Request

from ui.shared.app_state import OWN_HEADER


class RouteError(Exception):
    """A route says no: an HTTP status and one sentence for the user."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def require_own_page(request: Request) -> None:
    """Raises RouteError for a call that lacks the header which another site's page cannot send without asking."""
    if request.headers.get(OWN_HEADER) != "1":
        raise RouteError(403, "This address answers only its own page.")
