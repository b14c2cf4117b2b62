/** The city clock, and time in words. City time comes from the channel's heartbeat; between two of them it runs at the city's rate. */

const DAY_MS = 86_400_000;
let zone = "UTC";
let offsets = new Map();
const en = () => (window.comis?.lang ?? "zh") === "en";

/** The time zone of the city, an IANA name. */
export function setZone(name) {
  zone = name || "UTC";
  offsets = new Map();
}

/** Offset of the city's zone from UTC at a time, ms; asked of the browser once per quarter of an hour. */
function offset(ms) {
  const key = Math.floor(ms / 900_000);
  let value = offsets.get(key);
  if (value === undefined) {
    const parts = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    }).formatToParts(key * 900_000);
    const p = Object.fromEntries(parts.map(({ type, value: v }) => [type, Number(v)]));
    value = Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - key * 900_000;
    offsets.set(key, value);
    if (offsets.size > 2000) offsets = new Map();
  }
  return value;
}

const two = (n) => String(n).padStart(2, "0");
const local = (ms) => new Date(ms + offset(ms));

/** "19:42:08" in the city. */
export function timeOfDay(ms) {
  if (!Number.isFinite(ms)) return "–";
  const d = local(ms);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
}
export function hourMinute(ms) {
  if (!Number.isFinite(ms)) return "–";
  const d = local(ms);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
}
const WEEK = {
  zh: ["周日", "周一", "周二", "周三", "周四", "周五", "周六"],
  en: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
};
const MONTH = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** "10月2日 周五", "Fri 2 Oct". */
export function date(ms) {
  const d = local(ms);
  return en()
    ? `${WEEK.en[d.getUTCDay()]} ${d.getUTCDate()} ${MONTH[d.getUTCMonth()]}`
    : `${d.getUTCMonth() + 1}月${d.getUTCDate()}日 ${WEEK.zh[d.getUTCDay()]}`;
}
/** "2012年10月2日", "2 Oct 2012". */
export function longDate(ms) {
  const d = local(ms);
  return en()
    ? `${d.getUTCDate()} ${MONTH[d.getUTCMonth()]} ${d.getUTCFullYear()}`
    : `${d.getUTCFullYear()}年${d.getUTCMonth() + 1}月${d.getUTCDate()}日`;
}
/** A time today as "19:42:08"; of another day with its date. */
export function moment(ms, now) {
  const same = Math.floor((ms + offset(ms)) / DAY_MS) === Math.floor((now + offset(now)) / DAY_MS);
  return same ? timeOfDay(ms) : `${date(ms)} ${hourMinute(ms)}`;
}

/** "4:48", "1:07:00": a duration as a clock, without sign. */
export function clock(seconds) {
  const a = Math.abs(Math.round(seconds)),
    hours = Math.floor(a / 3600),
    rest = `${Math.floor(a / 60) % 60}`;
  if (a >= 86_400) return span(a);
  return hours ? `${hours}:${two(Math.floor(a / 60) % 60)}:${two(a % 60)}` : `${rest}:${two(a % 60)}`;
}

/** "4 秒", "12 分", "3 时", "2 天": as short as it can be. */
export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (!Number.isFinite(s)) return "–";
  if (s < 60) return en() ? `${s} s` : `${s} 秒`;
  if (s < 3600) return en() ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 60)} 分`;
  if (s < 86_400) return en() ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 3600)} 时`;
  return en() ? `${Math.floor(s / 86_400)} d` : `${Math.floor(s / 86_400)} 天`;
}
/** "2 分 10 秒", "2 min 10 s": for a sentence. */
export function long(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60 || s >= 3600 || s % 60 === 0) return span(s);
  return en() ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 60)} 分 ${s % 60} 秒`;
}
/** "16 分前", "16 min ago". */
export const ago = (seconds) => (en() ? `${span(seconds)} ago` : `${span(seconds)}前`);
/** "640 m", "1.2 km". */
export const metres = (m) => (m < 1000 ? `${Math.round(m / 10) * 10} m` : `${(m / 1000).toFixed(1)} km`);

const LEAP_MS = 3000; // three heartbeats

/** City time, told by heartbeats and run on between them. A clock that nobody tells any more, and that does not run at rate 1, stands still. */
export class CityClock {
  /** `city`: city time as last told; `now()` runs on from it. */
  constructor(now = () => performance.now()) {
    this.tick = now;
    this.city = null;
    this.rate = 1;
    this.told = 0;
    this.source = "live";
    this.leapt = -Infinity;
  }
  /** @param {{city_now: number, rate: number, source?: string}} heartbeat */
  tell(heartbeat) {
    if (this.rate === 0 && heartbeat.rate === 0 && heartbeat.city_now !== this.city) this.leapt = this.tick();
    this.city = heartbeat.city_now;
    this.rate = heartbeat.rate ?? 1;
    this.source = heartbeat.source ?? "live";
    this.told = this.tick();
  }
  /** Whether the clock stands and is set forward again and again, as a replay at full speed does. */
  leaps() {
    return this.rate === 0 && this.tick() - this.leapt < LEAP_MS;
  }
  known() {
    return this.city !== null;
  }
  now() {
    if (this.city === null) return Date.now();
    const since = this.tick() - this.told;
    return this.city + (this.rate === 1 ? since : Math.min(since, 1500) * this.rate);
  }
}
