"""Which version of the API is asked: the one that is set, else the newest that serves what is asked for.

The SDK chooses v1 since its version 3; every recorded call of batches, caches and files is of v1beta, and a v1
without them is known (discovery document of 2025).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from google.genai import errors as sdk_errors

VERSIONS = ("v1", "v1beta")
_ROUTE_MISSING = ("was not found on this server", "Method not found", "is not found for API version")

T = TypeVar("T")


class ApiVersion:
    """The version in use. Without a fixed one it starts at v1, and stays at v1beta once only that has a route."""

    def __init__(self, fixed: str = "") -> None:
        self.current = fixed or VERSIONS[0]
        self._fallback = "" if fixed else VERSIONS[1]

    def call(self, action: Callable[[str], T]) -> T:
        """Do a call under the version in use, and again under the other one if it does not have the route.

        A route that is not there has done nothing, so this repeats no call that took effect.
        """
        version = self.current
        try:
            return action(version)
        except sdk_errors.APIError as error:
            if not self._fallback or version == self._fallback or not is_route_missing(error):
                raise
        try:
            result = action(self._fallback)
        except sdk_errors.APIError as error:
            if not is_route_missing(error):
                self.current = self._fallback
            raise
        self.current = self._fallback
        return result


def is_route_missing(error: sdk_errors.APIError) -> bool:
    """Whether a 404 is of the route, or of a model under this version, and not of the thing that a call names."""
    return error.code == 404 and any(words in str(error.message) for words in _ROUTE_MISSING)
