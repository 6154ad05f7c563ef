"""Who may call: programs of this computer, and no page of a website that somebody looks at meanwhile.

A browser names the page that a call comes from (`Origin`, `Sec-Fetch-Site`) and the name by which it found us (`Host`):
somebody else's name that was made to mean this computer is not ours.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to


class OriginGuard:
    """Judges calls by the host that the emulator was bound to."""

    def __init__(self, bound_host: str) -> None:
        self._hosts = {*LOOPBACK_NAMES, bound_host.lower()}
        self._any_address = bound_host in EVERY_ADDRESS

    def refusal(self, headers: Mapping[str, str]) -> Response | None:
        """Why a call is not answered; None where it is."""
        if not self._is_ours(headers.get("host", "")):
            return _refuse("The emulator is not known by this host name. Call it by the address that it prints.")
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none") or not _from_here(headers):
            return _refuse("The emulator does not answer web pages of other places.")
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        return name in self._hosts or (self._any_address and _is_address(name))


def _from_here(headers: Mapping[str, str]) -> bool:
    origin = headers.get("origin")
    return origin is None or origin.lower() == f"http://{headers.get('host', '')}".lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _refuse(message: str) -> Response:
    return JSONResponse({"error": {"code": 403, "message": message, "status": "PERMISSION_DENIED"}}, 403)
