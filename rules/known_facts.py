"""The words that every policy knows. Counties and plugins add theirs; docs/facts.md is made from this table."""

from __future__ import annotations

from lianxing.rules.facts import CodeValue, Fact, FactType, Scope
from lianxing.rules.places import Label


def _fact(
    name: str, zh: str, type: FactType, scope: Scope, meaning_zh: str, meaning_en: str, *values: CodeValue
) -> Fact:
    return Fact(name, zh, type, scope, Label(meaning_zh, meaning_en), values)


def _value(id: str, zh: str, en: str, *codes: str) -> CodeValue:
    return CodeValue(id, Label(zh, en), codes)


RECORD_FACTS = (
    _fact(
        "category",
        "服务类别",
        FactType.TEXT,
        Scope.RECORD,
        "服务类别，值由县里声明",
        "service category; the county declares its values",
    ),
    _fact("activity", "活动", FactType.TEXT, Scope.RECORD, "活动或项目编号", "id of the activity or project"),
    _fact("organisation", "组织", FactType.TEXT, Scope.RECORD, "队伍或组织编号", "id of the team or organization"),
    _fact(
        "registry",
        "登记系统",
        FactType.TEXT,
        Scope.RECORD,
        "记录来自哪个系统",
        "the registry that the record came from",
    ),
    _fact(
        "state",
        "状态",
        FactType.TEXT,
        Scope.RECORD,
        "记录走到哪一步",
        "how far the record has come",
        _value("applied", "申请中", "applied"),
        _value("not_signed_out", "未签退", "not signed out"),
        _value("reviewed", "社区已审核", "reviewed by the community"),
        _value("filed", "已备案", "filed by the sub-district"),
        _value("effective", "已生效", "effective"),
        _value("not_effective", "未生效", "not effective"),
        _value("refused", "已拒绝", "refused"),
        _value("deleted", "已删除", "deleted"),
    ),
    _fact(
        "hour_class",
        "时长类别",
        FactType.TEXT,
        Scope.RECORD,
        "信用时长由系统签到签退产生，荣誉时长由管理员补录",
        "credit hours are system-verified, honor hours are added by hand",
        _value("credit", "信用时长", "credit hours"),
        _value("honor", "荣誉时长", "honor hours"),
    ),
    _fact(
        "entry_mode",
        "录入方式",
        FactType.TEXT,
        Scope.RECORD,
        "时长如何录入",
        "how the time was entered",
        _value("forced_check_out", "强制签退", "forced check-out"),
        _value("team_entry", "团队录入", "team entry"),
        _value("personal_application", "个人申请", "personal application"),
        _value("face_recognition", "人脸识别", "face recognition"),
        _value("quick_punch", "快捷打卡", "quick punch"),
    ),
    _fact(
        "evaluation",
        "评价",
        FactType.TEXT,
        Scope.RECORD,
        "服务评价等次，值由县里决定",
        "grade of the service; the county decides the values",
    ),
    _fact("evaluation_score", "评价分", FactType.NUMBER, Scope.RECORD, "服务评价的分数", "the evaluation as a number"),
    _fact("complaint", "有投诉", FactType.YES_NO, Scope.RECORD, "该次服务被投诉", "the service drew a complaint"),
    _fact(
        "on_duty",
        "上班时间",
        FactType.YES_NO,
        Scope.RECORD,
        "公职人员在工作时间内服务",
        "public staff serving in working time",
    ),
    _fact(
        "duration",
        "申报时长",
        FactType.DURATION,
        Scope.RECORD,
        "登记系统所报的服务时间",
        "service time as the registry reports it",
    ),
    _fact(
        "start_time",
        "开始时刻",
        FactType.TIME,
        Scope.RECORD,
        "本段服务开始的时刻",
        "time of day at which this part starts",
    ),
    _fact(
        "end_time",
        "结束时刻",
        FactType.TIME,
        Scope.RECORD,
        "本段服务结束的时刻，次日零点为缺失",
        "time of day at which this part ends; missing at midnight",
    ),
    _fact("area", "服务区划", FactType.TEXT, Scope.RECORD, "服务所在区划代码", "division code of the place of service"),
)

CALENDAR_FACTS = (
    _fact("day", "服务日", FactType.DATE, Scope.CALENDAR, "服务当日", "the day of service"),
    _fact("weekday", "星期", FactType.WHOLE, Scope.CALENDAR, "星期一为1，星期日为7", "1 is Monday, 7 is Sunday"),
    _fact("month", "月份", FactType.WHOLE, Scope.CALENDAR, "1至12", "1 to 12"),
    _fact("day_of_month", "几号", FactType.WHOLE, Scope.CALENDAR, "1至31", "1 to 31"),
)

PERSON_FACTS = (
    _fact(
        "registered_on",
        "注册日",
        FactType.DATE,
        Scope.PERSON,
        "志愿者注册的日期",
        "the day on which the volunteer registered",
    ),
    _fact(
        "tenure", "注册年限", FactType.MONTHS, Scope.PERSON, "注册以来满多少个月", "completed months since registration"
    ),
    _fact("tenure_days", "注册天数", FactType.DAYS, Scope.PERSON, "注册以来的天数", "days since registration"),
    _fact("age", "年龄", FactType.WHOLE, Scope.PERSON, "周岁", "completed years of age"),
    _fact(
        "political_status",
        "政治面貌",
        FactType.TEXT,
        Scope.PERSON,
        "国家志愿服务信息系统代码",
        "codes of the national system",
        _value("01", "中共党员", "party member"),
        _value(
            "02",
            "中共预备党员",
            "probationary party member",
        ),
        _value("03", "共青团员", "youth league member"),
        _value("12", "无党派人士", "no party affiliation"),
        _value("13", "群众", "general public"),
        _value("20", "其他", "other"),
        *(_value(f"{code:02}", "", f"democratic party {code:02}") for code in range(4, 12)),
    ),
    _fact(
        "registered_area",
        "注册区域",
        FactType.TEXT,
        Scope.PERSON,
        "注册所在街道或区划",
        "sub-district or division of registration",
    ),
    _fact("community", "社区", FactType.TEXT, Scope.PERSON, "所在社区", "home community"),
    _fact(
        "employment_status",
        "从业状况",
        FactType.TEXT,
        Scope.PERSON,
        "国家系统代码，11为公务员",
        "codes of the national system, 11 is civil servant",
    ),
    _fact("real_name", "实名", FactType.YES_NO, Scope.PERSON, "实名认证已通过", "real-name check passed"),
    _fact("enabled", "启用", FactType.YES_NO, Scope.PERSON, "账户在用", "the account is in use"),
)

KNOWN_FACTS = RECORD_FACTS + CALENDAR_FACTS + PERSON_FACTS
