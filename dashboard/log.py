"""One way to log for every part: lines of key=value, with the ids of the event at hand bound at the edge.

Modules write ``log = logging.getLogger(__name__)`` and pass figures as ``extra``; pure code does not log.
INFO is what an operator would tell the next shift.
"""

from __future__ import annotations

import logging
import sys
from contextlib import AbstractContextManager

import structlog
from structlog.typing import EventDict, Processor

ORDER = ["timestamp", "level", "part", "logger", "message"]
CHATTY = ("asyncio", "uvicorn.access", "uvicorn.error", "websockets.client", "websockets.server")


def configure(level: str = "INFO", *, part: str = "") -> None:
    """From here on lines go to standard error, in UTC, under the name of the part (``engine``, ``web`` …)."""

    def name_part(_logger: object, _method: str, line: EventDict) -> EventDict:
        return {"part": part, **line} if part else line

    line: list[Processor] = [
        structlog.processors.EventRenamer("message"),  # first: ``event`` is the id of an event of the city
        name_part,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=line,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _write,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def bound(**ids: object) -> AbstractContextManager[None]:
    """Every line inside the block carries these ids, for instance ``bound(event=…, incident=…)``."""
    return structlog.contextvars.bound_contextvars(**ids)


def _write(logger: object, method: str, line: EventDict) -> str:
    """A traceback stands below its line, as people read it."""
    traceback = line.pop("exception", "")
    said = str(_KEY_VALUE(logger, method, line))
    return f"{said}\n{traceback}" if traceback else said


_KEY_VALUE = structlog.processors.LogfmtRenderer(key_order=ORDER, drop_missing=True)
