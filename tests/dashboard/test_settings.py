from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.errors import CannotStart
from dashboard.settings import REPOSITORY, SOCKET_PATH_LIMIT, Settings, is_loopback


def test_without_variables_everything_stands_on_this_machine_alone() -> None:
    settings = Settings.from_environment({})
    assert (settings.host, settings.port, settings.device_port) == ("127.0.0.1", 8050, 8051)
    assert settings.data_dir == REPOSITORY / "var"
    assert settings.pack == REPOSITORY / "packs" / "beijing"
    assert settings.redis_address == f"unix://{settings.short_socket}"
    assert settings.archive_url == str(REPOSITORY / "var" / "archive")
    assert settings.web_url == "http://127.0.0.1:8050"
    assert settings.device_url == "ws://127.0.0.1:8051"


def test_variables_are_read_by_type() -> None:
    settings = Settings.from_environment({"COMIS_PORT": "9000", "COMIS_DEMO": "no", "COMIS_DATA_DIR": "/srv/comis"})
    assert (settings.port, settings.demo, settings.data_dir) == (9000, False, Path("/srv/comis"))


@pytest.mark.parametrize(
    ("said", "archive", "snapshots"),
    [
        ("/srv/archive", "/srv/archive", "/srv/archive/snapshots"),
        ("file:///srv/archive", "/srv/archive", "/srv/archive/snapshots"),
        ("old", str(REPOSITORY / "old"), str(REPOSITORY / "old" / "snapshots")),
        ("s3://bucket/city", "s3://bucket/city", "/srv/comis/snapshots"),
    ],
)
def test_the_archive_may_lie_anywhere_and_snapshots_never_in_a_directory_called_s3(
    said: str, archive: str, snapshots: str
) -> None:
    settings = Settings.from_environment({"COMIS_ARCHIVE": said, "COMIS_DATA_DIR": "/srv/comis"})
    assert (settings.archive_url, str(settings.snapshot_dir)) == (archive, snapshots)
    assert Settings.from_environment(settings.to_environment()) == settings


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert Settings.from_environment({"COMIS_PORT": ""}) == Settings.from_environment({})


def test_a_child_process_reads_the_same_settings(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port=9000, redis_url="redis://store:6379/0", demo=False, host="0.0.0.0")
    assert Settings.from_environment(settings.to_environment()) == settings


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("COMIS_PORT", "http"),
        ("COMIS_PORT", "0"),
        ("COMIS_PORT", "70000"),
        ("COMIS_PORT", "8051"),
        ("COMIS_DEMO", "perhaps"),
        ("COMIS_LOG_LEVEL", "loud"),
        ("COMIS_HOST", "0.0.0.0"),
        ("COMIS_PROT", "8050"),
        ("COMIS_REDIS_URL", "http://store:6379"),
        ("COMIS_REDIS_URL", "store:6379"),
        ("COMIS_REDIS_MEMORY_MB", "-3"),
        ("COMIS_BASEMAP_DATUM", "bd09"),
        ("COMIS_BASEMAP_DATUM", "WGS"),
        ("COMIS_BASEMAP", "ftp://tiles.example/{z}/{x}/{y}.png"),
        ("COMIS_BASEMAP", "https://tiles.example/{z}/{x}.png"),
        ("COMIS_BASEMAP", "https://{s}.tiles.example/{z}/{x}/{y}.png"),
        ("COMIS_BASEMAP", "https://me:secret@tiles.example/{z}/{x}/{y}.png"),
        ("COMIS_BASEMAP", "https://tiles.example;script-src/{z}/{x}/{y}.png"),
        ("COMIS_BASEMAP", "https://tiles.example/{z}/{x}/{y}{r}.png?tk=secret"),
        ("COMIS_BASEMAP", "https://tiles.example/{z}/{x}/{y}.png second"),
    ],
)
def test_a_wrong_variable_is_named_in_one_sentence(name: str, text: str) -> None:
    with pytest.raises(CannotStart) as refusal:
        Settings.from_environment({name: text})
    assert name in refusal.value.sentence
    assert "\n" not in refusal.value.sentence
    assert "secret" not in refusal.value.sentence


def test_a_file_of_tiles_is_a_place_and_an_address_is_none() -> None:
    here = Settings(basemap="maps/city one.mbtiles")
    assert (here.basemap, here.basemap_origins) == (str(REPOSITORY / "maps" / "city one.mbtiles"), ())
    there = Settings(basemap="https://tiles.example:8443/{z}/{x}/{y}.png")
    assert there.basemap_origins == ("https://tiles.example:8443",)


def test_the_launchers_own_variables_are_no_settings() -> None:
    assert Settings.from_environment({"COMIS__FULL": "1"}) == Settings.from_environment({})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_the_demo_runs_on_loopback(host: str) -> None:
    assert is_loopback(host)
    assert Settings(host=host).demo


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "city.example", ""])
def test_the_demo_refuses_to_be_seen_from_outside(host: str) -> None:
    with pytest.raises(CannotStart, match="COMIS_DEMO=0"):
        Settings(host=host, demo=True)
    assert Settings(host=host, demo=False).host == host


def test_a_socket_path_that_the_system_refuses_gets_a_short_link(tmp_path: Path) -> None:
    near, far = Settings(data_dir=tmp_path), Settings(data_dir=tmp_path / ("d" * SOCKET_PATH_LIMIT))
    assert near.short_socket == near.redis_socket
    assert len(str(far.short_socket)) <= SOCKET_PATH_LIMIT
    assert far.short_socket != Settings(data_dir=tmp_path / ("e" * SOCKET_PATH_LIMIT)).short_socket
