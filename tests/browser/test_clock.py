"""The clock that screens show, in words: run in the browser, by its own modules."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Screen

pytestmark = pytest.mark.browser

SAID = """
const done = arguments[arguments.length - 1];
(async () => {
  const {CityClock} = await import("/assets/live/time.mjs"), {clockWords} = await import("/assets/live/honesty.mjs");
  let now = 0;
  const clock = new CityClock(() => now);
  return arguments[0].map(([at, city_now, rate]) => {
    now = at;
    if (city_now !== null) clock.tell({city_now, rate, source: "replay"});
    return clockWords(clock).split(/[,，] ?/).pop();
  });
})().then(done, (error) => done(String(error)));
"""


def test_a_clock_that_is_set_forward_step_by_step_is_not_called_paused(screen: Screen) -> None:
    screen.open("/?lang=en")
    told = [(0, 0, 600), (1000, 600_000, 0), (2000, 600_000, 0), (3000, 660_000, 0), (5900, None, 0), (6100, None, 0)]
    said = screen.chrome.execute_async_script(SAID, told)
    assert said == ["×600", "paused", "paused", "at full speed", "at full speed", "paused"]
