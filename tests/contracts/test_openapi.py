"""Whatever a foreign client makes of the description of the doors: each answer is one that the description names."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks

from dashboard.live.intake import MemoryIntake
from dashboard.settings import Settings
from feeds.doors import OPENAPI_PATH, create_doors

NOW_MS = 1_727_775_000_000
BEIJING = (115.4, 39.4, 117.5, 41.1)
DOORS = create_doors(Settings(data_dir=Path(mkdtemp(prefix="comis-"))), MemoryIntake(now_ms=lambda: NOW_MS), BEIJING)
described = schemathesis.openapi.from_asgi(OPENAPI_PATH, DOORS)
HELD = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)
"""What a document promises; whether a body that fits its shape is also taken depends on the city and the time."""


@described.parametrize()
@settings(suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case):
    case.call_and_validate(checks=HELD)
