import json

from dashboard.city.events import Complaint, decode_data
from dashboard.city.places import distance_m
from feeds.complaint.decode import decode
from feeds.complaint.simulate import Callers
from feeds.truth import Happening, Problem
from tests.feeds.simulated import NOON_MS, PACK, SCRIPT, VOICES

CALLERS = Callers(SCRIPT, VOICES, PACK, seed=1)
PROBLEM = Problem("p", "unlicensed_vending", 39.9355, 116.3972, "nanluoguxiang", NOON_MS, NOON_MS + 1)
CALLS = [CALLERS.call(Happening(NOON_MS, "told", PROBLEM, number)) for number in range(600)]


def test_the_same_person_says_the_same() -> None:
    assert Callers(SCRIPT, VOICES, PACK, seed=1).call(Happening(NOON_MS, "told", PROBLEM, 5)) == CALLS[5]
    assert Callers(SCRIPT, VOICES, PACK, seed=2).call(Happening(NOON_MS, "told", PROBLEM, 5)) != CALLS[5]


def test_most_speak_chinese_and_name_the_place() -> None:
    english = sum("Nanluoguxiang" in call.text for call in CALLS)
    chinese = sum("南锣鼓巷" in call.text for call in CALLS)
    assert english + chinese == len(CALLS)
    assert 0.06 < english / len(CALLS) < 0.2


def test_places_are_a_little_off_and_some_are_missing() -> None:
    away = [distance_m(call.lat, call.lon, PROBLEM.lat, PROBLEM.lon) for call in CALLS if call.lat is not None]
    assert 9 < min(away) < max(away) < 81
    nowhere = [call for call in CALLS if call.lat is None]
    assert 0.02 < len(nowhere) / len(CALLS) < 0.09
    assert all(call.address for call in nowhere)


def test_the_door_takes_a_call_and_keeps_the_person_out_of_the_event() -> None:
    event, (name, phone) = decode(json.dumps(CALLS[0].body()).encode(), NOON_MS)
    data = decode_data(event.type, event.data)
    assert isinstance(data, Complaint)
    assert data.complaint == CALLS[0].complaint
    assert (name, phone) == (CALLS[0].name, CALLS[0].phone)
    assert phone.startswith("100")
    written = CALLS[0].event()
    assert name.encode() not in written.data
    assert phone.encode() not in written.data
    assert isinstance(decode_data(written.type, written.data), Complaint)


def test_talk_is_never_a_report() -> None:
    verbs = [CALLERS.talk(Happening(NOON_MS, "talk", None, number)) for number in range(100)]
    assert {call.verb for call in verbs} == {"consult", "propose", "rectify"}
    assert all(call.category == "" and call.lat is None for call in verbs)


def test_every_class_of_the_script_has_words_and_every_word_can_be_said() -> None:
    for kind in SCRIPT.kinds:
        for number in range(12):
            problem = Problem("p", kind.category, 39.9, 116.4, "wangfujing", NOON_MS, NOON_MS + 1)
            text = CALLERS.call(Happening(NOON_MS, "told", problem, number)).text
            assert text
            assert "{" not in text
