"""Exports in every form; the recorded sets themselves only where `COMIS_RECORDINGS` names their directory."""

import gzip
import io
import json
import os
from pathlib import Path

import msgspec
import openpyxl
import pytest

from dashboard.city.admission import widened
from dashboard.errors import BadPayload, CannotStart
from feeds.complaint import export
from feeds.complaint.export import ColumnNames, ExportMapping, TimeForms

MAPPING = ExportMapping(
    key="here", zh="此地", en="Here", time_zone="Europe/Berlin",
    columns=ColumnNames(
        id=("id",), time=("opened",), category=("kind",), text=("kind", "text"), address=("street", "town"),
        lat=("lat",), lon=("lon",), name=("name",), phone=("phone",),
    ),
    headers=("id", "opened", "kind"), time=TimeForms(("%d.%m.%Y %H:%M",)),
)  # fmt: skip
CSV = 'ID,Opened,Kind,Text,Street,Town,Lat,Lon\t\r\n7,03.04.2023 12:30,Noise,"a ""loud"" bar",Main St,Here,48.7,9.2\r\n'


def read(raw, name="export.csv", mapping=MAPPING):
    return export.read_recording(export.read_rows(raw, name), mapping)


def test_a_csv_row_becomes_a_complaint_at_its_recorded_time():
    (complaint,) = read(CSV.encode()).complaints
    assert complaint.time_ms == 1_680_517_800_000  # 12:30 in Berlin is 10:30 UTC in summer
    assert complaint.data == {
        "complaint": "7", "verb": "report", "text": 'Noise · a "loud" bar', "channel": "import",
        "lat": 48.7, "lon": 9.2, "address": "Main St, Here",
    }  # fmt: skip
    event = complaint.envelope("/replay/here", {"Noise": "noise"})
    assert (event.id, event.source, event.time) == ("7", "/replay/here", "2023-04-03T10:30:00Z")
    assert json.loads(event.data)["category"] == "noise"


def workbook():
    book, raw = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["ID", "Opened", "Kind", "Lat", "Lon"])
    book.active.append([7, "03.04.2023 12:30", "Noise", 48.7, 9.2])
    book.save(raw)
    return raw.getvalue()


ROW = {"id": 7, "opened": "03.04.2023 12:30", "kind": "Noise", "lat": 48.7, "lon": 9.2}
POINT = {"type": "Point", "coordinates": [9.2, 48.7]}
PROPERTIES = {name: value for name, value in ROW.items() if name not in ("lat", "lon")}


@pytest.mark.parametrize(
    "raw",
    [
        CSV.encode(),
        gzip.compress(CSV.encode()),
        b"\xef\xbb\xbf" + CSV.encode(),
        CSV.replace(",", ";").encode(),
        json.dumps([ROW]).encode(),
        json.dumps({"count": 1, "results": [ROW]}).encode(),
        json.dumps(ROW).encode() + b"\n\n" + json.dumps({**ROW, "opened": ""}).encode(),
        workbook(),
    ],
)
def test_every_form_gives_the_same_complaint(raw):
    complaint = read(raw).complaints[0]
    assert (complaint.id, complaint.category, complaint.time_ms) == ("7", "Noise", 1_680_517_800_000)
    assert (complaint.data["lat"], complaint.data["lon"]) == (48.7, 9.2)


def test_geojson_has_longitude_first_and_needs_no_columns_for_it():
    mapping = ExportMapping(
        key="g", zh="", en="", time_zone="Europe/Berlin", time=MAPPING.time,
        columns=ColumnNames(id=("id",), time=("opened",), text=("kind",)),
    )  # fmt: skip
    feature = {"type": "Feature", "geometry": POINT, "properties": PROPERTIES}
    raw = json.dumps({"type": "FeatureCollection", "features": [feature, {**feature, "geometry": None}]}).encode()
    first, second = read(raw, "g.geojson", mapping).complaints
    assert (first.data["lat"], first.data["lon"]) == (48.7, 9.2)
    assert "lat" not in second.data


@pytest.mark.parametrize(
    "features",
    [
        None,
        7,
        {"a": 1},
        [7],
        [{"type": "Feature", "geometry": "here", "properties": PROPERTIES}],
        [{"type": "Feature", "geometry": {"type": "Point", "coordinates": None}, "properties": PROPERTIES}],
        [{"type": "Feature", "geometry": {"type": "Point", "coordinates": 7}, "properties": [1]}],
    ],
)
def test_geojson_of_any_shape_is_rows(features):
    raw = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    assert read(raw, "g.geojson").rows == 1


BAD = [
    (b"7,someday,Noise,,,,48.7,9.2", "row_without_time"),
    (b"7,,Noise,,,,48.7,9.2", "row_without_time"),
    (b"7,03.04.2023 12:30,,,,,48.7,9.2", "row_without_text"),
    (b"7,03.04.2023 12:30,Noise,,,,north,9.2", "bad_row"),
    (b"7,03.04.2023 12:30,Noise,,,,148.7,9.2", "bad_row"),
    (b"7,03.04.2023 12:30,Noise,,,,nan,9.2", "bad_row"),
    (b"7,03.04.2023 12:30,Noise,,,,48.7,9.2,more,and more", "bad_row"),
    (b"7,03.04.2023 12:30,L\xe4rm,,,,48.7,9.2", "bad_encoding"),
    (b"7,03.04.2023 12:30," + b"x" * 2_500_000 + b",,,,48.7,9.2", "bad_row"),
]


@pytest.mark.parametrize(("line", "code"), BAD)
def test_a_bad_row_is_named_with_its_line_and_the_next_one_is_read(line, code):
    header, good = CSV.encode().split(b"\r\n")[:2]
    recording = read(b"\r\n".join([header, line, good.replace(b"7,", b"8,", 1)]))
    (bad,) = recording.unreadable
    assert (bad.code, bad.arguments["line"]) == (code, 2 if len(line) < 1000 else bad.arguments["line"])
    assert [complaint.id for complaint in recording.complaints] == ["8"]
    assert recording.rows == 2


LEFT_OPEN = """id,opened,kind,name,phone
1,03.04.2023 12:30,"two
lines",Ann Lee,0170 1234567
2,03.04.2023 12:31,"left open,Bea Lee,0170 1234568
3,03.04.2023 12:32,He said "so",Cy Lee,0170 1234569
4,03.04.2023 12:33,"a ""loud"" bar",Di Lee,0170 1234570
5,03.04.2023 12:34,"open at the end,Eve Lee,0170 1234571
{rest}"""


@pytest.mark.parametrize("rest", ["", "\n", "6,03.04.2023 12:35,Noise,Flo Lee,0170 1234572\n" * 300])
def test_a_quote_left_open_costs_its_own_row_alone(rest):
    recording = read(LEFT_OPEN.format(rest=rest).encode())
    assert [each.category for each in recording.complaints[:3]] == ["two\nlines", 'He said "so"', 'a "loud" bar']
    assert len(recording.complaints) == 3 + rest.count("6,")
    assert [(bad.code, bad.arguments["line"]) for bad in recording.unreadable] == [("bad_row", 4), ("bad_row", 7)]
    assert [json.loads(bad.raw) for bad in recording.unreadable] == [
        {"id": "2", "opened": "03.04.2023 12:31"}, {"id": "5", "opened": "03.04.2023 12:34"},
    ]  # fmt: skip


def test_headers_with_a_quote_left_open_are_said():
    with pytest.raises(CannotStart, match="headers cannot be read: a quote is left open"):
        read(b'id,"opened,kind\n7,03.04.2023 12:30,Noise\n')


def test_a_refused_row_does_not_show_whom_the_mapping_declares():
    raw = "id,opened,kind,text,name,phone\n7,someday,Noise,Hans Müller ruft an,Hans Müller,0170 1234567\n".encode()
    (bad,) = read(raw).unreadable
    assert json.loads(bad.raw) == {
        "id": "7", "opened": "someday", "kind": "Noise", "text": "H** ruft an", "name": "H**", "phone": "017****4567",
    }  # fmt: skip
    (bad,) = read(b'{"id":7,"name":"Hans Muller","opened":\n{"id":8}\n').unreadable[:1]
    assert (bad.arguments["line"], json.loads(bad.raw)) == (1, {})
    (bad,) = read(b"id,opened,kind,name,phone\n7,03.04.2023 12:30,Noise,x,Hans Muller,0170 1234567\n").unreadable
    assert (bad.code, json.loads(bad.raw)) == ("bad_row", {"id": "7", "opened": "03.04.2023 12:30", "kind": "Noise"})


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("formats", [(), ("%Y-%m-%d",)])
def test_the_first_and_the_last_day_of_the_calendar_cost_one_row(day, zone, twice, formats):
    mapping = msgspec.structs.replace(MAPPING, time_zone=zone, time=TimeForms(("%d.%m.%Y %H:%M", *formats), twice))
    raw = f"id,opened,kind\n1,{day},Noise\n2,{day}T23:59:59,Noise\n3,03.04.2023 12:30,Noise\n".encode()
    recording = export.read_recording(export.read_rows(raw, "x.csv"), mapping, 1_700_000_000_000)
    assert [each.id for each in recording.complaints] == ["3"]
    assert {bad.code for bad in recording.unreadable} <= {"bad_time", "time_ahead", "time_before_history"}


def test_a_damaged_workbook_is_said_in_a_sentence():
    book, raw = openpyxl.Workbook(), io.BytesIO()
    for number in range(500):
        book.active.append([number, "03.04.2023 12:30", f"Noise {number}"])
    book.save(raw)
    whole, said = raw.getvalue(), []
    for at in range(200, len(whole), 997):
        damaged = whole[:at] + b"\xff\x00<" * 5 + whole[at + 15 :]
        try:
            export.read_rows(damaged, "calls.xlsx")
        except CannotStart as error:
            said.append(str(error))
    assert said
    assert all("calls.xlsx cannot be read as a workbook" in one for one in said)


def test_rows_without_a_place_keep_their_address():
    header = CSV.split("\r\n")[0]
    for place in (",", "0,0", "48.7,", " , "):
        (complaint,) = read(f"{header}\n7,03.04.2023 12:30,Noise,,Main St,,{place}".encode()).complaints
        assert "lat" not in complaint.data
        assert complaint.data["address"] == "Main St"


def test_complaints_are_put_in_order_and_rows_without_a_number_are_known_by_what_they_say():
    raw = b"opened,kind\n03.04.2023 12:30,b\n01.04.2023 12:30,a\n03.04.2023 12:30,b\n"
    complaints = read(raw).complaints
    assert [complaint.category for complaint in complaints] == ["a", "b", "b"]
    assert complaints[1].id == complaints[2].id != complaints[0].id


def test_a_person_of_a_recording_is_handed_on_to_be_taken_out():
    raw = b"id,opened,kind,name,phone\n7,03.04.2023 12:30,Noise,Ann,13812345678\n"
    assert read(raw).complaints[0].data["reporter"] == {"name": "Ann", "phone": "13812345678"}


def test_times():
    assert export.recorded_time_ms("29.10.2023 02:30", MAPPING) == 1_698_539_400_000  # the first of the two
    assert export.recorded_time_ms("2023-04-03T12:30:00Z", MAPPING) == 1_680_525_000_000
    moved_twice = msgspec.structs.replace(MAPPING, time=TimeForms(MAPPING.time.formats, moved_twice=True))
    assert (
        export.recorded_time_ms("03.04.2023 12:30", moved_twice) == 1_680_510_600_000
    )  # in truth 10:30, two hours less
    assert export.recorded_time_ms("2023-04-03T12:30:00Z", moved_twice) == 1_680_525_000_000
    epoch = ExportMapping("e", "", "", "UTC", ColumnNames(("t",), ("x",)), time=TimeForms(("epoch_ms",)))
    assert export.recorded_time_ms("1680517800000", epoch) == 1_680_517_800_000
    with pytest.raises(BadPayload, match="row_without_time"):
        export.recorded_time_ms("nan", epoch)


@pytest.mark.parametrize(
    "raw",
    [b"\x1f\x8bnonsense", b"PK\x03\x04nonsense", "编号,时间\n1,2\n".encode("gb18030"), "id,opened\n".encode("utf-16")],
)
def test_a_broken_file_is_one_sentence(raw):
    with pytest.raises(CannotStart):
        export.read_rows(raw, "export.csv.gz")


@pytest.mark.parametrize(
    "text",
    ["nonsense", 'key = "x"', 'key="X Y"\nzh=""\nen=""\ntime_zone="UTC"\n[columns]\ntime=["a"]\ntext=["b"]',
     'key="x"\nzh=""\nen=""\ntime_zone="Mars/Base"\n[columns]\ntime=["a"]\ntext=["b"]',
     'key="x"\nzh=""\nen=""\ntime_zone="UTC"\nfoo=1\n[columns]\ntime=["a"]\ntext=["b"]'],
)  # fmt: skip
def test_a_broken_mapping_is_one_sentence(tmp_path, text):
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(CannotStart, match=r"m\.toml"):
        export.load_mapping(tmp_path / "m.toml")


def test_an_export_is_recognised_by_its_headers_in_any_spelling():
    assert len(export.known_mappings()) == 7
    for mapping in export.known_mappings():
        assert export.recognised([*mapping.headers, "more"]) is mapping
    rows = export.read_rows(b"Unique Key,Created Date,COMPLAINT TYPE,descriptor\n1,2,3,4\n", "x.csv")
    assert export.recognised(rows[0].cells).key == "nyc311"
    older = ["case_enquiry_id", "open_dt", "target_dt", "case_title", "type"]
    assert [export.recognised([*older, *more]).key for more in ([], ["sla_target_dt"])] == [
        "boston311_to_2022",
        "boston311",
    ]
    assert export.recognised(["id"]) is None


def test_the_city_of_a_recording():
    rows = [f"{n},03.04.2023 12:30,{'Lärm' if n % 3 else 'Müll'},,,,{48.7 + n / 10_000},{9.2}" for n in range(400)]
    rows += ["900,03.04.2023 12:30,Lärm!,,,,40.1,9.2"]  # a place on another continent
    complaints = read("\n".join([CSV.split("\r\n")[0].strip(), *rows]).encode()).complaints
    west, south, east, north = export.bounds_of(complaints)
    assert south > 48.6
    assert (west, east) == pytest.approx((9.18, 9.22))
    assert north < 48.8
    assert [(each.key, each.zh) for each in export.categories_of(complaints)] == [
        ("larm", "Lärm"), ("mull", "Müll"), ("larm_" + export.event_id("Lärm!")[:6], "Lärm!"),
    ]  # fmt: skip
    keys = export.keys_by_name(export.categories_of(complaints))
    assert keys["Lärm"] == keys["lärm"] == "larm"
    assert export.bounds_of([]) is None


RECORDED = {
    # set: files, rows, rows without a place, distinct numbers
    "nyc311": ("*.csv", 924, 11, 924),
    "boston311": ("*.gz", 15_632, 15, 15_632),
    "baltimore311": ("*.gz", 9115, 590, 9115),
    "buffalo311": ("*.gz", 7559, 1, 7559),
    "stuttgart311": ("*.gz", 62_110, 0, 61_631),
    "konstanz311": ("*.csv", 2132, 2, 2132),
}


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_set_is_read_whole(name):
    directory = Path(os.environ.get("COMIS_RECORDINGS", "")) / name
    if not os.environ.get("COMIS_RECORDINGS") or not directory.is_dir():
        pytest.skip(f"COMIS_RECORDINGS has no {name}")
    form, count, without_place, distinct = RECORDED[name]
    rows = [row for file in sorted(directory.glob(form)) for row in export.read_rows(file.read_bytes(), file.name)]
    mapping = export.recognised(rows[0].cells)
    assert mapping.key == name
    recording = export.read_recording(rows, mapping)
    assert (recording.rows, recording.unreadable) == (count, [])
    assert sum("lat" not in each.data for each in recording.complaints) == without_place
    assert len({each.id for each in recording.complaints}) == distinct
    west, south, east, north = widened(export.bounds_of(recording.complaints))
    assert east - west < 2
    assert north - south < 2
