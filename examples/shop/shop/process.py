"""The life of a process: logs and signals at its start, an exit code at its end."""

import logging
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from shop.logs import configure_logs
from shop.settings import ConfigurationError, Identity

log = logging.getLogger(__name__)


def run(main: Callable[[], None]) -> NoReturn:
    """Run `main` and exit: 0 when it returns or is told to stop, 1 when it fails.

    A failure is one JSON line on standard output, without a bare traceback.
    """
    configure_logs(Identity.from_environment())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        main()
    except ConfigurationError as error:
        log.error("configuration error: %s", error)  # noqa: TRY400
        sys.exit(1)
    except Exception:
        log.exception("the process failed")
        sys.exit(1)
    sys.exit(0)


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)
