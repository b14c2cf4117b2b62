"""Why something from outside was not taken, in words: a sentence in Chinese and in English by code.

`{name}` in a sentence is an argument of the refusal. Knows no door and no city; the table in
`docs/events.md` is made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SENTENCES: Final[dict[str, tuple[str, str]]] = {
    # what is wrong with an event, at every door
    "unknown_type": ("不认识的事件类型“{type}”。", "Unknown event type “{type}”."),
    "bad_encoding": ("文字不是 UTF-8 编码。", "The text is not UTF-8."),
    "bad_json": ("不是可读的 JSON：{detail}", "This is not readable JSON: {detail}"),
    "bad_data": ("数据不符合约定：{detail}", "The data does not keep the contract: {detail}"),
    "half_a_place": (
        "只有经度或只有纬度，两者须同时给出。",
        "Only one of lat and lon was given; both or none are needed.",
    ),
    "bad_time": ("“{time}”不是 RFC 3339 时间。", "“{time}” is not an RFC 3339 time."),
    "time_without_zone": (
        "时间“{time}”没有时区；请加上例如 +08:00。",
        "“{time}” has no time zone; add it, for instance +08:00.",
    ),
    "time_before_history": (
        "事件时间早于 2005 年，设备时钟多半不对。",
        "The event is from before 2005: the clock of the sender is probably wrong.",
    ),
    "time_ahead": ("事件时间比城市时钟超前 5 分钟以上。", "The event is more than 5 minutes ahead of the city clock."),
    "time_too_old": ("事件时间落后城市时钟 7 天以上。", "The event is more than 7 days behind the city clock."),
    "swapped_place": (
        "经纬度颠倒了：lat {lat}、lon {lon} 对调后才在本市范围内。",
        "Latitude and longitude are interchanged: lat {lat}, lon {lon} lies in this city only the other way round.",
    ),
    "outside_city": ("lat {lat}、lon {lon} 不在本市范围内。", "lat {lat}, lon {lon} is outside of this city."),
    "missing_field": ("缺少“{field}”。", "“{field}” is missing."),
    "field_too_long": ("“{field}”超过 {limit} 个字符。", "“{field}” is longer than {limit} characters."),
    # what is wrong with a delivery by HTTP
    "bad_envelope": ("信封不是 CloudEvents 1.0：{detail}", "The envelope is not CloudEvents 1.0: {detail}"),
    "empty_batch": ("没有任何事件。", "There is no event in it."),
    "batch_too_long": ("一次最多 {limit} 条，收到 {count} 条。", "At most {limit} items at a time; {count} came."),
    "too_large": ("内容超过 {limit_bytes} 字节。", "The body is larger than {limit_bytes} bytes."),
    "too_slow": ("内容传输超过 {limit_s} 秒。", "The body took longer than {limit_s} s to arrive."),
    "media_type": (
        "不接受“{content_type}”；可用：{expected}。",
        "“{content_type}” is not taken here; use one of {expected}.",
    ),
    "not_a_photo": ("不是 JPEG、PNG 或 WebP 照片。", "This is not a JPEG, PNG or WebP photo."),
    "not_found": ("没有这个地址。", "There is nothing at this address."),
    "method_not_allowed": ("此地址只接受 {allowed}。", "This address takes {allowed} only."),
    "internal": (
        "内部出错，已记入日志；请稍后重发。",
        "Something failed on our side and was logged; please send it again later.",
    ),
    # what is wrong with a device
    "bad_frame": ("读不懂的消息：{detail}", "The message cannot be read: {detail}"),
    "hello_first": ("请先发送 hello。", "Say hello first."),
    "hello_twice": ("hello 只能发一次。", "Hello is said once."),
    "unknown_device": ("设备或令牌不对。", "The device or its token is wrong."),
    "newer_connection": (
        "同一设备已在别处连接，此连接关闭。",
        "The same device has connected anew; this connection is closed.",
    ),
    "not_its_own": ("“{field}”不是本设备的。", "“{field}” is not this device's own."),
    # what is wrong with a row of a recording
    "row_without_time": ("第 {line} 行没有可读的时间：“{time}”。", "Line {line} has no readable time: “{time}”."),
    "row_without_text": ("第 {line} 行没有内容。", "Line {line} says nothing."),
    "bad_row": ("第 {line} 行读不了：{detail}", "Line {line} cannot be read: {detail}"),
    # the store
    "store_silent": (
        "消息库没有应答，什么也没有收下；请稍后重发。",
        "The store does not answer; nothing was taken. Send it again later.",
    ),
    "store_full": ("消息库已满，什么也没有收下。", "The store is full; nothing was taken."),
    "store_refused": ("消息库拒绝写入，什么也没有收下。", "The store refused to write; nothing was taken."),
}


class _Gaps(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "–"


def sentence(code: str, arguments: Mapping[str, Any]) -> dict[str, str]:
    """The sentence of a code as `{zh, en}`; an unknown code is its own sentence."""
    zh, en = SENTENCES.get(code, (code, code))
    fill = _Gaps({name: _short(value) for name, value in arguments.items()})
    return {"zh": zh.format_map(fill), "en": en.format_map(fill)}


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 200 else text[:199] + "…"
