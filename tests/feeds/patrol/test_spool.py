from feeds.patrol import spool as module
from feeds.patrol.spool import Spool

POSITION = {"type": "position", "lat": 39.9, "lon": 116.4}
FEEDBACK = {"type": "feedback", "assignment": "a", "step": "seen"}


def test_what_is_not_answered_outlives_the_process(tmp_path):
    path = tmp_path / "spool"
    before = Spool(path)
    assert [before.add(FEEDBACK), before.add(POSITION), before.add(FEEDBACK)] == [1, 2, 3]
    before.answered(2)
    after = Spool(path)
    assert after.boot == before.boot
    assert list(after.waiting.items()) == [(1, {**FEEDBACK, "id": 1}), (3, {**FEEDBACK, "id": 3})]
    assert after.add(POSITION) == 4


def test_the_counter_goes_on_when_all_was_answered(tmp_path):
    path = tmp_path / "spool"
    spool = Spool(path)
    for number in (1, 2, 3):
        spool.add(FEEDBACK)
        spool.answered(number)
    assert Spool(path).add(FEEDBACK) == 4
    assert Spool(path).add(FEEDBACK) == 5


def test_a_line_cut_by_a_power_loss_is_passed_over(tmp_path):
    path = tmp_path / "spool"
    Spool(path).add(FEEDBACK)
    with path.open("ab") as file:
        file.write(b'{"message":{"type":"fee')
    assert list(Spool(path).waiting) == [1]


def test_without_a_file_a_new_life_has_another_name():
    assert Spool().boot != Spool().boot


def test_only_old_positions_are_dropped(monkeypatch):
    monkeypatch.setattr(module, "MOST_POSITIONS", 2)
    spool = Spool()
    spool.add(FEEDBACK)
    for _ in range(3):
        spool.add(POSITION)
    assert list(spool.waiting) == [1, 3, 4]
    assert spool.dropped == [2]


def test_the_file_does_not_grow_for_ever(tmp_path):
    spool = Spool(tmp_path / "spool")
    for number in range(1, 1200):
        spool.add(POSITION)
        spool.answered(number)
    assert (tmp_path / "spool").stat().st_size < 100_000
