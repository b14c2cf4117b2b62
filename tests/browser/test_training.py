"""A training is marked on every page, and its score is there at its end."""

import pytest

from dashboard import words
from tests.browser.conftest import Screen, Stage

pytestmark = pytest.mark.browser

BAND = ".band"
MEASURES = [
    {"key": "first_touch", "unit": "percent", "good": "high", "target": 90, "weight": 30},
    {"key": "detour_min", "unit": "min", "good": "low", "target": 2, "weight": 15},
]


def training(stage: Stage, **changes) -> None:
    """The row of a training as everybody gets it."""
    city = stage.city
    now_ms = city.now_ms
    blank = [{**measure, "value": None, "n": 0, "points": None} for measure in MEASURES]
    row = {
        "id": "x1", "state": "running", "by": "administrator/simulation/simulation", "source": "simulation",
        "began_ms": now_ms - 60_000, "ends_ms": now_ms + 600_000, "points": None, "score": blank, "worst": [],
        "version": 1, **changes,
    }  # fmt: skip
    stage.do(city.commit, "training_began", {"trainings": {"x1": row}})


@pytest.mark.parametrize("path", ["/", "/dispatch?as=dispatcher", "/wall", "/sources", "/training"])
def test_every_page_says_that_it_is_a_training(screen: Screen, stage: Stage, path: str) -> None:
    screen.open(path)
    assert screen.text(BAND) == ""
    training(stage)
    screen.says(BAND, words.say("training.goes_on", "zh"))
    box = (
        "const r = document.querySelector(arguments[0]).getBoundingClientRect(); return [r.top, r.bottom, innerHeight]"
    )
    top, bottom, _ = screen.run(box, BAND)
    assert (top, bottom >= 28) == (0, True)
    page_top, page_bottom, high = screen.run(box, ".page")
    assert page_top >= bottom - 1
    if path.startswith(("/dispatch", "/wall")):
        assert page_bottom <= high + 1  # nothing is pushed out of the screen


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_score_is_there_at_the_end(screen: Screen, stage: Stage, lang: str) -> None:
    screen.open(f"/training?lang={lang}")
    screen.says("#training-state", words.say("training.none", lang))
    training(stage)
    screen.says("#training-score", words.say("measure.first_touch", lang))
    incident = next(iter(stage.city.rows["incidents"].values()))
    score = [
        {**MEASURES[0], "value": 33.3, "n": 3, "points": 37.0},
        {**MEASURES[1], "value": 1.5, "n": 8, "points": 100},
    ]
    late = {"measure": "first_touch", "incident": incident["id"], "number": incident["number"], "late_s": 95}
    training(stage, state="ended", points=58.0, score=score, worst=[late], version=2)
    screen.says("#training-state", "58")
    screen.says("#training-score", "33.3 %")
    screen.says("#training-worst", f"#{incident['number']}")
    screen.says("#training-worst", {"zh": "多用 1 分 35 秒", "en": "1 min 35 s too long"}[lang])
    assert "58" in screen.text(BAND)
