"""One way to log for every part: lines of key=value, with the ids of the event at hand bound at the edge.

Modules write ``log = logging.getLogger(__name__)`` and pass figures as ``extra``; pure code does not log.
INFO is what an operator would tell the next shift.
"""

from __future__ import annotations

import logging
import sys
from contextlib import AbstractContextManager

import structlog


def configure(level: str = "INFO", *, part: str = "") -> None:
    """From here on lines go to standard error, in UTC, under the name of the part (``engine``, ``web`` …)."""

    def name_part(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {"part": part, **line} if part else line

    shared: list[structlog.typing.Processor] = [
        name_part,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.KeyValueRenderer(
                    key_order=["timestamp", "level", "part", "event"], drop_missing=True
                ),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("uvicorn.access", "websockets.server", "websockets.client", "asyncio"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def bound(**ids: object) -> AbstractContextManager[None]:
    """Every line inside the block carries these ids, for instance ``bound(event=…, incident=…)``."""
    return structlog.contextvars.bound_contextvars(**ids)
