"""The emulator's time: the machine's, turned forward on request, and shown with a skew if a setting says so."""

import time
from datetime import UTC, datetime
from email.utils import formatdate

HOUR = 3600.0
FILE_LIFE = 48 * HOUR  # uploaded files (cookbook, File API)
JOB_LIFE = 48 * HOUR  # pending or running longer than this expires (Batch guide)
RESULT_LIFE = 6 * 7 * 24 * HOUR  # results are kept for six weeks (Batch guide)


class Clock:
    """Seconds since 1970 as the emulated service counts them. `skew` only changes what clients are shown."""

    def __init__(self) -> None:
        self.advanced = 0.0
        self.skew = 0.0

    def now(self) -> float:
        return time.time() + self.advanced

    def shown(self, moment: float, digits: int = 9) -> str:
        """A timestamp as the wire writes it; operations have nine digits, files six."""
        seconds, fraction = divmod(moment + self.skew, 1)
        whole = datetime.fromtimestamp(seconds, UTC)
        return f"{whole:%Y-%m-%dT%H:%M:%S}.{f'{int(fraction * 1e9):09d}'[:digits]}Z"

    def read(self, text: str) -> float:
        """The moment that a client means by a timestamp it sends. Raises ValueError."""
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() - self.skew

    def date(self) -> str:
        """The `Date` header."""
        return formatdate(self.now() + self.skew, usegmt=True)


def duration(text: str) -> float:
    """Seconds in a protobuf duration such as "600s" or "1.5s". Raises ValueError."""
    if not text.endswith("s"):
        raise ValueError(f"Illegal duration format; duration must end with 's': {text}")
    return float(text[:-1])
