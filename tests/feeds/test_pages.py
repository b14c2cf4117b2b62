"""The examples of the pages for people who send: each of them is taken as it stands."""

import re
import shlex
from pathlib import Path

import httpx
import msgspec
import pytest

from dashboard.city.admission import read_event
from dashboard.live import packs
from dashboard.live.intake import MemoryIntake, real_now_ms
from dashboard.settings import Settings
from feeds.complaint.export import ExportMapping
from feeds.doors import PATHS, create_doors
from feeds.patrol.decode import decode_hello

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def shell_lines(page):
    return [line for block in blocks(page, "sh") for line in block.splitlines() if line]


@pytest.fixture(scope="module")
def bounds():
    return packs.load(Settings().pack).bounds


def test_the_xadd_is_an_event(bounds):
    (line,) = [line for line in shell_lines("events.md") if " XADD " in line]
    words = shlex.split(re.sub(r"\$\(date [^)]*\)", "", line.replace("$RANDOM", "17")).replace("time  ", ""))
    fields = dict(zip(words[6::2], words[7::2], strict=True))
    assert words[4] == "comis:{0}:sensor"
    event = read_event(
        fields["id"], fields["source"], fields["type"], "", fields["data"].encode(), bounds, real_now_ms()
    )
    assert (event.data.sensor, event.data.value) == ("noise-7", 88.2)


@pytest.mark.parametrize("line", [line for line in shell_lines("events.md") if line.startswith("curl")])
async def test_a_curl_is_taken(line, bounds, tmp_path):
    words = shlex.split(line)
    url = words[2]
    given = list(zip(words[3::2], words[4::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in given if option == "-H")
    parts = [value for option, value in given if option != "-H"]
    content = {"content": parts[0]} if len(parts) == 1 else {"data": dict(part.split("=", 1) for part in parts)}
    doors = create_doors(Settings(data_dir=tmp_path), MemoryIntake(), bounds)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(doors)) as client:
        reply = await client.post(f"http://{url}", headers=headers, **content)
    assert reply.is_success, reply.text


def test_the_page_names_every_path_of_the_doors():
    text = (DOCS / "events.md").read_text(encoding="utf-8")
    assert [path for path in PATHS if f"`{path}`" not in text] == []


def test_hello_and_mapping_can_be_read():
    (hello,) = blocks("devices.md", "json")
    assert decode_hello(hello.encode()).device == "device-07"
    (mapping,) = blocks("replay.md", "toml")
    assert msgspec.toml.decode(mapping, type=ExportMapping).key == "lisbon"
