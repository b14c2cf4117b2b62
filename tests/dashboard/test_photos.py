"""A picture is shown to seats at work, as the picture that its bytes say it is, and nothing else is ever served."""

from __future__ import annotations

import logging
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from dashboard import photos
from dashboard.settings import Settings

NAME = "0123456789abcdef0123456789abcdef"
PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def web(tmp_path: Path) -> httpx.AsyncClient:
    files = tmp_path / "files"
    files.mkdir()
    (files / f"{NAME}.png").write_bytes(PNG)
    (files / f"{NAME}.jpg").write_bytes(b"<svg onload='x'>")
    (tmp_path / "secret").write_text("x")
    settings = Settings.from_environment({"COMIS_DATA_DIR": str(tmp_path)})
    app = Starlette(routes=photos.routes(settings, settings.files_dir))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("127.0.0.1", 4)), base_url="http://localhost")


async def test_seats_at_work_see_it_and_it_is_nothing_but_a_picture(web: httpx.AsyncClient, caplog) -> None:
    with caplog.at_level(logging.INFO, "dashboard.photos"):
        got = await web.get(f"/api/v1/files/{NAME}.png?as=dispatcher:2:Li")
    assert (got.status_code, got.headers["content-type"], got.content) == (200, "image/png", PNG)
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "private" in got.headers["cache-control"]
    assert caplog.messages == [f"picture read file={NAME}.png by=dispatcher/2/Li"]


@pytest.mark.parametrize("role", ["", "viewer", "wall", "collector", "evaluator"])
async def test_where_anybody_passes_no_picture_is_shown(web: httpx.AsyncClient, role: str) -> None:
    got = await web.get(f"/api/v1/files/{NAME}.png", params={"as": role} if role else {})
    assert (got.status_code, got.json()["code"]) == (403, "pictures_not_yours")
    assert all(got.json()["sentence"].values())


@pytest.mark.parametrize(
    "name", [f"{NAME}.jpg", f"{NAME}.svg", "f" * 32 + ".png", "..%2fsecret", "%2e%2e/secret", "x.png", f"{NAME}.png%00"]
)
async def test_what_is_no_picture_or_lies_elsewhere_is_not_there(web: httpx.AsyncClient, name: str) -> None:
    got = await web.get(f"/api/v1/files/{name}?as=supervisor")
    assert got.status_code == 404
    assert b"svg" not in got.content
