"""Logs: one JSON object a line, on standard output."""

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

from shop.settings import Identity

trace_id: ContextVar[str | None] = ContextVar("trace_id", default=None)


class JsonFormatter(logging.Formatter):
    """Renders a record as JSON, with the Machine, the release and the current trace."""

    def __init__(self, identity: Identity) -> None:
        super().__init__()
        self._identity = identity

    def format(self, record: logging.LogRecord) -> str:
        """Render `record` on one line."""
        line: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "msg": record.getMessage(),
            "logger": record.name,
            "trace_id": trace_id.get(),
            "machine": self._identity.machine,
            "release": self._identity.release,
        }
        if record.exc_info and record.exc_info[1]:
            line["exc"] = _describe(record.exc_info[1])
        return json.dumps(line)


def configure_logs(identity: Identity) -> None:
    """Send what every library logs through the JSON formatter."""
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(JsonFormatter(identity))
    logging.captureWarnings(True)
    logging.basicConfig(level=logging.INFO, handlers=[output], force=True)
    # At info level httpx logs each request, and uvicorn its own start in four lines.
    for chatty in ("httpx", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def current_trace() -> str:
    """Return the trace that the current request belongs to, `none` outside of any."""
    return trace_id.get() or "none"


def _describe(error: BaseException) -> dict[str, str]:
    return {
        "type": type(error).__name__,
        "message": str(error),
        "stack": "".join(traceback.format_exception(error)),
    }
