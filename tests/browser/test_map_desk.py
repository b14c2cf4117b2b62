"""What a person does with the console's map: pointer, list of what is in view, layers, measure, a found place."""

from __future__ import annotations

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import Screen
from tests.browser.test_later import an_alert
from tests.waiting import until

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=alert(1)>"
ON_PAGE = """
const box = document.querySelector('#dispatch-map').getBoundingClientRect();
return [Math.round(box.x + arguments[0]), Math.round(box.y + arguments[1])]"""
LISTED = "return [...document.querySelectorAll('#map-list li')].map((one) => one.lastElementChild.innerText)"
FOCUS = "return document.activeElement.id"
AT = """
const at = document.activeElement.getAttribute('aria-activedescendant');
return document.getElementById(at)?.lastElementChild.innerText"""


def mouse(screen: Screen, x: float, y: float, *, click: bool = False) -> None:
    """The pointer at a point of the map."""
    page_x, page_y = screen.run(ON_PAGE, x, y)
    for kind in ("mouseMoved", *(("mousePressed", "mouseReleased") if click else ())):
        event = {"type": kind, "x": page_x, "y": page_y, "button": "left" if kind != "mouseMoved" else "none"}
        screen.chrome.execute_cdp_cmd("Input.dispatchMouseEvent", {**event, "clickCount": int(kind != "mouseMoved")})


def place(screen: Screen, x: float, y: float) -> tuple[float, float]:
    at = screen.run(
        "const at = comis.city_map.leaflet.containerPointToLatLng([...arguments]); return [at.lat, at.lng]", x, y
    )
    return at[0], at[1]


def there(screen: Screen, id_: str) -> dict[str, float]:
    return screen.run("return comis.city_map.layers.get('incidents').where(arguments[0])", id_)


def put(screen: Screen, number: int, at: tuple[float, float], **how: Any) -> dict[str, Any]:
    """An incident at a place, told to everybody."""
    city, do = screen.stage.city, screen.stage.do
    words = {"zh": how.pop("where", "测试路"), "en": how.pop("where_en", "Test Road")}
    row: dict[str, Any] = do(city.incident, number, "road_damage", *at, words["zh"], words["en"], **how)
    do(city.commit, "incident_reported", {"incidents": {row["id"]: row}})
    screen.wait("return comis.city_map.slots.incidents.has(arguments[0])".replace("arguments[0]", f"'{row['id']}'"))
    return row


def test_what_lies_on_each_other_is_told_listed_taken_apart_and_the_tip_stays_with_its_thing(screen: Screen) -> None:
    city, do = screen.stage.city, screen.stage.do
    screen.open("/dispatch?as=dispatcher:2:x&lang=en")
    screen.wait("return comis.city_map?.slots.incidents.size > 0")
    screen.run("comis.city_map.leaflet.setView([39.75, 116.1], 12, {animate: false})")  # nothing else is there
    spot = place(screen, 300, 300)
    put(screen, 2001, spot, priority=3)
    put(screen, 2002, (spot[0], spot[1] + 0.0004), priority=2, where=EVIL, where_en=EVIL)
    put(screen, 2003, (spot[0] + 0.0003, spot[1]), priority=1, acknowledged=False)
    hit = "return comis.city_map.pick(comis.city_map.layers.get('incidents').where('i2003'))"
    screen.wait(hit.replace("return", "return (").rstrip() + "?.members?.length === 3)")
    assert screen.run(hit)["members"] == ["i2003", "i2002", "i2001"]
    # A pointer over it names them all, the worst first, as text.
    at = there(screen, "i2003")
    mouse(screen, at["x"], at["y"])
    screen.says("#dispatch-overlay .tip", "3 incidents here")
    tip = screen.text("#dispatch-overlay .tip")
    assert tip.index("#2003") < tip.index("#2002") < tip.index("#2001")
    assert EVIL in tip
    # A second one of the same urgency is counted by itself.
    put(screen, 2004, spot, priority=1, acknowledged=False)
    number = "return [...comis.city_map.layers.get('incidents').counts.values()].length && comis.city_map.atlas.sprites"
    screen.wait(number + ".has('x2+2ink-111.510')")
    # A click looks closer until they stand apart; those in one place are listed.
    mouse(screen, at["x"], at["y"], click=True)
    screen.wait("return comis.city_map.locked && comis.city_map.zoom >= 14")
    screen.wait(
        "const {clusters} = comis.city_map.layers.get('incidents'); "
        "return clusters.of('i2002').length === 1 && clusters.of('i2004').length === 2"
    )
    at = there(screen, "i2004")
    mouse(screen, at["x"], at["y"], click=True)
    screen.wait("return !document.querySelector('.maplist').hidden")
    assert [line.split()[0] for line in screen.run(LISTED)] == ["#2004", "#2001"]
    screen.key(Keys.ARROW_DOWN, Keys.ENTER)
    screen.wait("return comis.city_map.selected?.id === 'i2001'")
    assert screen.run("return comis.city_map.layers.get('incidents').clusters.of('i2004')") == ["i2004"]
    # The tip of a thing that moves goes with it, and says when it has gone.
    screen.key(Keys.ESCAPE, Keys.ESCAPE)
    screen.run("comis.city_map.leaflet.setView([39.75, 116.1], 14, {animate: false})")
    row = put(screen, 2010, place(screen, 200, 200), priority=2)
    mouse(screen, 200, 200)
    screen.says("#dispatch-overlay .tip", "#2010")
    first = screen.run("return document.querySelector('#dispatch-overlay .tip').style.transform")
    lat, lon = place(screen, 420, 360)
    do(city.commit, "incident_moved", {"incidents": {"i2010": {**row, "lat": lat, "lon": lon, "version": 2}}})
    screen.wait(f"return document.querySelector('#dispatch-overlay .tip').style.transform !== '{first}'")
    moved = screen.run("return document.querySelector('#dispatch-overlay .tip').style.transform")
    assert moved == "translate(434px, 374px)"
    screen.run("comis.city_map.select({table: 'incidents', id: 'i2010'})")
    screen.wait("const {pointers} = comis.city_map.slots; return pointers.has('on') && !pointers.has('on words')")
    closed = {**row, "lat": lat, "lon": lon, "state": "closed", "version": 3}
    do(city.commit, "incident_closed", {"incidents": {"i2010": closed}})
    screen.says("#dispatch-overlay .tip", "no longer on the map")
    assert "#2010" in screen.text("#dispatch-overlay .tip")
    screen.wait("return comis.city_map.slots.pointers.has('on words')")  # what is selected stays pointed out
    mouse(screen, 500, 100)
    screen.wait("return document.querySelector('#dispatch-overlay .tip').hidden")


PLATES = """
const map = comis.city_map, teams = ['team-01', 'team-02', 'team-03', 'team-04'],
  from = (k) => { const at = map.leaflet.containerPointToLatLng([150 + 3 * k, 200 + 4 * k]); return [at.lat, at.lng]; };
map.advise(new Map(teams.map((id, k) => [id, { words: '20 min', best: k === 0 }])),
  new Map(teams.map((id, k) => [id, [from(k), from(60)]])));
map.draw();
const pointers = map.layers.get('pointers');
const found = [...pointers.slots].filter(([id]) => id.startsWith('flag')).map(([id, slot]) => {
  const { x, y } = pointers.where(id), { w, h } = map.picture.sprite[slot];
  return [id, x, y, w / map.ratio, h / map.ratio];
});
map.advise(new Map(), new Map());
return found"""


def test_keys_alone_list_what_is_in_view_switch_layers_measure_and_find_a_place(screen: Screen) -> None:
    city, do = screen.stage.city, screen.stage.do
    screen.open("/dispatch?as=dispatcher:2:x&lang=en")
    screen.wait("return comis.city_map?.slots.incidents.size > 30 && comis.city_map.zoom > 0")
    # The list keeps the focus while rows come, change and go.
    screen.key("[")
    assert screen.run(FOCUS) == "map-list"
    listed = screen.run(LISTED)
    assert [line[:5] for line in listed[:3]] == ["#1800", "#1806", "#1811"]  # priority one, the unacknowledged first
    assert screen.run("return document.querySelector('#map-list').getAttribute('role')") == "listbox"
    screen.key(Keys.ARROW_DOWN)
    assert screen.run(AT).startswith("#1806")
    put(screen, 2001, place(screen, 300, 300), priority=2)
    screen.wait("return document.querySelector('#map-list').innerText.includes('#2001')")
    row = {**city.rows["incidents"]["i1806"], "state": "closed", "version": 9}
    do(city.commit, "incident_closed", {"incidents": {"i1806": row}})
    until(lambda: screen.run(AT).endswith("no longer on the map"))
    assert screen.run(FOCUS) == "map-list"
    assert [line[:5] for line in screen.run(LISTED)[:3]] == ["#1800", "#1806", "#1811"]  # nothing moved
    screen.key(Keys.ARROW_DOWN, Keys.ENTER)
    screen.wait("return comis.city_map.selected?.id === 'i1811'")
    assert screen.run(FOCUS) == "map-list"
    screen.key(Keys.ESCAPE)
    screen.wait("return document.querySelector('.maplist').hidden")
    burst = an_alert(screen, "a1", "crowd@39.9,116.4", kind="burst", rule="complaint_burst", state="acknowledged")
    do(city.commit, "alert_raised", {"alerts": {"a1": burst}})
    screen.wait("return comis.store.tables.alerts.has('a1')")
    said = screen.run("return comis.city_map.layers.get('alerts').describe('a1')")
    assert said == "Burst of complaints of one kind, Shichahai, Active, acknowledged"  # as the queue says it
    # Layers by keys alone; remembered, and said on the map.
    screen.key("]", Keys.ARROW_DOWN, Keys.SPACE)
    screen.says("#dispatch-mapbox .maptop", "Not shown: Sensors")
    screen.wait("return comis.city_map.slots.cells.size === 0")
    screen.key(Keys.ARROW_DOWN, Keys.SPACE)
    screen.wait("return comis.city_map.layers.get('heat').on")
    heat = "return [...comis.city_map.layers.get('heat').sheet.getContext('2d').getImageData(0, 0, 999, 999).data]"
    until(lambda: any(screen.run(heat + ".filter((v, k) => k % 4 === 3 && v > 0)")))
    screen.key(Keys.ESCAPE)
    screen.open("/dispatch?as=dispatcher:2:x&lang=zh")
    screen.says("#dispatch-mapbox .maptop", "未显示：传感器")
    assert screen.run("return comis.city_map.layers.get('heat').on")
    screen.click("#dispatch-mapbox .maptop .chip:not([hidden])")
    screen.wait("return comis.city_map.layers.get('sensors').on")
    screen.run("localStorage.removeItem('comis.layers')")
    # Two points a known way apart; nothing is picked meanwhile.
    screen.key("'")
    screen.run("comis.city_map.leaflet.setView([39.75, 116.1], 14, {animate: false})")
    mouse(screen, 200, 300, click=True)
    mouse(screen, 400, 300, click=True)
    way = screen.run(
        "const m = comis.city_map.leaflet; "
        "return m.distance(m.containerPointToLatLng([200, 300]), m.containerPointToLatLng([400, 300]))"
    )
    screen.says("#dispatch-mapbox .measured", f"{way / 1000:.2f}"[:3])
    screen.wait("return document.querySelectorAll('.measuretip').length === 1")
    assert screen.run("return comis.city_map.selected") is None
    screen.key(Keys.ENTER, Keys.ARROW_LEFT, Keys.ENTER)  # by keys: under the cross, 60 px apart
    screen.wait("return document.querySelectorAll('.measuretip').length === 3")
    leg = screen.run(
        "return comis.mapdesk.measure.points.slice(-2).map(([lat, lon]) => comis.city_map.point(lat, lon).x)"
    )
    assert leg[0] - leg[1] == pytest.approx(60, abs=1.5)
    screen.key(Keys.ESCAPE)
    screen.wait("return !document.querySelector('.measuretip') && !comis.city_map.measuring")
    # A place by either of its names.
    for said in ("天桥", "Tianqiao"):
        screen.key("/", said, Keys.ENTER)
        screen.wait("return comis.city_map.ringed?.words === '天桥' && comis.city_map.slots.pointers.has('ring')")
        screen.key(Keys.ESCAPE)
        screen.wait("return comis.city_map.ringed === null && !comis.city_map.slots.pointers.has('ring')")
    # Minutes of the advice lie on each other on no way, and the best has its place.
    plates = screen.run(PLATES)
    assert next(name for name, *_ in plates) == "flag team-01"
    assert len(plates) >= 3
    for k, (_, x, y, w, h) in enumerate(plates):
        assert all(abs(x - ox) >= (w + ow) / 2 or abs(y - oy) >= (h + oh) / 2 for _, ox, oy, ow, oh in plates[k + 1 :])
    # An incident that is asked for is shown, though a hand holds the view elsewhere.
    screen.run("comis.city_map.hold(); comis.city_map.leaflet.setView([39.6, 115.9], 14, {animate: false})")
    screen.key("/", "1800", Keys.ENTER)
    screen.wait(
        "return comis.city_map.inView().some(({id}) => id === 'i1800') && comis.city_map.selected?.id === 'i1800'"
    )
