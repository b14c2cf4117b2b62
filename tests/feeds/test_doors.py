"""The HTTP doors, over the intake in memory: what is taken, and what is answered with a reason and kept."""

import json

import httpx
import pytest

from dashboard import words
from dashboard.live.intake import MemoryIntake
from dashboard.settings import Settings
from feeds.complaint.decode import decode
from feeds.doors import PATHS, create_doors

BEIJING = (115.4, 39.4, 117.5, 41.1)
NOW_MS = 1_727_775_000_000
READING = {"sensor": "noise-7", "kind": "noise", "value": 61.0, "unit": "dB(A)", "lat": 39.9355, "lon": 116.3972}
COMPLAINT = {"complaint": "c-1", "verb": "report", "text": "大排档噪声", "channel": "hotline"}
STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


def event(data, type_="city.sensor.reading", **attributes):
    return {"specversion": "1.0", "id": "r-1", "source": "/test", "type": type_, "data": data, **attributes}


@pytest.fixture
def intake():
    return MemoryIntake(now_ms=lambda: NOW_MS)


@pytest.fixture
async def client(intake, tmp_path):
    doors = create_doors(Settings(data_dir=tmp_path), intake, BEIJING)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(doors), base_url="http://city") as client:
        yield client


async def test_a_structured_event_is_stored_as_it_was_sent(client, intake):
    given = event(READING, time="2024-10-01T17:30:00+08:00", traceparent="00-1")
    reply = await client.post("/api/v1/events", content=json.dumps(given), headers=STRUCTURED)
    assert (reply.status_code, reply.json()) == (202, {"accepted": "r-1"})
    (stored,) = intake.entries("sensor")
    assert json.loads(stored.pop("data")) == READING
    assert stored == {
        "id": "r-1",
        "source": "/test",
        "type": "city.sensor.reading",
        "time": "2024-10-01T17:30:00+08:00",
    }


async def test_a_binary_event_is_the_same_event(client, intake):
    headers = {"ce-id": "r%201", "ce-source": "/test", "ce-type": "city.sensor.reading", "ce-specversion": "1.0"}
    reply = await client.post("/api/v1/events", json=READING, headers=headers)
    assert (reply.status_code, reply.json()) == (202, {"accepted": "r 1"})
    assert json.loads(intake.entries("sensor")[0]["data"]) == READING


async def test_a_binary_event_without_its_type_is_told_what_is_missing(client):
    headers = {"ce-id": "r-1", "ce-source": "/test", "ce-specversion": "1.0"}
    reply = await client.post("/api/v1/events", json=READING, headers=headers)
    assert (reply.status_code, reply.json()["args"]) == (422, {"field": "type"})


async def test_a_mark_before_the_text_is_left_out_and_a_compressed_body_is_refused(client, intake):
    said = b"\xef\xbb\xbf" + json.dumps(event(READING, time="2024-10-01T09:30:00z")).encode()
    assert (await client.post("/api/v1/events", content=said, headers=STRUCTURED)).status_code == 202
    assert len(intake.entries("sensor")) == 1
    reply = await client.post("/api/v1/events", content=b"\x1f\x8b", headers={**STRUCTURED, "content-encoding": "gzip"})
    assert (reply.status_code, reply.json()["args"]["content_type"]) == (415, "gzip")


async def test_reports_that_differ_in_anything_are_two(client, intake):
    first = {"text": "井盖缺失", "lat": 39.9352, "lon": 116.4037, "name": "王小明"}
    others = ({"complaint": "h-2"}, {"verb": "consult"}, {"category": "manhole"}, {"photos": ["a.jpg"]})
    for report in (first, first, *({**first, **other} for other in others)):
        assert (await client.post("/api/v1/complaints", json=report)).status_code == 201
    stored = {fields["id"]: json.loads(fields["data"])["complaint"] for fields in intake.entries("complaint")}
    assert len(stored) == len(set(stored.values())) == 5


async def test_a_form_that_was_not_percent_encoded_is_understood(client, intake):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    reply = await client.post("/api/v1/complaints", content="text=夜市占道&lat=39.9352&lon=116.4037", headers=headers)
    assert reply.status_code == 201
    assert json.loads(intake.entries("complaint")[0]["data"])["text"] == "夜市占道"
    reply = await client.post("/api/v1/complaints", content="text=夜市占道".encode("gb18030"), headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (400, "bad_encoding")


async def test_the_good_ones_of_a_batch_are_kept_and_the_bad_ones_named(client, intake):
    batch = [
        event(READING, id="good-1"),
        event({**READING, "value": "loud"}, id="bad-1"),
        7,
        event(COMPLAINT, "city.complaint.reported", id="good-2"),
        event({}, "city.weather.seen", id="bad-2"),
    ]
    reply = await client.post("/api/v1/events", content=json.dumps(batch), headers=BATCH)
    assert reply.status_code == 207
    body = reply.json()
    assert (body["accepted"], body["refused"]) == (2, 3)
    assert [result.get("accepted") or result["code"] for result in body["results"]] == [
        "good-1", "bad_data", "bad_envelope", "good-2", "unknown_type",
    ]  # fmt: skip
    assert [fields["id"] for fields in intake.entries("sensor")] == ["good-1"]
    assert [fields["id"] for fields in intake.entries("complaint")] == ["good-2"]
    assert [kept["code"] for kept in intake.entries("rejected")] == ["bad_data", "bad_envelope", "unknown_type"]


BAD = [
    (json.dumps(event({**READING, "value": "loud"})), 422, "bad_data"),
    (json.dumps(event({"sensor": "noise-7"})), 422, "bad_data"),
    (json.dumps(event({**READING, "value": float("nan")})), 400, "bad_json"),
    (json.dumps(event({**READING, "lat": 91})), 422, "bad_data"),
    (json.dumps(event(READING, time="1970-01-01T00:00:00Z")), 422, "time_before_history"),
    (json.dumps(event(READING, time="2100-01-01T00:00:00Z")), 422, "time_ahead"),
    (json.dumps(event({**COMPLAINT, "text": "噪" * 300_000}, "city.complaint.reported")), 413, "too_large"),
    (json.dumps(event({**COMPLAINT, "text": "x" * 900_000}, "city.complaint.reported")), 422, "bad_data"),
    (
        json.dumps(event(COMPLAINT, "city.complaint.reported"), ensure_ascii=False).encode("gb18030"),
        400,
        "bad_encoding",
    ),
    (json.dumps(event({}, "city.weather.seen")), 422, "unknown_type"),
    (json.dumps(event({**READING, "lat": 116.3972, "lon": 39.9355})), 422, "swapped_place"),
    (json.dumps(event({**READING, "lat": 0.1, "lon": 0.1})), 422, "outside_city"),
    (json.dumps(event(READING, specversion="0.3")), 400, "bad_envelope"),
    (json.dumps(event(READING, datacontenttype="text/xml")), 400, "bad_envelope"),
    (json.dumps(event(READING, source="")), 422, "missing_field"),
    ("", 400, "bad_json"),
    ("[" * 100_000, 400, "bad_envelope"),
    ('{"data":' * 100_000, 400, "bad_json"),
    (json.dumps(event({"verb": "x"}, "city.command")), 422, "unknown_type"),
    (json.dumps(event(READING)).encode("utf-16"), 400, "bad_encoding"),
    (json.dumps({**event(READING), "data": None}).replace(', "data": null', ""), 422, "missing_field"),
]


@pytest.mark.parametrize(("content", "status", "code"), BAD)
async def test_a_bad_event_is_answered_with_the_reason_kept_and_disturbs_nothing(client, intake, content, status, code):
    reply = await client.post("/api/v1/events", content=content, headers=STRUCTURED)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert set(reply.json()["sentence"]) == {"zh", "en"}
    assert "Traceback" not in reply.text
    (kept,) = intake.entries("rejected")
    assert kept["code"] == code
    assert set(intake.streams) == {"rejected"}
    good = await client.post("/api/v1/events", content=json.dumps(event(READING)), headers=STRUCTURED)
    assert good.status_code == 202


async def test_a_body_that_never_ends_is_cut_while_it_streams(client, intake):
    sent = 0

    async def endless():
        nonlocal sent
        while sent < 200_000_000:
            sent += 100_000
            yield b"x" * 100_000

    reply = await client.post("/api/v1/events", content=endless(), headers=STRUCTURED)
    assert reply.status_code == 413
    assert sent <= 51_200_000
    assert json.loads(intake.entries("rejected")[0]["args"])["limit_bytes"] == 1_000_000


async def test_a_duplicate_has_the_same_answer(client, intake):
    first, second = [
        await client.post("/api/v1/events", content=json.dumps(event(READING)), headers=STRUCTURED) for _ in range(2)
    ]
    assert first.status_code == second.status_code
    assert first.content == second.content
    assert {fields["id"] for fields in intake.entries("sensor")} == {"r-1"}


async def test_a_foreign_reporter_is_taken_out(client, intake):
    data = {**COMPLAINT, "reporter": {"name": "王小明", "phone": "13812345678"}}
    reply = await client.post(
        "/api/v1/events", content=json.dumps(event(data, "city.complaint.reported")), headers=STRUCTURED
    )
    assert reply.status_code == 202
    (stored,) = intake.entries("complaint")
    reporter = json.loads(stored["data"])["reporter"]
    assert reporter["masked"] == "138****5678 / 王**"
    assert intake.people[reporter["ref"]]["phone"] == "13812345678"
    assert "小明" not in str(intake.streams)


async def test_a_name_that_came_with_a_refused_event_is_kept_nowhere(client, intake):
    data = {**COMPLAINT, "verb": "shout", "reporter": {"name": "王小明", "phone": "13812345678"}}
    reply = await client.post(
        "/api/v1/events", content=json.dumps(event(data, "city.complaint.reported")), headers=STRUCTURED
    )
    assert reply.status_code == 422
    assert intake.people == {}
    assert "小明" not in str(intake.streams)
    assert "13812345678" not in str(intake.streams)


@pytest.mark.parametrize("content", [[READING, READING], {"readings": [READING], "time": "2024-10-01T09:30:00Z"}])
async def test_plain_readings(client, intake, content):
    reply = await client.post("/api/v1/readings", json=content)
    assert reply.status_code == 202
    stored = intake.entries("sensor")[0]
    assert stored["source"] == "/sensors/noise-7"
    assert json.loads(stored["data"]) == READING


async def test_one_bad_reading_of_a_list_is_named_and_the_others_are_stored(client, intake):
    reply = await client.post("/api/v1/readings", json=[READING, {**READING, "lat": 91}, "x", {**READING, "id": 7}])
    assert reply.status_code == 207
    assert [result.get("code", "ok") for result in reply.json()["results"]] == [
        "ok",
        "bad_data",
        "bad_data",
        "bad_data",
    ]
    assert len(intake.entries("sensor")) == 1
    assert len(intake.entries("rejected")) == 3


async def test_a_reading_with_its_time_sent_twice_is_one(client, intake):
    for _ in range(2):
        reply = await client.post("/api/v1/readings", json={**READING, "time": "2024-10-01T09:30:00Z"})
        assert reply.status_code == 202
    assert len({fields["id"] for fields in intake.entries("sensor")}) == 1


async def test_the_senders_key_is_the_events_id(client, intake):
    headers = {"Idempotency-Key": "key-1"}
    await client.post("/api/v1/readings", json=[READING, READING], headers=headers)
    await client.post("/api/v1/complaints", json={"text": "噪声"}, headers=headers)
    await client.post("/api/v1/events", json={**event(READING), "id": ""}, headers=headers)
    assert [fields["id"] for fields in intake.entries("sensor")] == ["key-1:0", "key-1:1", "key-1"]
    assert [fields["id"] for fields in intake.entries("complaint")] == ["key-1"]
    reply = await client.post("/api/v1/complaints", json={"text": "噪声"}, headers={"Idempotency-Key": "x" * 200})
    assert reply.json()["code"] == "field_too_long"


async def test_a_report_by_form_keeps_its_person_apart(client, intake):
    form = {
        "text": "施工噪声",
        "name": "王小明",
        "phone": "138 1234 5678",
        "lat": "39.9",
        "lon": "116.4",
        "category": "",
    }
    reply = await client.post("/api/v1/complaints", data=form)
    assert reply.status_code == 201
    (stored,) = intake.entries("complaint")
    data = json.loads(stored["data"])
    assert data.pop("complaint") == reply.json()["complaint"]
    assert data.pop("reporter")["masked"] == "138****5678 / 王**"
    assert data == {"text": "施工噪声", "verb": "report", "channel": "web", "lat": 39.9, "lon": 116.4}
    assert "小明" not in str(intake.streams)


async def test_a_double_press_is_one_report_and_two_people_are_two(client, intake):
    for name in ("王小明", "王小明", "李雷"):
        await client.post("/api/v1/complaints", json={"text": "噪声", "name": name, "phone": "13812345678"})
    assert len({fields["id"] for fields in intake.entries("complaint")}) == 2


async def test_two_who_gave_no_name_are_two_even_in_one_moment(client, intake):
    for headers in ({}, {}, {"Idempotency-Key": "k"}, {"Idempotency-Key": "k"}):
        await client.post("/api/v1/complaints", json={"text": "噪声"}, headers=headers)
    entries = intake.entries("complaint")
    assert len({fields["id"] for fields in entries}) == 3
    assert len({json.loads(fields["data"])["complaint"] for fields in entries}) == 3


@pytest.mark.parametrize("text", ["", " \t\u3000"])
async def test_a_complaint_that_says_nothing_is_refused_alike_at_every_door(client, intake, text):
    replies = [
        await client.post("/api/v1/complaints", json={"text": text}),
        await client.post("/api/v1/complaints", data={"text": text}),
        await client.post("/api/v1/events", json=event({**COMPLAINT, "text": text}, "city.complaint.reported")),
        await client.post("/api/v1/events", json=event({**COMPLAINT, "text": text}, "city.complaint.updated")),
    ]
    assert [(reply.json()["code"], reply.json()["args"]) for reply in replies] == [
        ("missing_field", {"field": "text"})
    ] * 4
    assert intake.entries("complaint") == []


@pytest.mark.parametrize(
    ("content", "content_type", "code"),
    [
        ("text=%FF", "application/x-www-form-urlencoded", "bad_encoding"),
        ("text=a&text=b", "application/x-www-form-urlencoded", "bad_data"),
        ("text=a&lat=nan&lon=116", "application/x-www-form-urlencoded", "bad_data"),
        ("text=+", "application/x-www-form-urlencoded", "missing_field"),
        ("text=a&lat=39.9", "application/x-www-form-urlencoded", "half_a_place"),
        ('{"text":"a","colour":1}', "application/json", "bad_data"),
        ('{"text":"a"}', "application/json; charset=gbk", "bad_encoding"),
        ('{"text":"a"}', "text/plain", "media_type"),
        ("<a/>", "text/xml", "media_type"),
    ],
)
async def test_a_bad_report(client, intake, content, content_type, code):
    reply = await client.post("/api/v1/complaints", content=content, headers={"content-type": content_type})
    assert reply.json()["code"] == code
    assert intake.entries("rejected")[0]["code"] == code
    assert intake.entries("complaint") == []


@pytest.mark.parametrize(
    ("photo", "ending"),
    [(b"\xff\xd8\xff\xe0", ".jpg"), (b"\x89PNG\r\n\x1a\n", ".png"), (b"RIFF\0\0\0\0WEBPVP8 ", ".webp")],
)
async def test_a_photo_is_known_by_its_first_bytes(client, tmp_path, photo, ending):
    whole = await client.post("/api/v1/files", content=photo, headers={"content-type": "image/png"})
    form = await client.post("/api/v1/files", files={"file": ("../../evil.html", photo, "text/html")})
    for reply in (whole, form):
        assert reply.status_code == 201
        name = reply.json()["file"]
        assert name.endswith(ending)
        assert (tmp_path / "files" / name).read_bytes() == photo
    assert len(list((tmp_path / "files").iterdir())) == 2


@pytest.mark.parametrize(
    ("content", "code"), [(b"<html>", "not_a_photo"), (b"", "not_a_photo"), (b"\xff\xd8\xff" * 4_000_000, "too_large")]
)
async def test_what_is_no_photo_is_not_stored(client, intake, tmp_path, content, code):
    reply = await client.post("/api/v1/files", content=content, headers={"content-type": "image/png"})
    assert reply.json()["code"] == code
    assert not (tmp_path / "files").exists()
    assert intake.entries("rejected")[0]["code"] == code


async def test_a_sender_of_what_is_too_large_is_heard_out_and_then_answered(client, intake):
    written = []

    async def photo():
        for number in range(20):
            written.append(number)
            yield b"\xff\xd8\xff" * 400_000

    reply = await client.post("/api/v1/files", content=photo(), headers={"content-type": "image/jpeg"})
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")
    assert len(written) == 20  # a client that still writes when it is cut off never sees the answer
    assert intake.entries("rejected")[0]["code"] == "too_large"


async def test_a_form_without_a_file_and_a_broken_form(client):
    reply = await client.post("/api/v1/files", files={"other": b"\xff\xd8\xff"})
    assert reply.json()["code"] == "missing_field"
    for header in ("multipart/form-data", "multipart/form-data; boundary=x"):
        reply = await client.post("/api/v1/files", content=b"nonsense", headers={"content-type": header})
        assert reply.status_code == 422


@pytest.mark.parametrize("path", PATHS[:4])
async def test_other_methods_and_paths_are_answered_in_json(client, path):
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        reply = await client.request(method, path)
        assert reply.status_code == 405
        assert reply.headers["allow"] == "POST"
    reply = await client.post(path + "/nothing")
    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", PATHS[:3])
async def test_nothing_is_accepted_while_the_store_is_silent(client, intake, path):
    intake.lost = True
    for content in (json.dumps(event(READING)), json.dumps(READING), json.dumps({"text": "a"}), "{"):
        reply = await client.post(path, content=content, headers={"content-type": "application/json"})
        assert (reply.status_code, reply.json()["code"]) == (503, "store_silent")
        assert reply.headers["retry-after"] == "2"


async def test_a_fault_of_ours_is_said_without_its_traceback(client, intake, monkeypatch):
    async def broken(*_):
        raise RuntimeError("secret")

    monkeypatch.setattr(intake, "append", broken)
    reply = await client.post("/api/v1/readings", json=READING)
    assert (reply.status_code, reply.json()["code"]) == (500, "internal")
    assert "secret" not in reply.text


async def test_the_description_names_every_door(client):
    described = (await client.get("/api/v1/openapi.json")).json()
    assert set(described["paths"]) == set(PATHS[:4])
    assert "Complaint" in described["components"]["schemas"]
    assert (await client.head("/api/v1/openapi.json")).status_code == 200


def test_every_code_of_the_tables_has_both_sentences():
    from dashboard.city.admission import REFUSALS
    from feeds.http import STATUS

    for code in [*REFUSALS, *STATUS]:
        assert code in words.REJECTED
        assert all(words.WORDS[code])


async def test_a_reason_is_never_longer_than_a_person_reads(client, intake):
    reply = await client.post("/api/v1/readings", json={**READING, "x" * 500_000: 1})
    assert len(reply.content) < 2000
    assert len(intake.entries("rejected")[0]["args"]) < 1000


async def test_the_public_id_of_a_report_tells_nothing_of_who_made_it() -> None:
    report = b'{"text": "x", "phone": "13812345678", "time": "2026-10-02T11:30:00Z"}'
    ids = {decode(report, 0, secret=secret)[0].id for secret in (b"", b"one", b"another")}
    assert len(ids) == 3  # whoever knows all that was said but the secret cannot try out phones
    assert decode(report, 0, secret=b"one")[0].id == decode(report, 0, secret=b"one")[0].id
