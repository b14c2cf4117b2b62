"""Every word a person reads, in Chinese and English, by code: labels, states, verbs, refusals, reasons. One place for both languages.

Templates hold arguments as ``{name}`` or ``{name:kind}``. Kinds: ``span`` and ``span_ms`` (a duration), ``clock``, ``time`` (ms → 19:42:08),
``metres``, ``number``, ``category`` (a name of the city pack), or a prefix of this table, so that ``{state:state}`` is the word for
``state.<value>``. The browser gets the same table as JSON. Names of one city (districts, categories, rules) are the pack's, not here.
May not know who asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Literal

Lang = Literal["zh", "en"]

_SLOT: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")


def say(code: str, lang: str = "zh", /, zone: tzinfo = UTC, **arguments: Any) -> str:
    """The words of a code with its arguments; a code without words is said as it is."""
    pair = WORDS.get(code)
    if pair is None:
        return code
    words = pair[lang == "en"]
    return _SLOT.sub(lambda slot: _spell(arguments.get(slot[1]), slot[2], lang, zone), words)


def word(prefix: str, value: object, lang: str = "zh") -> str:
    """The word for ``prefix.value``, or the value itself where there is none."""
    code = f"{prefix}.{value}"
    return say(code, lang) if code in WORDS else str(value)


def table() -> Mapping[str, tuple[str, str]]:
    """The whole table as the browser gets it: code → (zh, en)."""
    return WORDS


def _spell(value: Any, kind: str | None, lang: str, zone: tzinfo) -> str:
    if value is None:
        return "–"
    if kind in _KINDS:
        return _KINDS[kind](float(value), lang)
    if kind == "time":
        return datetime.fromtimestamp(float(value) / 1000, zone).strftime("%H:%M:%S")
    if kind == "category" or kind is None:
        return _plain(value, lang)
    if isinstance(value, list | tuple):
        return (", " if lang == "en" else "、").join(word(kind, one, lang) for one in value)
    return word(kind, value, lang)


def _plain(value: Any, lang: str) -> str:
    if isinstance(value, list | tuple):
        return (", " if lang == "en" else "、").join(_plain(one, lang) for one in value)
    if isinstance(value, float):
        return f"{value:g}".replace("-", "−")
    return str(value)


def span(seconds: float, lang: str = "zh") -> str:
    """A duration as short as it can be: ``4 秒``, ``12 min``."""
    for limit, unit, zh, en in ((60, 1, "秒", "s"), (3600, 60, "分", "min"), (86_400, 3600, "时", "h")):
        if seconds < limit:
            return f"{int(max(0, seconds) // unit)} {en if lang == 'en' else zh}"
    return f"{int(seconds // 86_400)} {'d' if lang == 'en' else '天'}"


def metres(distance: float, lang: str = "zh") -> str:
    """A distance: ``640 m``, ``1.2 km``."""
    del lang
    return f"{round(distance / 10) * 10} m" if distance < 1000 else f"{distance / 1000:.1f} km"


def _clock(seconds: float, lang: str) -> str:
    del lang
    whole = abs(round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


_KINDS: Final[dict[str, Callable[[float, str], str]]] = {
    "span": span,
    "span_ms": lambda ms, lang: span(ms / 1000, lang),
    "metres": metres,
    "clock": _clock,
    "number": lambda value, lang: _plain(float(value), lang),
}

# fmt: off — one line for each code, however long: the table is read by columns.

# ---- things and states ----------------------------------------------------------------------------------------------------

_STATES: Final = {
    "state.reported": ("待受理", "Reported"),
    "state.pending_register": ("待立案", "To be filed"),
    "state.pending_dispatch": ("待派遣", "To be dispatched"),
    "state.pending_handle": ("待处置", "Sent, not accepted"),
    "state.handling": ("处置中", "Being handled"),
    "state.pending_check": ("待核查", "To be checked"),
    "state.closed": ("已结案", "Closed"),
    "state.cancelled": ("已作废", "Void"),
    "alert.active": ("告警未确认", "Active, not acknowledged"),
    "alert.acknowledged": ("告警已确认", "Active, acknowledged"),
    "alert.returned": ("已恢复未确认", "Back to normal, not acknowledged"),
    "alert.normal": ("正常", "Normal"),
    "step.held": ("暂存", "held"),
    "step.sent": ("已发", "sent"),
    "step.delivered": ("送达", "delivered"),
    "step.seen": ("已阅", "seen"),
    "step.accepted": ("已接受", "accepted"),
    "step.en_route": ("在途", "en route"),
    "step.on_scene": ("到场", "on scene"),
    "step.finished": ("办结", "finished"),
    "step.refused": ("拒绝", "refused"),
    "step.recalled": ("已撤回", "recalled"),
    "step.recall_seen": ("撤回已阅", "recall seen"),
    "team.on_scene": ("到场", "On scene"),
    "team.en_route": ("途中", "En route"),
    "team.sent": ("已派", "Sent"),
    "team.free": ("待命", "Free"),
    "team.break": ("休整", "Break"),
    "team.off": ("下勤", "Off"),
    "team.silent": ("失联", "Silent"),
    "duty.on_duty": ("上勤", "on duty"),
    "duty.off_duty": ("下勤", "off duty"),
    "duty.break": ("休整", "on a break"),
    "kind.foot": ("步巡", "On foot"),
    "kind.car": ("车巡", "Car"),
    "kind.car_short": ("车", "car"),
    "order.verify": ("核实", "verify"),
    "order.handle": ("处置", "handle"),
    "order.check": ("核查", "check"),
    "source.live": ("实时", "Live"),
    "source.late": ("延迟", "Late"),
    "source.dead": ("断开", "Silent"),
    "source_kind.sensor": ("传感", "Sensors"),
    "source_kind.complaint": ("投诉", "Complaints"),
    "source_kind.patrol": ("巡查", "Patrols"),
    "source_kind.command": ("指令", "Commands"),
    "flag.0": ("正常", "normal"),
    "flag.1": ("迟到", "late"),
    "flag.2": ("无数据", "silent"),
    "flag.3": ("已恢复未确认", "back to normal, not acknowledged"),
    "flag.4": ("告警已确认", "alert, acknowledged"),
    "flag.5": ("告警未确认", "alert, not acknowledged"),
    "origin.complaint": ("投诉举报", "Complaint"),
    "origin.sensor": ("物联感知", "Sensor"),
    "origin.patrol": ("巡查上报", "Patrol"),
    "channel.hotline": ("热线", "Hotline"),
    "channel.app": ("手机应用", "App"),
    "channel.web": ("网站", "Web"),
    "channel.wechat": ("微信", "WeChat"),
    "channel.open311": ("Open311", "Open311"),
    "channel.leader": ("领导批示", "Leader's note"),
    "channel.transfer": ("部门转来", "Passed on"),
    "channel.media": ("媒体", "Media"),
    "channel.video": ("视频", "Video"),
    "channel.import": ("导入", "Import"),
    "sensor_kind.noise": ("噪声", "Noise"),
    "sensor_kind.pm10": ("PM10", "PM10"),
    "sensor_kind.pm25": ("PM2.5", "PM2.5"),
    "sensor_kind.water_level": ("水位", "Water level"),
    "sensor_kind.people": ("客流", "People"),
    "sensor_kind.bin_fill": ("垃圾桶", "Bin"),
    "sensor_kind.camera": ("摄像", "Camera"),
    "complaint_verb.report": ("举报", "report"),
    "complaint_verb.consult": ("咨询", "question"),
    "complaint_verb.propose": ("建议", "proposal"),
    "complaint_verb.rectify": ("纠错", "map error"),
    "complaint_state.no_place": ("待定位", "No place yet"),
    "complaint_state.inbox": ("待答复", "Waits for an answer"),
    "complaint_state.listed": ("已列入", "Listed"),
    "complaint_state.answered": ("已答复", "Answered"),
    "disposition.real": ("属实", "Real"),
    "disposition.no_impact": ("无影响", "No impact"),
    "disposition.duplicate": ("重复", "Duplicate"),
    "disposition.not_ours": ("不归我们", "Not ours"),
    "disposition.false": ("误报", "False"),
    "reason.false": ("不属实", "not so"),
    "reason.no_impact": ("无影响", "no impact"),
    "reason.duplicate": ("重复上报", "reported twice"),
    "reason.not_ours": ("不归我们管", "not ours"),
    "reason.unclear": ("情况不清", "not clear enough"),
    "reason.wrong_place": ("位置有误", "wrong place"),
    "reason.not_solved": ("问题未解决", "not solved"),
    "reason.partly_solved": ("只解决一部分", "solved in part"),
    "reason.no_photo": ("没有处置后照片", "no photo of the result"),
    "reason.nearest": ("离得最近", "nearest"),
    "reason.urgent": ("情况紧急", "urgent"),
    "role.viewer": ("浏览", "Viewer"),
    "role.wall": ("大屏", "Wall"),
    "role.call_taker": ("受理员", "Call taker"),
    "role.dispatcher": ("派遣员", "Dispatcher"),
    "role.supervisor": ("值班长", "Supervisor"),
    "role.collector": ("采集员", "Collector"),
    "role.leader": ("领导", "Leader"),
    "role.evaluator": ("考评员", "Evaluator"),
    "role.administrator": ("管理员", "Administrator"),
    "role.team": ("队伍", "Team"),
}

_VERBS: Final = {
    "verb.acknowledge": ("确认", "Acknowledge"),
    "verb.acknowledge_incident": ("确认", "Acknowledge"),
    "verb.accept": ("受理", "Take in"),
    "verb.file": ("立案", "File"),
    "verb.void": ("作废", "Void"),
    "verb.return": ("退回", "Send back"),
    "verb.return_short": ("退回", "Send back"),
    "verb.dispatch": ("派遣", "Dispatch"),
    "verb.dispatch_team": ("派遣", "Dispatch"),
    "verb.recall": ("撤回", "Recall"),
    "verb.close": ("结案", "Close"),
    "verb.rework": ("返工", "Rework"),
    "verb.place": ("定位", "Place"),
    "verb.answer": ("答复", "Answer"),
    "verb.set_clock": ("设置时钟", "Set the clock"),
    "verb.change_registry": ("更换城市包", "Change the city pack"),
    "ask.team": ("派哪个队去 #{number}？", "Which team for #{number}?"),
    "ask.team_hint": ("按数字键，或回车派第一个", "Press a digit, or Enter for the first"),
    "ask.recall": ("撤回哪一个？", "Recall which one?"),
    "ask.disposition": ("这是什么？", "What is it?"),
    "ask.reason": ("{verb}的理由", "Reason to {verb}"),
    "ask.place": ("在地图上点一下它的位置", "Click its place on the map"),
}

_KEYS: Final = {
    "key.move": ("移动", "move"),
    "key.acknowledge": ("确认", "acknowledge"),
    "key.file": ("立案", "file"),
    "key.dispatch": ("派遣", "dispatch"),
    "key.choose": ("选队伍或理由", "choose a team or reason"),
    "key.recall": ("撤回派单", "recall an order"),
    "key.close": ("结案", "close"),
    "key.rework": ("返工", "rework"),
    "key.void": ("作废", "void"),
    "key.return": ("退回", "send back"),
    "key.accept": ("受理", "take in"),
    "key.place": ("定位", "place"),
    "key.take_new": ("载入新到", "take in new"),
    "key.tabs": ("Alt+1–4 换栏", "Alt+1–4 tabs"),
    "key.command": ("命令与查找", "command, find"),
    "key.refit": ("地图复位", "re-fit the map"),
    "key.zoom_in": ("放大", "zoom in"),
    "key.zoom_out": ("缩小", "zoom out"),
    "key.back": ("退一步", "one step back"),
    "key.keys": ("全部按键", "all keys"),
    "key.hint": ("动词作用于选中的一行；Esc 关闭。", "Verbs act on the selected row; Esc closes."),
}

# ---- what happened ---------------------------------------------------------------------------------------------------------

_CHANGES: Final = {
    "change.alert_raised": ("告警：{subject}", "Alert: {subject}"),
    "change.alert_linked": ("告警并入案卷", "Alert linked to the incident"),
    "change.alert_cleared": ("{subject} 恢复正常", "{subject} back to normal"),
    "change.alert_acknowledged": (
        "{by}确认告警：{disposition:disposition}",
        "Alert acknowledged by {by}: {disposition:disposition}",
    ),
    "change.signal_pending": ("信号待确认", "Signal waiting"),
    "change.signal_clearing": ("信号回落", "Signal falling"),
    "change.signal_cleared": ("信号消失", "Signal gone"),
    "change.signal_extended": ("信号延续", "Signal goes on"),
    "change.incident_reported": ("上报：{what}", "Reported: {what}"),
    "change.incident_joined": ("并入：{what}，相距 {away}", "Joined: {what}, {away} away"),
    "change.incident_acknowledged": ("{by}确认", "Acknowledged by {by}"),
    "change.incident_accepted": ("{by}受理", "Taken in by {by}"),
    "change.incident_filed": ("立案：{by}", "Filed by {by}"),
    "change.incident_voided": ("{by}作废", "Void, by {by}"),
    "change.incident_returned": ("{by}退回", "Sent back by {by}"),
    "change.incident_reworked": ("{by}要求返工", "Rework asked by {by}"),
    "change.incident_closed": ("{by}结案", "Closed by {by}"),
    "change.incident_left": ("移入历史", "Left for history"),
    "change.incident_handled": ("处置完成", "Handled"),
    "change.incident_dispatched": ("已派遣", "Dispatched"),
    "change.assignment_held": ("{by}暂存派单给 {team} 队", "{by} holds an order for team {team}"),
    "change.assignment_sent": ("{by}派 {team} 队{kind:order}", "{by} sends team {team} to {kind:order}"),
    "change.assignment_stepped": ("{team} 队{step:step}", "Team {team} {step:step}"),
    "change.assignment_recalled": ("{by}撤回 {team} 队", "{by} recalls team {team}"),
    "change.feedback_noted": ("{team} 队{step:step}（派单已变）", "Team {team} {step:step} (the order had moved on)"),
    "change.finding_handled": ("巡查自行处理", "Found and put right by a patrol"),
    "change.complaint_received": ("收到投诉", "Complaint received"),
    "change.complaint_updated": ("投诉补充：“{text}”", "More from the caller: “{text}”"),
    "change.complaint_placed": ("{by}定位", "Placed by {by}"),
    "change.complaint_answered": ("{by}答复", "Answered by {by}"),
    "change.team_shown": ("队伍状态变化", "Team state changed"),
    "change.team_duty": ("{team} 队{duty:duty}", "Team {team} {duty:duty}"),
    "change.team_silent": ("{team} 队失联", "Team {team} silent"),
    "change.team_heard": ("{team} 队恢复联系", "Team {team} heard again"),
    "change.source_changed": ("来源 {source}：{state:source}", "Source {source}: {state:source}"),
    "change.clock_set": ("时钟已设置", "Clock set"),
    "change.registry_changed": ("城市包已更换", "City pack changed"),
    "change.engine_started": ("引擎启动", "Engine started"),
    "change.command_done": ("指令完成", "Command done"),
    "change.command_refused": ("指令被拒", "Command refused"),
    "evidence.complaint": ("投诉", "complaint"),
    "evidence.finding": ("{team} 队巡查上报", "Found by team {team}"),
    "evidence.detection": ("摄像检测，把握", "Seen by camera, confidence"),
    "evidence.burst": ("集中投诉 {n} 件", "{n} complaints close together"),
    "evidence.threshold": ("传感读数", "sensor reading"),
    "evidence.silence": ("传感无数据", "sensors silent"),
    "evidence.limit": ("限值 {limit}", "limit {limit}"),
    "life.report": ("上报", "Report"),
    "life.file": ("立案", "File"),
    "life.dispatch": ("派遣", "Dispatch"),
    "life.handle": ("处置", "Handle"),
    "life.feedback": ("反馈", "Feedback"),
    "life.check": ("核查", "Check"),
    "life.close": ("结案", "Close"),
    "waits.reported": ("等待受理", "Waits to be taken in"),
    "waits.pending_register": ("等待立案", "Waits to be filed"),
    "waits.pending_dispatch": ("等待派遣", "Waits to be dispatched"),
    "waits.pending_handle": ("等待队伍接受", "Waits for the team to accept"),
    "waits.handling": ("正在处置", "Being handled"),
    "waits.pending_check": ("等待核查", "Waits to be checked"),
    "limit.reported": ("受理时限", "to take in"),
    "limit.pending_register": ("立案时限", "to file"),
    "limit.pending_dispatch": ("派遣时限", "to dispatch"),
    "limit.pending_handle": ("处置时限", "to handle"),
    "limit.handling": ("处置时限", "to handle"),
    "limit.pending_check": ("核查时限", "to check"),
    "limit_short.reported": ("受理", "take in"),
    "limit_short.pending_register": ("立案", "file"),
    "limit_short.pending_dispatch": ("派遣", "dispatch"),
    "limit_short.pending_handle": ("处置", "handle"),
    "limit_short.handling": ("处置", "handle"),
    "limit_short.pending_check": ("核查", "check"),
    "fact.category": ("类别", "Class"),
    "fact.state": ("状态", "State"),
    "fact.limit": ("时限", "Limit"),
    "fact.area": ("辖区", "Area"),
    "fact.origin": ("来源", "Origin"),
    "fact.signals": ("线索", "Signals"),
    "fact.filed": ("立案", "Filed by"),
    "fact.dispatched": ("派遣", "Dispatched by"),
    "fact.reworks": ("返工", "Reworks"),
    "fact.reason": ("理由", "Reason"),
    "fact.closed": ("结案", "Closed by"),
    "fact.place": ("位置", "Place"),
    "fact.rule": ("规则", "Rule"),
    "fact.value": ("读数", "Value"),
    "fact.threshold": ("限值", "Limit"),
    "fact.subject": ("传感器", "Sensor"),
    "fact.time_available": ("可用时间", "Time available"),
    "fact.since": ("时间", "Since"),
    "fact.address": ("地址", "Address"),
    "fact.channel": ("渠道", "Channel"),
    "rule.cause": ("原因", "Cause"),
    "rule.consequence": ("后果", "Consequence"),
    "rule.response": ("应对", "Response"),
    "reason_code.nearest": ("最近", "nearest"),
    "reason_code.free": ("手上无案", "no job in hand"),
    "reason_code.busy": ("手上 {n} 件，先办完", "{n} in hand, to be finished first"),
    "reason_code.skilled": ("受过此类训练", "trained for this"),
    "reason_code.not_skilled": ("未受此类训练", "not trained for this"),
    "reason_code.own_area": ("本辖区", "own area"),
    "reason_code.position_old": ("位置是 {age}前的", "position {age} old"),
    "reason_code.position_unknown": ("位置未知，按岗位算", "position unknown, reckoned from its post"),
    "blocked.team_on_break": (
        "{team} 队相距 {distance_m:metres}，正在休整。",
        "Team {team} is {distance_m:metres} away but on a break.",
    ),
    "blocked.team_off_duty": (
        "{team} 队相距 {distance_m:metres}，已下勤。",
        "Team {team} is {distance_m:metres} away but off duty.",
    ),
    "blocked.silent": (
        "{team} 队相距 {distance_m:metres}，失联 {age}。",
        "Team {team} is {distance_m:metres} away, silent for {age}.",
    ),
}

# ---- refusals ----------------------------------------------------------------------------------------------------------------

_REFUSED: Final = {
    "not_connected": (
        "未发送：与指挥中心断开。恢复后请再看一眼再发。",
        "Not sent: no connection. Look again when the link is back.",
    ),
    "no_answer": (
        "已发出，10 秒没有答复。是否生效以这一行为准。",
        "Sent, no answer for 10 s. Whether it took effect is what this row shows.",
    ),
    "store_lost": ("存储没有答复，指令没有接受。", "The store does not answer; the command was not accepted."),
    "too_many_commands": (
        "还有 {most} 条指令在等答复，请稍候。",
        "{most} commands still wait for an answer; wait a moment.",
    ),
    "foreign_origin": ("这个页面不是从这里打开的。", "This page was not opened from here."),
    "nobody": ("不知道是谁在操作，请从首页进入。", "Nobody is known at this screen; enter by the front page."),
    "bad_command": ("指令无法读懂：{detail}", "The command cannot be read: {detail}"),
    "unknown_verb": ("没有“{verb}”这个动作。", "There is no verb “{verb}”."),
    "not_your_role": (
        "{role:role}不能{verb:verb}，需要{roles:role}。",
        "A {role:role} may not {verb:verb}; it takes: {roles:role}.",
    ),
    "too_late": (
        "这条指令是 {age_s:span}前的，情况可能已变，请再看一眼。",
        "This command is {age_s:span} old; things may have moved on, look again.",
    ),
    "not_there": ("它已不在，可能已结案或并入别的案卷。", "It is no longer there; it may have been closed or merged."),
    "changed_meanwhile": (
        "{by} 在 {at_ms:time} 已改动（{what:changed}），请看过再决定。",
        "{by} changed it at {at_ms:time} ({what:changed}); look at it before you decide.",
    ),
    "unknown_disposition": ("没有“{disposition}”这种处理。", "“{disposition}” is not a disposition."),
    "already_acknowledged": ("{by} 在 {at_ms:time} 已确认。", "{by} acknowledged it at {at_ms:time}."),
    "already_dispatched": (
        "{by} 在 {at_ms:time} 已派 {team} 队。要再派一队，请再按一次。",
        "{by} sent team {team} at {at_ms:time}. To send another, press again.",
    ),
    "not_now": (
        "现在是“{state:any_state}”，不能{verb:verb}（{by}，{at_ms:time}）。",
        "It is “{state:any_state}” now, so {verb:verb} is not possible ({by}, {at_ms:time}).",
    ),
    "you_dispatched": (
        "派遣的人不能结案，请另一位值班长核查。",
        "Whoever dispatched may not close; another supervisor must check.",
    ),
    "reason_missing": ("{verb:verb}需要理由。", "{verb:verb} needs a reason."),
    "unknown_kind": ("没有“{kind}”这种派单。", "“{kind}” is not a kind of order."),
    "unknown_team": ("没有 {team} 队。", "There is no team {team}."),
    "team_has_it": ("{team} 队已经在办这一件。", "Team {team} already has it."),
    "team_off_duty": ("{team} 队已下勤，不能派。", "Team {team} is off duty and cannot be sent."),
    "team_on_break": ("{team} 队正在休整，要派请写明理由。", "Team {team} is on a break; to send it, give a reason."),
    "place_missing": ("请先在地图上点出位置。", "Click the place on the map first."),
    "not_a_report": (
        "这是{verb:complaint_verb}，不能成为案卷。",
        "This is a {verb:complaint_verb}; it cannot become an incident.",
    ),
    "registry_missing": ("没有给出城市包。", "No city pack was given."),
    "bad_registry": ("城市包无法读懂：{detail}", "The city pack cannot be read: {detail}"),
    "unknown_message": ("不认识的消息 {type}", "Unknown message {type}"),
    "bad_view": ("视图无法读懂：{detail}", "The view cannot be read: {detail}"),
    "unknown_topic": ("没有“{topic}”这个主题。", "There is no topic “{topic}”."),
    "bad_message": ("消息无法读懂：{detail}", "The message cannot be read: {detail}"),
    "command.not_your_role": ("这个席位不派遣。", "This seat does not dispatch."),
    "command.which_incident": (
        "派到哪一件？写案号，例如 07 1841 派。",
        "To which incident? Give its number, such as 07 1841 go.",
    ),
    "command.which_team": (
        "派哪个队？写队号，例如 07 1841 派。",
        "Which team? Give its call sign, such as 07 1841 go.",
    ),
    "command.unknown_team": ("没有 {team} 队", "There is no team {team}"),
    "command.dispatch": ("派 {teams} 队 → #{number} {what}，{where}", "Send {teams} → #{number} {what}, {where}"),
    "command.show": ("看 #{number} {what}，{where}", "Show #{number} {what}, {where}"),
    "command.show_team": ("看 {team} 队", "Show team {team}"),
    "command.found": ("找到 {n} 件，先看 #{number} {what}，{where}", "{n} found, first #{number} {what}, {where}"),
    "command.nothing_found": ("没有找到", "Nothing found"),
}

_REJECTED: Final = {
    "missing_field": ("缺少“{field}”。", "“{field}” is missing."),
    "field_too_long": ("“{field}”超过 {limit} 个字符。", "“{field}” is longer than {limit} characters."),
    "unknown_type": ("不认识的事件类型“{type}”。", "Unknown event type “{type}”."),
    "bad_data": ("数据不符合约定：{detail}", "The data breaks the contract: {detail}"),
    "bad_json": ("不是可读的 JSON：{detail}", "This is not readable JSON: {detail}"),
    "bad_encoding": ("文字不是 UTF-8 编码。", "The text is not UTF-8."),
    "bad_envelope": ("信封不是 CloudEvents 1.0：{detail}", "The envelope is not CloudEvents 1.0: {detail}"),
    "half_a_place": ("只有纬度或只有经度，两者须同时给出。", "Half a place: latitude and longitude go together."),
    "swapped_place": (
        "经纬度颠倒了：lat {lat}、lon {lon} 对调后才在本市。",
        "Latitude and longitude are interchanged: lat {lat}, lon {lon} lies in this city only the other way round.",
    ),
    "outside_city": ("lat {lat}、lon {lon} 不在本市范围内。", "lat {lat}, lon {lon} is outside of this city."),
    "bad_time": ("“{time}”不是 RFC 3339 时间。", "“{time}” is not an RFC 3339 time."),
    "time_without_zone": (
        "时间“{time}”没有时区；请加上例如 +08:00。",
        "“{time}” has no time zone; add it, for instance +08:00.",
    ),
    "time_before_history": (
        "事件时间早于 2005 年，发送方的时钟多半不对。",
        "The event is from before 2005: the sender's clock is probably wrong.",
    ),
    "time_ahead": ("事件时间比城市时钟快 5 分钟以上。", "The event is more than 5 min ahead of the city clock."),
    "time_too_old": ("事件时间比城市时钟早 7 天以上。", "The event is more than 7 days behind the city clock."),
    "unknown_category": ("不认识的类别 {category}", "Unknown category {category}"),
    "unknown_assignment": ("没有派单 {assignment}", "There is no assignment {assignment}"),
    "not_your_assignment": (
        "派单 {assignment} 不属于设备 {device}",
        "Assignment {assignment} does not belong to device {device}",
    ),
    "change_from_the_future": ("由更新的版本写成（v{v}）", "Written by a newer version (v{v})"),
    "too_large": ("内容超过 {limit_bytes} 字节。", "Larger than {limit_bytes} bytes."),
    "too_slow": ("内容传输超过 {limit_s} 秒。", "The body took longer than {limit_s} s to arrive."),
    "media_type": (
        "不接受“{content_type}”；可用：{expected}。",
        "“{content_type}” is not taken here; use one of: {expected}.",
    ),
    "empty_batch": ("没有任何事件。", "There is no event in it."),
    "batch_too_long": ("一次最多 {limit} 条，收到 {count} 条。", "At most {limit} items at a time; {count} came."),
    "not_a_photo": ("不是 JPEG、PNG 或 WebP 照片。", "This is not a JPEG, PNG or WebP photo."),
    "not_found": ("没有这个地址。", "There is nothing at this address."),
    "method_not_allowed": ("此地址只接受 {allowed}。", "This address takes {allowed} only."),
    "internal": (
        "内部出错，已记入日志；请稍后重发。",
        "Something failed on our side and was logged; please send it again later.",
    ),
    "bad_frame": ("读不懂的消息：{detail}", "The message cannot be read: {detail}"),
    "hello_first": ("请先发送 hello。", "Say hello first."),
    "hello_twice": ("hello 只能发一次。", "Hello is said once."),
    "unknown_device": ("设备或令牌不对。", "The device or its token is wrong."),
    "newer_connection": (
        "同一设备已重新连接，此连接关闭。",
        "The same device has connected anew; this connection is closed.",
    ),
    "not_its_own": ("“{field}”不是本设备的。", "“{field}” is not this device's own."),
    "row_without_time": ("第 {line} 行没有可读的时间：“{time}”。", "Line {line} has no readable time: “{time}”."),
    "row_without_text": ("第 {line} 行没有内容。", "Line {line} says nothing."),
    "bad_row": ("第 {line} 行读不了：{detail}", "Line {line} cannot be read: {detail}"),
    "store_silent": (
        "消息库没有应答，什么也没有收下；请稍后重发。",
        "The store does not answer; nothing was taken. Send it again later.",
    ),
    "store_full": ("消息库已满，什么也没有收下。", "The store is full; nothing was taken."),
    "store_refused": ("消息库拒绝写入，什么也没有收下。", "The store refused to write; nothing was taken."),
}

# ---- labels --------------------------------------------------------------------------------------------------------------------

_LABELS: Final = {
    "language.zh": ("中文", "中文"),
    "language.en": ("English", "English"),
    "theme.dark": ("暗色", "Dark"),
    "theme.light": ("亮色", "Light"),
    "theme.contrast": ("高对比", "High contrast"),
    "page.home": ("首页", "Home"),
    "page.wall": ("大屏", "Wall"),
    "page.dispatch": ("指挥调度", "Dispatch"),
    "page.sources": ("数据来源", "Sources"),
    "home.what": (
        "感知、分析、服务、指挥、监察，在一处。",
        "Sense, analyse, serve, command and supervise, in one place.",
    ),
    "home.dispatch": (
        "派遣员的席位：待决案件、地图、队伍",
        "The dispatcher's seat: what to decide, the map, the teams",
    ),
    "home.supervisor_title": ("值班长", "Supervisor"),
    "home.supervisor": ("立案、作废、核查结案、返工", "File, void, check and close, rework"),
    "home.wall": ("十米外看得清，从不说谎", "Readable from ten metres, and it never lies"),
    "home.sources": ("谁在发数据，谁停了，什么没能读懂", "Who sends, who has stopped, what could not be read"),
    "label.figures": ("指标", "Figures"),
    "label.urgent": ("紧急", "Urgent"),
    "label.urgent_of": ("紧急 {from}–{to} / {all}", "Urgent {from}–{to} / {all}"),
    "label.urgent_n": ("{n} 紧急", "{n} urgent"),
    "label.teams": ("队伍", "Teams"),
    "label.teams_n": ("队伍 {n}", "Teams {n}"),
    "label.queue": ("案件队列", "Queue"),
    "label.incident": ("选中的案卷", "Selected incident"),
    "label.advice": ("建议", "Advice"),
    "label.advice_for": ("建议 #{number}", "Advice #{number}"),
    "label.advice_straight": ("按直线 ×1.35 估算", "straight line ×1.35"),
    "label.advice_old": ("位置最旧 {age}", "oldest position {age}"),
    "label.no_team_fits": ("没有可派的队伍。", "No team can be sent."),
    "label.sent_not_accepted": ("已发未接", "Sent, not accepted"),
    "label.tray_hint": ("最久在上；黄色：超出时限", "oldest first; yellow: beyond the limit"),
    "label.recall_waits": ("#{number} 撤回，等队伍回执", "#{number} recalled, not yet confirmed"),
    "label.waiting": ("排队", "queued"),
    "label.sources": ("数据来源", "Sources"),
    "label.rejected": ("未能读懂的事件", "Events that could not be read"),
    "label.rejected_hint": (
        "点一行看原文（已遮蔽个人信息）",
        "click a row for the text as it came (personal data masked)",
    ),
    "label.nothing_rejected": ("没有", "none"),
    "label.rejected_held": ("未读懂 {n}", "Not read {n}"),
    "label.no_sources": ("还没有任何来源发来数据。", "No source has sent anything yet."),
    "label.source_dead": ("已停 {age}，限 {limit}", "silent for {age}, limit {limit}"),
    "label.silent_of": ("{of} 中 {silent} 无数据", "{silent} of {of} silent"),
    "label.command_hint": (
        "输入命令，例如 07 1841 派；或查找案件、队伍、地点",
        "Command, such as 07 1841 go; or find an incident, team, place",
    ),
    "label.no_category": ("未分类", "No class"),
    "label.priority": ("{p} 级", "Priority {p}"),
    "label.unacknowledged": ("未确认", "not acknowledged"),
    "label.acknowledged_short": ("已确认", "acknowledged"),
    "label.team_step": ("{team} 队{step}", "team {team} {step}"),
    "label.nothing_urgent": ("没有紧急事项", "Nothing urgent"),
    "label.nothing_urgent_since": ("没有紧急事项，上一件 {age}前结案", "Nothing urgent; the last was closed {age} ago"),
    "label.open_n": ("未结 {n}", "Open {n}"),
    "label.tab_decide": ("待决", "To decide"),
    "label.tab_hand": ("处置中", "In hand"),
    "label.tab_others": ("他席", "Others"),
    "label.tab_no_place": ("待定位", "No place"),
    "label.load_hint": (
        "本台十分钟内需决定的新件；线在 10",
        "new items needing a decision per ten minutes; the line is at 10",
    ),
    "label.per_10min": ("{n} 件/10 分", "{n}/10 min"),
    "label.new_n": ("{n} 条新到", "{n} new"),
    "label.merged_n": ("合并 {n}", "{n} merged"),
    "label.sending": ("发送中…", "Sending…"),
    "label.loading": ("载入中…", "Loading…"),
    "label.loading_hint": ("正在取当前画面。", "Getting the present picture."),
    "label.empty_decide": ("没有待决事项", "Nothing waits for a decision"),
    "label.empty_hand": ("没有处置中的案卷", "Nothing is in hand"),
    "label.empty_others": ("没有等待他席的案卷", "Nothing waits for other seats"),
    "label.empty_no_place": ("没有待定位的投诉", "No complaint waits for a place"),
    "label.empty_hint": ("新件会出现在这里。来源的新旧：", "A new item appears here. How fresh the sources are:"),
    "label.screen_equals_store": ("画面与库一致", "Screen equals store"),
    "label.none_selected": ("未选案件", "No incident selected"),
    "label.choice": ("{team} 队 {minutes} 分", "{team}, {minutes} min"),
    "label.none": ("没有", "none"),
    "label.gone": ("这一件已移入历史。", "This one has left for history."),
    "label.evidence": ("依据", "Evidence"),
    "label.sources_n": ("{n} 个来源", "{n} signals"),
    "label.timeline": ("时间线", "Timeline"),
    "label.timeline_hint": ("发生时刻（收到延迟）", "event time (+ delay to us)"),
    "label.facts": ("案情", "Facts"),
    "label.signals_n": ("投诉 {complaints}，合并 {merged}", "{complaints} complaints, {merged} merged"),
    "label.until": ("到 {time}", "till {time}"),
    "label.away": ("相距 {distance}", "{distance} away"),
    "label.photos_n": ("照片 {n} 张", "{n} photos"),
    "label.no_verbs": ("{role}在这一步没有动作", "nothing to do here for a {role}"),
    "label.dismiss": ("知道了", "Dismiss"),
    "label.cancel": ("取消", "Cancel"),
    "label.reason_hint": ("或写理由，回车", "or write a reason, Enter"),
    "label.place_hint": ("按 P，再点地图", "press P, then click the map"),
    "label.by_rule": ("规则 {rule}", "rule {rule}"),
    "label.by_device": ("终端 {device}", "device {device}"),
    "label.seat": ("{seat} 号台", "desk {seat}"),
    "label.seat_of": ("{role}{seat}", "{role} {seat}"),
    "label.filtered": ("只看 {what}", "Filtered by {what}"),
    "label.selected": ("已选", "Selected"),
    "label.in_view": ("地图上的案卷", "Incidents on the map"),
    "label.view_locked": ("视图由你锁定，★ 复位；示意底图", "view locked by you, ★ re-fits; schematic base"),
    "label.view_free": ("示意底图", "schematic base"),
    "label.timers": ("计时", "Timers"),
    "label.post": ("岗位", "Post"),
    "label.job": ("任务", "Job"),
    "label.in_state": ("状态时长", "in state"),
    "label.position": ("位置", "position"),
    "label.arrives": ("到场", "arrives"),
    "label.distance": ("距离", "distance"),
    "label.load": ("在手", "jobs"),
    "label.try_now": ("现在重连", "Try now"),
    "column.source": ("来源", "Source"),
    "column.source_kind": ("种类", "Kind"),
    "column.heard": ("最近收到", "Last heard"),
    "column.rate": ("速率", "Rate"),
    "column.lag": ("延迟", "Lag"),
    "column.accepted": ("已收", "Accepted"),
    "column.rejected_n": ("未读懂", "Not read"),
    "column.sensors": ("传感器", "Sensors"),
    "unit.per_s": ("{n}/秒", "{n}/s"),
    "unit.min_short": ("分", "min"),
    "unit.min": ("分", "min"),
    "unit.percent": ("%", "%"),
    "unit.per_m2": ("人/m²", "per m²"),
    "kpi.crowd": ("最挤处", "Densest spot"),
    "kpi.arrival_median_min": ("到场用时 中位", "Arrival, median"),
    "kpi.awaiting_dispatch": ("待派遣", "Awaiting dispatch"),
    "kpi.awaiting_dispatch.unit": ("件", ""),
    "kpi.on_time_share": ("按期处置率", "Handled on time"),
    "kpi.calls_10min": ("投诉/10 分", "Calls in 10 min"),
    "kpi.calls_10min.unit": ("个", ""),
    "kpi.noise_over": ("噪声超标", "Noise sites"),
    "kpi.noise_over.unit": ("处", ""),
    "kpi.open": ("未结案卷", "Open incidents"),
    "kpi.open.unit": ("件", ""),
    "kpi.response_p90_min": ("派遣用时 九成", "Response, 90 %"),
    "kpi.unacknowledged": ("未确认告警", "Unacknowledged"),
    "kpi.unacknowledged.unit": ("条", ""),
    "kpi.teams_free": ("待命队伍", "Teams free"),
    "kpi.teams_free.unit": ("队", ""),
    "kpi.teams_busy": ("在办队伍", "Teams busy"),
    "kpi.teams_busy.unit": ("队", ""),
    "kpi.teams_silent": ("失联队伍", "Teams silent"),
    "kpi.teams_silent.unit": ("队", ""),
    "kpi.target_most": ("目标 ≤{target}", "target ≤{target}"),
    "kpi.target_least": ("目标 ≥{target}", "target ≥{target}"),
    "kpi.usual": ("常态 {lo}–{hi}", "usual {lo}–{hi}"),
    "kpi.oldest": ("最久 {minutes} 分", "oldest {minutes}"),
    "kpi.silent": ("{of} 点中 {silent} 点无数据", "{silent} of {of} silent"),
    "kpi.too_few": ("件数不足，不评", "too few to rate"),
    "scene.title": ("{place}：{what}", "{place}: {what}"),
    "scene.why_recent": ("显示原因：{min} 分钟内 {n} 起上报", "Shown because {n} reports in {min} min"),
    "scene.why_open": ("显示原因：{metres:metres} 内 {n} 件未结", "Shown because {n} open within {metres:metres}"),
    "scene.whole_city": ("全城 {n} 件未结，没有集中的地方", "{n} open in the whole city, nowhere crowded together"),
    "scene.nothing_open": ("全城没有未结案卷", "Nothing is open in the whole city"),
    "honesty.connecting": ("正在连接", "Connecting"),
    "honesty.live": ("实时", "Live"),
    "honesty.late": ("延迟", "Late"),
    "honesty.dead": ("断开", "Dead"),
    "honesty.doubt": ("画面在核对", "Picture being checked"),
    "honesty.engine_stopped": ("引擎停止", "Engine stopped"),
    "honesty.partly_late": ("部分延迟", "Partly late"),
    "honesty.behind": ("延迟 {s} 秒", "{s} s behind"),
    "honesty.stopped_sensor": (
        "传感{source}已停 {age}，读数为最后画面",
        "Sensors{source} stopped {age} ago; last picture shown",
    ),
    "honesty.stopped_complaint": (
        "投诉{source}已停 {age}，新投诉不会到达",
        "Complaints{source} stopped {age} ago; new ones do not arrive",
    ),
    "honesty.stopped_patrol": (
        "巡查定位{source}已停 {age}，队伍位置为最后画面",
        "Patrol positions{source} stopped {age} ago; last picture shown",
    ),
    "honesty.stopped_command": ("指令{source}已停 {age}", "Commands{source} stopped {age} ago"),
    "honesty.source_late": ("{source} 延迟 {note}", "{source} is late {note}"),
    "honesty.veil_link": (
        "与指挥中心断开 {age}，画面停在 {time}",
        "No connection for {age}; this is the picture of {time}",
    ),
    "honesty.veil_store": (
        "存储停止 {age}，画面停在 {time}",
        "The store stopped {age} ago; this is the picture of {time}",
    ),
    "honesty.lost_store": ("存储停止 {age}", "The store stopped {age} ago"),
    "honesty.lost_behind": (
        "画面停在 {time}。连接还在，指令要等它恢复才能执行。",
        "Picture of {time}. The line holds; commands wait until it is back.",
    ),
    "honesty.store_stopped": ("存储停止", "Store stopped"),
    "honesty.stopped_devices": (
        "{of} 台巡查终端中 {n} 台断开，最久 {age}",
        "{n} of {of} patrol devices silent, the longest for {age}",
    ),
    "label.devices": ("巡查终端 {of} 台", "{of} patrol devices"),
    "label.devices_dead": ("其中 {n} 台断开", "{n} of them silent"),
    "honesty.veil_engine": (
        "引擎停止 {age}，画面停在 {time}",
        "The engine stopped {age} ago; this is the picture of {time}",
    ),
    "honesty.lost_link": ("与指挥中心断开 {age}", "No connection for {age}"),
    "honesty.lost_engine": ("引擎停止 {age}", "The engine stopped {age} ago"),
    "honesty.lost_more": (
        "画面停在 {time}；第 {attempt} 次重连，{wait} 秒后。等待答复的指令 {waiting} 条。",
        "Picture of {time}; attempt {attempt} in {wait} s. {waiting} commands wait for an answer.",
    ),
    "honesty.picture_of": ("画面停在 {time}", "Picture of {time}"),
    "honesty.simulation": ("模拟 {when}，{rate}", "simulation {when}, {rate}"),
    "honesty.replay": ("回放 {when}，{rate}", "replay {when}, {rate}"),
    "honesty.paused": ("暂停", "paused"),
}

# fmt: on

WORDS: Final[dict[str, tuple[str, str]]] = {
    **_STATES, **_VERBS, **_KEYS, **_CHANGES, **_REFUSED, **_REJECTED, **_LABELS,
}  # fmt: skip
REJECTED: Final = tuple(_REJECTED)
"""The codes with which something from outside is not taken: the table of `docs/events.md`."""
# A refusal may name the state of any of the three lifecycles, or the change that came in between.
WORDS.update(
    {
        f"any_state.{code.split('.', 1)[1]}": words
        for code, words in _STATES.items()
        if code.startswith(("state.", "step.", "alert."))
    }
)
WORDS.update(
    {
        f"changed.{change}": words
        for change, words in {
            "incident_joined": ("又有线索并入", "another signal joined"),
            "incident_acknowledged": ("已确认", "acknowledged"),
            "incident_accepted": ("已受理", "taken in"),
            "incident_filed": ("已立案", "filed"),
            "incident_voided": ("已作废", "void"),
            "incident_returned": ("已退回", "sent back"),
            "incident_reworked": ("返工", "rework"),
            "incident_closed": ("已结案", "closed"),
            "incident_reported": ("上报", "reported"),
            "assignment_sent": ("已派队", "a team was sent"),
            "assignment_stepped": ("队伍有回报", "the team reported"),
            "assignment_recalled": ("已撤回", "recalled"),
            "alert_acknowledged": ("告警已确认", "alert acknowledged"),
            "alert_cleared": ("告警恢复", "alert cleared"),
            "feedback_noted": ("队伍有回报", "the team reported"),
            "complaint_updated": ("投诉有补充", "more from the caller"),
        }.items()
    }
)
