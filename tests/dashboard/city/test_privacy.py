import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.city import privacy

KEY = b"a secret of one installation"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("请回电13812345678谢谢", "请回电138****5678谢谢"),
        ("+86 138 1234 5678", "138****5678"),
        ("固话 010-88881234", "固话 010****1234"),
        ("call +1 212 555 0147", "call 121****0147"),
        ("门牌 138 号,39.13812345678", "门牌 138 号,39.13812345678"),
        ("file a13812345678f.jpg", "file a13812345678f.jpg"),
        ("order 101001979543", "order 101001979543"),
        ("2022-05-01 12:00:03", "2022-05-01 12:00:03"),
        ("身份证 110101199003074514。", "身份证 110****4514。"),
        ("回信 wang.wu@example.com", "回信 w***@example.com"),
        ("Rückruf 0170 1234567 bitte", "Rückruf 017****4567 bitte"),
        ("0711/2345678, (0711) 234567", "071****5678, 071****4567"),
        ("Tel. 030 2345 6789.", "Tel. 030****6789."),
        ("01701234567 / 06 12 34 56 78", "017****4567 / 061****5678"),
        ("01512 345 67 89 or 020 7946 0958", "015****6789 or 020****0958"),
    ],
)
def test_only_what_is_surely_a_phone_is_masked_in_an_accepted_text(text, masked):
    assert privacy.mask_private(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "am 01/05/2024 um 08:30, 01.05.2024, 2024-05-01, 20240501",
        "0830 2024-05-01, 0830/20240501, 2024/0711/2345678",
        "案卷 #100123，编号 20240501-0012345，第 0012 号，045 路",
        "3 500 000 EUR, 12 345 678, 0.50 EUR, 0,5 km, 1 234.50",
        "Hauptstr. 171, 70173 Stuttgart, 010 Haus 12",
        "39.9087 116.3975, 0 116, 05 12",
        "0800 1200, 08:00-12:00, 030 12345",
    ],
)
def test_ordinary_numbers_stay(text):
    assert privacy.mask_private(text) == text


def test_a_refused_text_loses_long_numbers_and_mail_addresses_too():
    text = privacy.mask_text("8888 1234, ID 110101199003070000, wang.xm@example.org, on 2024-10-01")
    assert "8888 1234" not in text
    assert "110101199003070000" not in text
    assert "wang" not in text
    assert "2024-10-01" in text


@pytest.mark.parametrize(
    "reporter",
    [
        {"name": "王小明", "phone": "13812345678"},
        {"姓名": "王小明", "手机": 13812345678},
        "王小明 13812345678",
        {"ref": "x", "name": "王小明", "phone": "138-1234-5678"},
    ],
)
def test_name_and_phone_leave_the_event_whatever_form_they_came_in(reporter):
    raw = json.dumps({"complaint": "c1", "text": "噪声", "reporter": reporter}, ensure_ascii=False).encode()
    clean, record = privacy.without_person("city.complaint.reported", raw, KEY)
    assert record is not None
    assert record.name == "王小明"
    assert record.masked == "138****5678 / 王**"
    assert msgspec.json.decode(clean)["reporter"] == {"ref": record.ref, "masked": record.masked}
    assert "小明" not in clean.decode()
    assert "13812345678" not in clean.decode()


@pytest.mark.parametrize(
    "reporter",
    [
        {"ref": "王小明", "masked": ""},
        {"ref": "p-1", "masked": "王小明"},
        {"ref": "Ann Lee"},
        {"ref": "王小明", "masked": "138****5678"},
    ],
)
def test_a_name_in_the_place_of_its_reference_leaves_the_event(reporter):
    raw = json.dumps({"complaint": "c1", "text": "我是王小明", "reporter": reporter}, ensure_ascii=False).encode()
    clean, record = privacy.without_person("city.complaint.reported", raw, KEY)
    assert record is not None
    assert record.name in ("王小明", "Ann Lee")
    assert record.name not in clean.decode()
    assert privacy.without_person("city.complaint.reported", clean, KEY) == (clean, None)


@pytest.mark.parametrize("reporter", [{"ref": "crm-7781"}, {"ref": "crm-7781", "masked": "王** / 138****5678"}])
def test_a_reference_of_another_system_stays(reporter):
    raw = json.dumps({"complaint": "c1", "text": "噪声", "reporter": reporter}, ensure_ascii=False).encode()
    assert privacy.without_person("city.complaint.reported", raw, KEY) == (raw, None)


def test_the_same_person_has_the_same_reference_and_another_installation_another_one():
    one = privacy.person_record("王小明", "+86 138-1234-5678", KEY)
    again = privacy.person_record(" 王小明 ", "13812345678", KEY)
    elsewhere = privacy.person_record("王小明", "13812345678", b"another secret")
    assert one.ref == again.ref != elsewhere.ref


def test_an_event_without_a_person_is_returned_byte_for_byte():
    raw = b'{ "complaint": "c1", "text": "noise", "reporter": {"ref": "p-1", "masked": "138****5678"} }'
    assert privacy.without_person("city.complaint.reported", raw, KEY) == (raw, None)
    for other in (b'{"device": "13812345678"}', b"not json", b"\xff", b"[1]"):
        assert privacy.without_person("city.patrol.position", other, KEY) == (other, None)
        assert privacy.without_person("city.complaint.reported", other[:1] + other, KEY)[1] is None


def test_a_phone_hidden_in_the_reference_or_in_the_text_is_found():
    raw = b'{"text": "ring 13812345678", "reporter": {"ref": "13912345678"}}'
    clean, record = privacy.without_person("city.complaint.reported", raw, KEY)
    assert b"13812345678" not in clean
    assert b"13912345678" not in clean
    assert record is not None
    assert record.phone == "13912345678"
    clean, record = privacy.without_person("city.patrol.finding", '{"text": "业主13812345678"}'.encode(), KEY)
    assert clean == '{"text":"业主138****5678"}'.encode()
    assert record is None


def test_a_refused_payload_is_masked_by_field_and_stays_correctable():
    masked = privacy.mask_json(
        {
            "id": "54049402",
            "time": "2022-05-01T12:00:03Z",
            "data": {
                "lat": 39.13812345678,
                "complaint": "101001979543",
                "reporter": {"name": "王小明", "phone": 13812345678, "note": "住在三层"},
                "text": "电话 88881234",
                "mobile": "13812345678",
                "people": ["13912345678", {"caller": "李雷"}],
            },
        }
    )
    assert masked == {
        "id": "54049402",
        "time": "2022-05-01T12:00:03Z",
        "data": {
            "lat": 39.13812345678,
            "complaint": "101001979543",
            "reporter": {"name": "王**", "phone": "138****5678", "note": "住**"},
            "text": "电话 ****34",
            "mobile": "138****5678",
            "people": ["139****5678", {"caller": "李**"}],
        },
    }


def test_masking_ends_on_any_depth():
    deep = value = {}
    for _ in range(500):
        value["a"] = {}
        value = value["a"]
    assert "…" in json.dumps(privacy.mask_json(deep), ensure_ascii=False)


@pytest.mark.parametrize(
    "key",
    ["contactName", "reporter_phone", "Phone2", "联系电话", "user name", "投诉人", "申请人姓", "报案人", "Melder"],
)
def test_foreign_words_for_a_name_and_a_phone_are_understood(key):
    assert "小明" not in json.dumps(privacy.mask_json({key: "王小明"}), ensure_ascii=False)


@given(st.text(alphabet="0138-+ ()86.王a*", max_size=80))
def test_masking_what_is_masked_changes_nothing(text):
    once = privacy.mask_private(text)
    assert privacy.mask_private(once) == once
    raw = msgspec.json.encode({"text": text, "reporter": text})
    clean, _ = privacy.without_person("city.complaint.reported", raw, KEY)
    assert privacy.without_person("city.complaint.reported", clean, KEY) == (clean, None)


def test_the_name_of_the_reporter_leaves_the_text_too():
    data = {"text": "我是王小明，请回电", "reporter": {"name": "王小明", "phone": "13812345678"}}
    clean, record = privacy.without_person("city.complaint.reported", json.dumps(data).encode(), KEY)
    assert json.loads(clean)["text"] == "我是王**，请回电"
    assert record.name == "王小明"
    assert privacy.without_person("city.complaint.reported", clean, KEY) == (clean, None)


@pytest.mark.parametrize(
    ("names", "masked"),
    [
        (["Ann Lee"], "A** saw Lea; Annex stays, 王小明 too"),
        (["王小明"], "Ann Lee saw Lea; Annex stays, 王** too"),
        (["Ann"], "Ann Lee saw Lea; Annex stays, 王小明 too"),  # too short to be sure
        ([""], "Ann Lee saw Lea; Annex stays, 王小明 too"),
    ],
)
def test_a_known_name_is_masked_where_it_stands_as_a_word(names, masked):
    assert privacy.without_names("Ann Lee saw Lea; Annex stays, 王小明 too", names) == masked


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "gb18030"])
def test_bytes_of_another_encoding_are_read_so_that_people_in_them_are_found(encoding):
    text = '{"name":"王小明","text":"王小明 13812345678"}'
    masked = privacy.mask_broken(privacy.readable(text.encode(encoding)))
    assert "小明" not in masked
    assert "13812345678" not in masked
