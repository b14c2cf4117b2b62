"""The line between a browser and the city: a relay that can be cut, or fall silent without a word."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self


class Line:
    """A port of its own that leads to the city's, until it is `cut` (closed) or `silent` (nothing passes)."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = ""
        self._passing = True
        self._open = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._relays: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._inside(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inside(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def cut(self) -> None:
        """Every connection breaks, and every further one at once."""
        self._inside(self._cut())

    def silent(self) -> None:
        """Connections stay, and nothing comes through any more."""
        self._passing = False

    def mend(self) -> None:
        """The line is whole; what was silent is gone, as after a break in a network."""
        self._inside(self._mend())

    def _inside(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _cut(self) -> None:
        self._open = False
        for writer in self._writers:
            writer.transport.abort()

    async def _mend(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._open = self._passing = True

    async def _end(self) -> None:
        self._server.close()
        await self._cut()
        await asyncio.gather(*self._relays, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        try:
            there, to_there = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:  # the city is away: so is the line
            writer.transport.abort()
            return
        ends, here = {writer, to_there}, asyncio.current_task()
        assert here is not None
        self._writers |= ends
        self._relays.add(here)
        try:
            await asyncio.gather(self._pass(reader, to_there), self._pass(there, writer))
        finally:
            self._writers -= ends
            self._relays.discard(here)
            for end in ends:
                end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self._passing:
                    writer.write(data)
                    await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()
