"""The description of the HTTP doors (OpenAPI 3.1), made from the decoding types, so that both say the same."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from dashboard.city import events
from feeds.complaint.decode import Report

_REF: Final = "#/components/schemas/{name}"
_TYPES: Final = (
    events.Reading, events.Readings, events.Detection, events.Picture, events.Complaint, events.Position,
    events.Finding, events.TeamStatus, events.Feedback, events.Heartbeat, Report,
)  # fmt: skip
_REFUSAL: Final = {
    "type": "object",
    "required": ["code", "sentence", "args"],
    "properties": {
        "code": {"type": "string"},
        "sentence": {"type": "object", "properties": {"zh": {"type": "string"}, "en": {"type": "string"}}},
        "args": {"type": "object"},
    },
}
_ACCEPTED: Final = {"type": "object", "required": ["accepted"], "properties": {"accepted": {"type": "string"}}}
_RESULTS: Final = {
    "type": "object",
    "required": ["accepted", "refused", "results"],
    "properties": {
        "accepted": {"type": "integer"},
        "refused": {"type": "integer"},
        "results": {"type": "array", "items": {"type": "object"}},
    },
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The sender's own key of this delivery: sent twice, it counts once.",
    "schema": {"type": "string", "maxLength": 120},
}


def document() -> dict[str, Any]:
    """The whole description as JSON-ready data."""
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template=_REF)
    schemas = {**schemas, "Refusal": _REFUSAL, "Accepted": _ACCEPTED, "Results": _RESULTS, "CloudEvent": _cloud_event()}
    reading = _ref("Reading")
    return {
        "openapi": "3.1.0",
        "info": {"title": "COMIS doors", "version": "1", "description": "How events come in; see docs/events.md."},
        "paths": {
            "/api/v1/events": _post(
                "One input event, or a batch, as CloudEvents 1.0",
                {
                    "application/cloudevents+json": _ref("CloudEvent"),
                    "application/cloudevents-batch+json": {"type": "array", "items": _ref("CloudEvent")},
                    "application/json": {"type": "object"},
                },
            ),
            "/api/v1/readings": _post(
                "Readings in plain JSON: one, a list, or a list under `readings`",
                {"application/json": {"anyOf": [reading, {"type": "array", "items": reading}, _ref("Readings")]}},
            ),
            "/api/v1/complaints": _post(
                "A hotline entry or a public report; name and phone are taken out",
                {"application/json": _ref("Report"), "application/x-www-form-urlencoded": _ref("Report")},
                taken="201",
            ),
            "/api/v1/files": _post(
                "A photo of at most 10 MB",
                {kind: {"type": "string", "format": "binary"} for kind in ("image/jpeg", "image/png", "image/webp")},
                taken="201",
                keyed=False,
            ),
        },
        "components": {"schemas": schemas},
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(name=name)}


def _post(summary: str, bodies: dict[str, Any], taken: str = "202", *, keyed: bool = True) -> dict[str, Any]:
    refusal = {"description": "Refused, with the reason", "content": {"application/json": {"schema": _ref("Refusal")}}}
    either = {"anyOf": [_ref("Refusal"), _ref("Results")]}
    nothing = {"description": "Read, and nothing of it taken", "content": {"application/json": {"schema": either}}}
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "post": {
            "summary": summary,
            "parameters": [_KEY] if keyed else [],
            "requestBody": {"required": True, "content": {kind: {"schema": schema} for kind, schema in bodies.items()}},
            "responses": {
                taken: {"description": "The store has it", "content": content},
                "207": {"description": "A part of the batch was refused", "content": content},
                **{status: refusal for status in ("400", "408", "413", "415", "500", "503")},
                "422": nothing,
            },
        }
    }


def _cloud_event() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1, "maxLength": 128},
            "source": {"type": "string", "minLength": 1, "maxLength": 256},
            "type": {"enum": sorted(events.STREAM_OF)},
            "time": {"type": "string", "format": "date-time"},
            "data": {"type": "object"},
        },
    }
