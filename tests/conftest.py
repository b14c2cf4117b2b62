"""What several tests share: a real Redis of their own, with the configuration that is shipped."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from dashboard.live import embedded_redis
from dashboard.settings import Settings


@pytest.fixture(scope="session")
def redis_settings() -> Iterator[Settings]:
    """Settings of a data directory whose embedded Redis runs until the tests end. In /tmp: a socket's path is short."""
    with tempfile.TemporaryDirectory(prefix="comis-") as directory:
        settings = Settings(data_dir=Path(directory), redis_server=os.environ.get("COMIS_REDIS_SERVER", ""))
        server = subprocess.Popen(
            embedded_redis.prepare(settings, embedded_redis.find_server(settings)), stdout=subprocess.DEVNULL
        )
        try:
            with redis.Redis(unix_socket_path=str(settings.short_socket)) as client:
                _until_up(client, server)
            yield settings
        finally:
            server.terminate()
            server.wait(timeout=10)


@pytest.fixture
def redis_address(redis_settings: Settings) -> str:
    """The address of that Redis, emptied."""
    with redis.Redis(unix_socket_path=str(redis_settings.short_socket)) as client:
        client.flushall()
    return redis_settings.redis_address


def _until_up(client: redis.Redis, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            client.ping()
            return
        except redis.ConnectionError:
            continue
    pytest.fail(f"the Redis of the tests ended with status {server.returncode}")
