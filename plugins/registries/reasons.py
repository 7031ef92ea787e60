"""Every sentence of the file registry, in Chinese and English: why a row was set aside, why a file cannot be read.

A code is never reused. Braces name `heading`, `row` or a detail. Details are row numbers, headings, limits and codes;
a cell's own text is among them only where it is a code of the record, never where it could tell who a person is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lianxing.rules.places import Language
from lianxing.rules.records import SetAside

REASONS: dict[str, tuple[str, str]] = {
    "no_id": ("“{heading}”为空，没有记录编号", "'{heading}' is empty: the row has no id"),
    "no_volunteer": ("“{heading}”为空，没有志愿者编号", "'{heading}' is empty: the row names no volunteer"),
    "no_start": ("“{heading}”为空，没有开始时间", "'{heading}' is empty: the row has no start"),
    "not_a_time": (
        "“{heading}”不是日历上的日期或时间（如 2026-03-05 09:00）",
        "'{heading}' is no date or time that the calendar knows (such as 2026-03-05 09:00)",
    ),
    "no_end": (
        "“{heading}”为空，也没有时长：可能尚未签退",
        "'{heading}' is empty and so is the duration: perhaps nobody has signed out yet",
    ),
    "no_time_of_day": (
        "“{heading}”只有日期，而开始时间有钟点，无法计算",
        "'{heading}' has no time of day although the start has one",
    ),
    "not_a_version": (
        "“{heading}”既不是版次（整数），也不是更新时间",
        "'{heading}' is no version: neither a whole number nor the time of the last change",
    ),
    "not_a_number": ("“{heading}”不是数字", "'{heading}' is not a number"),
    "not_whole_seconds": (
        "“{heading}”折算后不是整秒，系统不替人取整",
        "'{heading}' does not come to whole seconds, and nothing is rounded here",
    ),
    "not_yes_no": ("“{heading}”既不是“是”也不是“否”", "'{heading}' is neither yes nor no"),
    "negative_duration": ("“{heading}”是负数", "'{heading}' is negative"),
    "end_before_start": ("结束时间（“{heading}”）早于开始时间", "the end ('{heading}') comes before the start"),
    "over_24_hours": (
        "一条记录超过24小时（“{heading}”）",
        "a single record is longer than 24 hours ('{heading}')",
    ),
    "duration_disagrees": (
        "“{heading}”为{stated}秒，起止时间相差{interval}秒，允许误差{tolerance}秒",
        "'{heading}' says {stated} s, the times say {interval} s; {tolerance} s of difference are allowed",
    ),
    "unknown_category": (
        "“{heading}”中的服务类别“{value}”未在政策中声明",
        "the policy declares no category '{value}' ('{heading}')",
    ),
    "unknown_value": (
        "“{heading}”的值不在政策声明的范围内",
        "'{heading}' holds a value that the policy does not declare",
    ),
    "future_date": ("“{heading}”晚于导入日{on}", "'{heading}' lies after {on}, the day of the import"),
    "too_early": ("“{heading}”早于{earliest}年", "'{heading}' lies before {earliest}"),
    "duplicate_row": (
        "与{first_source}第{first_row}行编号相同、内容相同，只计一次",
        "the same id and content as row {first_row} of {first_source}: counted once",
    ),
    "id_reused": (
        "编号与{first_source}第{first_row}行相同而内容不同，以先出现的为准",
        "the id of row {first_row} of {first_source} with other content: the earlier row stands",
    ),
    "other_county": ("“{heading}”不属于所导入的县", "'{heading}' is not of the county being imported"),
    "text_too_long": ("“{heading}”超过{bytes_max}字节", "'{heading}' is longer than {bytes_max} bytes"),
    "bad_character": (
        "“{heading}”含有控制字符、不可见字符或无法识别的字节",
        "'{heading}' holds a control character, an invisible one or bytes that are no text",
    ),
    "ragged_row": ("有{cells}格，而表头有{headings}格", "{cells} cells under {headings} headings"),
    "open_quote": (
        "引号没有成对，本行起的内容无法分格；已从下一行继续读",
        "a quotation mark is never closed, so the row has no clear cells; reading went on with the next line",
    ),
    "line_too_long": ("一行超过{characters_max}个字符", "one line is longer than {characters_max} characters"),
}

# Of rows that were understood: why the intake leaves them out. Braces name the record's id or a detail.
INTAKE_REASONS: dict[str, tuple[str, str]] = {
    "wrong_day": (
        "服务日不是开始时间在本县的日期",
        "the day of service is not the county's day of the start",
    ),
    "no_person": (
        "编号以 pool/、organisation/ 或 registry/ 开头的是公共池、组织或登记系统的存折，不是志愿者",
        "ids that begin with pool/, organisation/ or registry/ are passbooks of pools, organisations and registries, "
        "not of volunteers",
    ),
    "unknown_fact": (
        "“{heading}”不是政策声明的事实；插件以事实的英文编号为名",
        "'{heading}' is no fact that the policy declares; a plugin names facts by their ids",
    ),
    "not_exact": (
        "含有台账不能原样保存的值（小数、真假值、空编号、非日期的日子……）",
        "it holds what no ledger can keep exactly (a float, a truth value, an empty id, a day that is none ...)",
    ),
    "id_too_long": (
        "“{heading}”超过{characters_max}字，不能用作编号",
        "'{heading}' is longer than {characters_max} characters, which no id is",
    ),
    "own_registry": (
        "登记系统 menu 留给本行的服务请求，不能由别处导入",
        "the registry menu is kept for the bank's own requests for service; nothing is imported under it",
    ),
    "older_version": (
        "记录{id}的这一版不新于已收到的，其后已更正或撤回；旧文件不会改回新版。若撤回有误，请以更高的版次重新报送，没有版次的换一个编号",
        "this version of record {id} is no newer than what has come, and was corrected or withdrawn since; "
        "an old file does not undo that; where it was withdrawn by mistake, bring it as a higher version, "
        "or under a new id where there are no versions",
    ),
    "damaged_passbook": (
        "该志愿者的存折在台账中已损坏（不再成立的是：{zh}），修复后再导入；请运行 lianxing verify",
        "the passbook of this volunteer is damaged in the ledger (what does not hold any more: {en}); "
        "import again once it is mended, run lianxing verify",
    ),
    "not_booked": (
        "记录{id}没有入账，无从撤回",
        "record {id} was never booked, so there is nothing to take back",
    ),
    "booked_elsewhere": (
        "记录{id}已在别县入账，本县不能更正",
        "record {id} is booked in another county; this one cannot correct it",
    ),
    "withheld": (
        "插件{plugin}对记录{id}提出异议（{objection}）：{zh}",
        "plugin {plugin} objects to record {id} ({objection}): {en}",
    ),
}

# What a registry plugin of somebody else's says in its own word.
OTHER = ("登记系统的理由：{reason}（“{heading}”）", "the registry's reason: {reason} ('{heading}')")

EXPORT_REASONS: Mapping[str, tuple[str, str]] = {
    "empty": ("文件是空的", "the file is empty"),
    "no_headings": ("没有表头", "there is no row of headings"),
    "not_a_set_aside_file": (
        "这里已有别的文件，不会覆盖；请用 --set-aside 另选文件名",
        "something else stands here and is not written over; choose another name with --set-aside",
    ),
    "bad_value": (
        "对照“{mapping}”给“{target}”的取值“{value}”不合法",
        "mapping '{mapping}': '{value}' is not a value of '{target}'",
    ),
    "missing_file": ("没有这个文件", "there is no such file"),
    "duplicate_heading": (
        "{first}列和{second}列的表头都是“{heading}”",
        "columns {first} and {second} both have the heading '{heading}'",
    ),
    "missing_heading": (
        "找不到“{target_zh}”所在的列；期望的表头：{expected}{nearby_zh}；表头须在第一行",
        "no column for '{target}'; expected heading: {expected}{nearby_en}; headings stand in the first row",
    ),
    "unmapped": (
        "对照“{mapping}”没有说明“{target}”在哪一列",
        "mapping '{mapping}' does not say which column is '{target}'",
    ),
    "unknown_target": (
        "对照“{mapping}”的“{target}”不是{table}的已声明事实",
        "mapping '{mapping}': '{target}' is no declared fact of {table}",
    ),
    "bad_constant": (
        "对照“{mapping}”给“{target}”的固定值不合法",
        "mapping '{mapping}': the constant of '{target}' is not a value of that fact",
    ),
    "unknown_zone": ("对照“{mapping}”的时区不存在", "mapping '{mapping}' names no known time zone"),
    "old_or_locked_excel": (
        "这是旧版 .xls 或加了密码的工作簿；请在表格软件中取消密码，另存为 .xlsx 或 CSV",
        "an old .xls or a workbook with a password; save it without one as .xlsx or CSV",
    ),
    "not_what_it_says": (
        "扩展名是 {extension}，内容却像 {content}；请用正确的格式重新导出",
        "the name ends in {extension} but the content looks like {content}; export it again in the right format",
    ),
    "web_page": (
        "这是网页，不是表格；请在表格软件中打开后另存为 .xlsx 或 CSV",
        "a web page and not a table; open it in a spreadsheet and save it as .xlsx or CSV",
    ),
    "broken_workbook": ("工作簿已损坏，无法读取", "the workbook is broken and cannot be read"),
    "workbook_too_large": (
        "工作簿解压后超过{megabytes_max} MB；请改用 CSV",
        "the workbook unpacks to more than {megabytes_max} MB; use CSV instead",
    ),
    "no_such_sheet": ("没有名为“{sheet}”的工作表", "there is no sheet named '{sheet}'"),
    "broken_parquet": ("Parquet 文件已损坏，无法读取", "the Parquet file is broken and cannot be read"),
    "nested_column": (
        "{column}列不是单个的值，无法作为表格读取",
        "column {column} does not hold single values",
    ),
    "no_such_fact": (
        "{column}列的表头不是办法中人或组织的事实{nearby_zh}",
        "the heading of column {column} is no fact of a person or an organisation{nearby_en}",
    ),
    "no_facts": (
        "只有一列：第一列为编号，其余各列应为办法中的事实",
        "there is only one column: the first is the id, the others have to be facts of the policy",
    ),
    "row_without_id": ("第{row}行没有编号", "row {row} has no id"),
    "id_twice": ("第{row}行的编号前面已有", "the id of row {row} stands further up already"),
    "not_a_value": (
        "第{row}行的“{heading}”不是合法的取值",
        "row {row}: '{heading}' does not hold a value of that fact",
    ),
    "bad_row": ("第{row}行分不成单元格", "row {row} cannot be cut into cells"),
    "no_parquet_reader": (
        "读取 Parquet 需要另装一个组件：pip install lianxing[parquet]",
        "reading Parquet takes one more package: pip install lianxing[parquet]",
    ),
}

NOTES: Mapping[str, tuple[str, str]] = {
    "encoding": ("{source}：编码为 {encoding}，已转换", "{source}: encoded as {encoding}, converted"),
    "damaged_text": (
        "{source}：有的字节不是 {encoding} 文字，用到它们的行已搁置",
        "{source}: some bytes are no {encoding} text; rows that need them are set aside",
    ),
    "absent_column": (
        "{source}：没有“{target}”的列（{expected}），该项一律按缺失处理",
        "{source}: no column for '{target}' ({expected}); it is missing everywhere",
    ),
    "unused_columns": (
        "{source}：这些列在对照中没有含义，未使用：{headings}",
        "{source}: the mapping gives no meaning to these columns, and they were not used: {headings}",
    ),
}


@dataclass(frozen=True, slots=True)
class Note:
    """Something about a whole export that its owner should know, although it was read."""

    code: str
    details: tuple[tuple[str, str], ...]

    def text(self, language: Language) -> str:
        return _sentence(NOTES[self.code], language, dict(self.details))


class ExportError(ValueError):
    """An export that cannot be read at all. Its message names the file and headings, never a cell."""

    def __init__(self, source: str, code: str, **details: str) -> None:
        self.source = source
        self.code = code
        self.details = details
        super().__init__(self.text("en"))

    def text(self, language: Language) -> str:
        colon = "：" if language == "zh" else ": "
        return f"{self.source}{colon}{_sentence(EXPORT_REASONS[self.code], language, self.details)}"


def meaning(reason: str, language: Language) -> str:
    """Return what a reason says of every row: the sentence without what differs; '' of a word of a plugin's own."""
    return _sentence((REASONS | INTAKE_REASONS).get(reason, ("", "")), language, {})


def sentence(set_aside: SetAside, language: Language) -> str:
    """Return why the row was set aside, for the person who has to mend it."""
    place = {"heading": set_aside.heading, "row": str(set_aside.row), "reason": set_aside.reason}
    return _sentence((REASONS | INTAKE_REASONS).get(set_aside.reason, OTHER), language, place | dict(set_aside.details))


def _sentence(templates: tuple[str, str], language: Language, details: Mapping[str, str]) -> str:
    return templates[0 if language == "zh" else 1].format_map(_Told(details))


class _Told(dict[str, str]):
    """Details of a row; one that a registry plugin has not told leaves a gap and stops nothing."""

    def __missing__(self, name: str) -> str:
        return "…"
