"""The emulator's time: the machine's, turned forward on request, and shown with a skew if a setting says so."""

import re
import time
from datetime import UTC, datetime
from email.utils import formatdate

HOUR = 3600.0
FILE_LIFE = 48 * HOUR  # uploaded files (cookbook, File API)
JOB_LIFE = 48 * HOUR  # pending or running longer than this expires (Batch guide)
RESULT_LIFE = 6 * 7 * 24 * HOUR  # results are kept for six weeks (Batch guide)
MAX_TIMESTAMP = 253_402_300_799.0  # the end of the year 9999, after which no timestamp can be written
_DURATION = re.compile(r"(-?\d{1,12}(?:\.\d{1,9})?)s", re.ASCII)


class Clock:
    """Seconds since 1970 as the emulated service counts them. `skew` only changes what clients are shown."""

    def __init__(self) -> None:
        self.advanced = 0.0
        self.skew = 0.0

    def now(self) -> float:
        return time.time() + self.advanced

    def advance(self, seconds: float) -> None:
        """Turn time forward. Raises ValueError for backward, and for past the year 4600."""
        if not (seconds >= 0 and self.now() + seconds < MAX_TIMESTAMP / 3):
            raise ValueError("time goes forward only, and not beyond the year 4600")
        self.advanced += seconds

    def format_timestamp(self, moment: float, digits: int = 9) -> str:
        """A timestamp as the wire writes it; operations have nine digits, files six."""
        seconds, fraction = divmod(moment + self.skew, 1)
        whole_second = datetime.fromtimestamp(seconds, UTC)
        return f"{whole_second:%Y-%m-%dT%H:%M:%S}.{f'{int(fraction * 1e9):09d}'[:digits]}Z"

    def parse_timestamp(self, text: str) -> float:
        """The moment that a client means by a timestamp it sends. Raises ValueError."""
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is None:
            raise ValueError(f"Illegal timestamp format; timestamps must end with 'Z' or have a valid timezone: {text}")
        return moment.timestamp() - self.skew

    def date_header(self) -> str:
        """The `Date` header."""
        return formatdate(self.now() + self.skew, usegmt=True)


def parse_duration(text: str) -> float:
    """Seconds in a protobuf duration such as "600s" or "1.5s". Raises ValueError."""
    if not text.endswith("s"):
        raise ValueError(f"Illegal duration format; duration must end with 's': {text}")
    if not (match := _DURATION.fullmatch(text)):
        raise ValueError(f"Illegal duration format; not a number of seconds: {text}")
    return float(match[1])
