"""Everything that can be wrong with a policy, as a table: code, what it says, what to do. A code is never reused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lianxing.rules.matching_problems import MATCHING_PROBLEMS
from lianxing.rules.places import Label, Language, Location


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A code with its sentence in both languages; braces name the details of a problem."""

    code: str
    zh: str
    en: str


Detail = str | Label  # as the file says it, or in the words of the reader


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong at one place; `hint` is what was probably meant, empty if nothing comes near."""

    code: str
    location: Location
    details: tuple[tuple[str, Detail], ...] = ()
    hint: str = ""

    def message(self, language: Language) -> str:
        kind = PROBLEMS[self.code]
        details = {name: _visible(_worded(value, language)) for name, value in self.details}
        if not details.get("known", "there is none to list"):
            details["known"] = "（无）" if language == "zh" else "(none)"
        sentence = (kind.zh if language == "zh" else kind.en).format_map(details)
        if not self.hint:
            return sentence
        meant = _visible(self.hint)
        return f"{sentence}（是否想写“{meant}”？）" if language == "zh" else f"{sentence} (did you mean '{meant}'?)"

    def text(self, language: Language) -> str:
        """Return `path:line:col: CODE message (did you mean ...)`."""
        return f"{self.location}: {self.code} {self.message(language)}"


def _worded(detail: Detail, language: Language) -> str:
    if isinstance(detail, Label):
        return detail.text(language)
    return _EXPECTED.get(detail, detail) if language == "zh" else detail


def _visible(text: str) -> str:
    # What a file says is shown on terminals: no control character of it goes there.
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)


_EXPECTED = {
    "text": "文字",
    "list": "列表",
    "mapping": "若干“项: 值”",
    "condition": "条件（事实: 要求）",
    "ideographic space": "空格",
    "space": "空格",
}


class PolicyError(Exception):
    """A policy that cannot be used, with all its problems in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.location, problem.code)))
        super().__init__("\n".join(problem.text("en") for problem in self.problems))


def _kinds(*kinds: tuple[str, str, str]) -> Mapping[str, ProblemKind]:
    table = {code: ProblemKind(code, zh, en) for code, zh, en in kinds}
    assert len(table) == len(kinds), "a code stands twice"
    return table


PROBLEMS: Mapping[str, ProblemKind] = _kinds(
    # P0xx: the file as YAML, and its keys
    ("P001", "YAML 语法错误：{what}", "not readable as YAML: {what}"),
    ("P002", "不认识的项“{key}”；此处可写：{known}", "unknown key '{key}'; known keys are {known}"),
    ("P003", "“{key}”写了两次，第一次在第 {first} 行", "'{key}' stands twice, first on line {first}"),
    ("P004", "不允许锚点和引用（{name}）", "anchors and aliases are not allowed ({name})"),
    ("P005", "不允许显式标签 {tag}", "explicit tags are not allowed ({tag})"),
    ("P006", "嵌套超过 {most} 层", "nested more than {most} deep"),
    ("P007", "文件有 {size} 字节，最多 {most} 字节", "the file has {size} bytes, at most {most} are allowed"),
    ("P008", "文件的内容超过 {most} 项", "the file has more than {most} nodes"),
    (
        "P009",
        "文件不是 UTF-8 编码；请另存为 UTF-8",
        "the file is not UTF-8; save it as UTF-8 (GBK and UTF-16 are not read)",
    ),
    ("P010", "一个文件只能有一个文档，不能再写 ---", "a file holds one document; remove the second ---"),
    ("P011", "文件是空的", "the file is empty"),
    ("P012", "缩进用了制表符；请用空格", "a tab stands where YAML wants spaces"),
    (
        "P013",
        "“{key}”与本文件其他项的中英写法不一致",
        "'{key}' mixes scripts: the other keys of this file are in the other language",
    ),
    ("P014", "此处应为{expected}", "a {expected} is expected here"),
    ("P015", "缺少“{key}”，须写明", "'{key}' is missing; it has to be said"),
    ("P016", "键须是 1 至 200 字的文字", "a key is text of 1 to 200 characters"),
    ("P017", "不允许用 << 合并", "merging with << is not allowed"),
    ("P018", "不可用的字符 {character}", "a character that may not stand in YAML: {character}"),
    (
        "P019",
        "此处是全角的“{found}”；请改写半角的“{write}”",
        "a full-width '{found}' stands here; write the ASCII '{write}'",
    ),
    (
        "P020",
        "登记系统“{registry}”留给本行的服务请求，请换一个名称",
        "the registry '{registry}' is kept for the bank's own requests for service; choose another name",
    ),
    # P1xx: one value
    ("P101", "“{found}”不是普通小数（如 1.5）", "'{found}' is not a plain decimal number such as 1.5"),
    (
        "P102",
        "“{found}”不是带单位的数量；单位可用：{units}",
        "'{found}' is not an amount with a unit; units are {units}",
    ),
    ("P103", "“{found}”不是日期（写作 2025-07-01）", "'{found}' is not a date written as 2025-07-01"),
    ("P104", "“{found}”既不是“是”也不是“否”", "'{found}' is neither yes nor no"),
    ("P105", "“{found}”不在可选词之中：{known}", "'{found}' is not one of {known}"),
    ("P106", "“{found}”超出允许范围（{low} 至 {high}）", "'{found}' is out of range ({low} to {high})"),
    ("P615", "“{found}”太小，至少须为 {low}", "'{found}' is too little: it has to be {low} at the least"),
    ("P616", "“{found}”太大，至多为 {high}", "'{found}' is too much: it may be {high} at the most"),
    ("P107", "“{found}”不是整数", "'{found}' is not a whole number"),
    (
        "P108",
        "文字须为 1 至 1000 字，不含控制字符：“{found}”",
        "text has 1 to 1000 characters and no control characters: '{found}'",
    ),
    ("P109", "“{found}”不是时刻（写作 08:30）", "'{found}' is not a time of day written as 08:30"),
    ("P110", "“{found}”不是 0 % 至 100 % 的百分数", "'{found}' is not a percentage such as 60 %"),
    ("P111", "不能为空，至少写一项", "this is empty; at least one entry is needed"),
    ("P112", "不认识的时区“{found}”", "unknown time zone '{found}'"),
    (
        "P113",
        "“{found}”位数太多：小数点前至多 15 位、后至多 6 位，且不细于 {finest}",
        "'{found}' has too many digits: at most 15 before the point and 6 after it, and nothing finer than {finest}",
    ),
    # P2xx: statements and layers
    ("P201", "编号“{id}”用了两次，第一次在 {first}", "id '{id}' is used twice, first at {first}"),
    ("P202", "要删除的“{id}”在上级中不存在", "'{id}' is removed, but no layer below has it"),
    ("P203", "找不到上级“{base}”", "the base '{base}' does not exist"),
    ("P204", "上级“{base}”绕回到自身", "the base '{base}' leads back to where it came from"),
    ("P205", "找不到县区“{folder}”（没有 county.yaml）", "no county at '{folder}' (there is no county.yaml)"),
    ("P206", "不认识的文件“{file}”；章节有：{known}", "unknown file '{file}'; chapters are {known}"),
    ("P207", "没有编号为“{id}”的条文可供排序", "there is no statement '{id}' to stand before or after"),
    (
        "P208",
        "县区“{county}”由 {first} 和 {second} 同时提供",
        "county '{county}' is contributed by both {first} and {second}",
    ),
    ("P209", "县区编号“{county}”与文件夹“{folder}”不同名", "county '{county}' stands in a folder named '{folder}'"),
    ("P210", "这条没有说做什么；须写其一：{known}", "this says nothing to do; it needs one of {known}"),
    ("P211", "“{key}”多余：一条只做一件事（{known}）", "'{key}' is one too many: a statement does one of {known}"),
    ("P212", "“{found}”不能作编号：用文字、数字、_ - .", "'{found}' cannot be an id: use letters, digits, _ - and ."),
    ("P213", "删除的条文不能再写“{key}”", "a statement that is removed cannot say '{key}' as well"),
    (
        "P214",
        "事实“{fact}”已有定义，只能为文字类补充取值",
        "the fact '{fact}' is known; a text fact can be given more values, nothing else",
    ),
    ("P215", "“{fact}”已是事实的名称，不能再作指标名", "'{fact}' is the name of a fact and cannot name a measure"),
    ("P216", "“{county}”不止一个：{known}", "'{county}' is not unique: {known}"),
    (
        "P219",
        "到“{id}”为止，一条记录最多可得 {most} 分，超过 {bound} 分；请核对数字或先设限额",
        "up to '{id}' one record could earn {most} points, more than {bound}; check the numbers or limit them first",
    ),
    ("P220", "“{file}”不是普通文件", "'{file}' is not a regular file of this folder"),
    (
        "P218",
        "“{name}”同时是取值 {first} 和 {second} 的代码或名称",
        "'{name}' is a code or name of both values {first} and {second}",
    ),
    (
        "P217",
        "上级已有指标“{id}”，改写时不能改变所统计的单位",
        "a layer below has the measure '{id}' in another unit; an override keeps what it is counted in",
    ),
    # P3xx: meaning
    ("P301", "不认识的事实“{fact}”", "unknown fact '{fact}'"),
    (
        "P302",
        "事实 {fact} 没有取值“{found}”；有：{known}",
        "the fact {fact} has no value '{found}'; values are {known}",
    ),
    (
        "P303",
        "“{found}”不是事实 {fact} 的取值（写作 {type}）",
        "'{found}' is no value of the fact {fact}, which is written as {type}",
    ),
    ("P304", "事实“{fact}”不能在此处使用", "the fact '{fact}' cannot be asked here"),
    ("P305", "事实 {fact} 不能这样比较", "the fact {fact} cannot be tested like this"),
    ("P306", "介于须写两个值，先小后大：[a, b]", "within takes two values of {fact}, the lower first: [a, b]"),
    ("P307", "日期须按先后排列", "dates have to ascend"),
    (
        "P308",
        "表格没有说明这种情况：{keys}；请补一行，或写“其余”“缺失”",
        "the table leaves open what this gives: {keys}; add a row, default or missing",
    ),
    ("P309", "找不到表格文件“{file}”", "there is no table file '{file}' beside this chapter"),
    ("P310", "表格不是 UTF-8 编码的 CSV", "the table is not CSV in UTF-8"),
    ("P311", "这一行有 {found} 列，应有 {expected} 列", "this row has {found} columns, {expected} are expected"),
    ("P312", "与第 {first} 行同样的键、重叠的有效期", "same keys and overlapping validity as line {first}"),
    ("P313", "有效期有空档：第 {first} 行到 {until} 为止", "validity has a gap: line {first} ends on {until}"),
    ("P314", "“{found}”不能统计；可用：{known}", "'{found}' cannot be totalled; there are {known}"),
    ("P315", "星级 {star} 须大于前一级 {before}", "star {star} has to be above the one before, {before}"),
    (
        "P316",
        "第一个值自 {day} 起，而办法自 {start} 起施行",
        "the first value holds from {day}, but the policy is in force from {start}",
    ),
    ("P317", "星级最高为 {top}，没有 {star} 星", "the ladder ends at {top}, there is no star {star}"),
    (
        "P318",
        "“{id}”须排在改变时长的“{other}”之前",
        "'{id}' has to come before '{other}', which changes the time",
    ),
    ("P319", "限额“{id}”之前，“{other}”的积分尚未取整", "points of '{other}' are not rounded before the limit '{id}'"),
    ("P320", "“{id}”之后没有写明积分如何取整", "the policy does not say how points are rounded after '{id}'"),
    ("P321", "条件是空的", "this condition is empty"),
    ("P322", "与 {fact} 比较的数超出 64 位整数", "the number that {fact} is compared with is beyond 64 bits"),
    (
        "P323",
        "与 {fact} 比较的文字为空、过长或含空字符",
        "the text that {fact} is compared with is empty, over 4,096 bytes, or holds NUL",
    ),
    (
        "P324",
        "“{fact}”不能用来分组：须为记录或志愿者的文字类事实",
        "'{fact}' cannot group: it takes a text fact of the record or the person",
    ),
    ("P325", "“{fact}”不是记录自带的时间", "'{fact}' is not a duration that a record reports"),
    ("P326", "取自记录的限额只能按每条记录", "a limit taken from the record is per record"),
    (
        "P327",
        "各段、各档的分须由低到高，只有最后一段可以不写到哪里为止",
        "steps, and the points of bands, go from low to high; only the last may leave open where it ends",
    ),
    ("P328", "占比限额须按日历周期或累计", "a limit by share runs over a calendar period or all time"),
    (
        "P329",
        "“{id}”和“{other}”可能同时适用于一条记录，须合写成一条并写明如何叠加",
        "'{id}' and '{other}' could both apply to one record: make them one statement that says how they combine",
    ),
    (
        "P330",
        "按“{fact}”分段计分须写明最高到哪里，没有上限的写“不限”",
        "brackets of '{fact}' have to say up to where they count, or unlimited",
    ),
    # P610 on: measures, scores, transition
    ("P610", "“{key}”不适用于“{kind}”", "'{key}' does not go with '{kind}'"),
    (
        "P611",
        "评分“{score}”不能以另一评分“{other}”为依据",
        "the score '{score}' cannot rest on another score, '{other}'",
    ),
    (
        "P612",
        "评分“{score}”在此处还不能得知：评分不用于记录；以星级为依据的，只用于已知星级之处",
        "the score '{score}' is not known here: records know none, and one that rests on the star comes after the star",
    ),
    (
        "P613",
        "“{id}”和“{other}”在同一天：一天只能有一次规则衔接",
        "'{id}' and '{other}' are on one day: there is one transition a day",
    ),
    ("P614", "名称“{label}”已是“{id}”的名称", "the name '{label}' is that of '{id}' already"),
    (
        "P520",
        "案例提到不存在的兑换项目或礼遇“{id}”；有：{known}",
        "no offer and no perk is called '{id}'; there are {known}",
    ),
    ("P521", "写了余额或收支，却没有写明是哪个账户", "a balance or moves are told, but not of which account"),
    # P640 on: perks, accounts, redemption, menu
    ("P640", "没有账户“{id}”；有：{known}", "there is no account '{id}'; accounts are {known}"),
    (
        "P641",
        "不能向“{id}”借用：须是单位相同的公共池账户",
        "'{id}' lends nothing: only a pool in the same unit does",
    ),
    ("P642", "此处以{found}计，而账户以{unit}计", "this is in {found}, but the account is kept in {unit}"),
    ("P643", "账户“{account}”没有写明可用于{gives}", "the account '{account}' is not spent on {gives}"),
    ("P644", "不会到期的账户没有先到期的一笔", "nothing of this account expires, so nothing of it expires first"),
    (
        "P645",
        "须写两天：[开始, 结束]，如 [01-01, 01-31]",
        "two days are needed, the first and the last: [01-01, 01-31]",
    ),
    (
        "P646",
        "给付凭证的须写凭证有效期，给付其他的不写",
        "what gives a voucher says how long it is valid, and nothing else does",
    ),
    ("P647", "“{found}”不是每年的一天（写作 01-31）", "'{found}' is no day of the year such as 01-31"),
    ("P648", "次数须写其一：{known}；“至多”须同“每”一起写", "uses are one of {known}; at_most goes with per"),
    ("P649", "没有说对谁开放；至少写一项：{known}", "this does not say to whom it opens; it needs one of {known}"),
    ("P650", "没有礼遇“{id}”可供选择；有：{known}", "there is no perk '{id}' to choose; perks are {known}"),
    (
        "P651",
        "待审批的要先预留：账户“{account}”须写预留，票价和部分支付的下限须大于零，不写商户水位",
        "what waits for an approver is held: '{account}' needs holds, price and partial are above zero, no watermark",
    ),
    (
        "P652",
        "余额在账户“{account}”里会被花去，而记录值多少不看花了多少：上限请写该账户的“存储上限”，下限请写“不足”",
        "'{account}' spends of this balance, and what a record earns does not see it: a cap is its storage, a floor its"
        " shortfall",
    ),
    (
        "P653",
        "“{id}”须写“记为”：记录的审核从哪个状态开始，不止一个或一个也没有：{known}",
        "'{id}' has to say `recorded_as`: the review of records does not begin in one state only: {known}",
    ),
    (
        "P654",
        "“{id}”的记录状态为“{state}”，永远不计入时长，也没有环节从此开始：请写“记为”",
        "a record of '{id}' is in the state '{state}', where it never counts and no stage begins: say `recorded_as`",
    ),
    (
        "P655",
        "账户“{id}”逐条记入，来源“{measure}”须是合计类指标，不取最高一项，也不看上一周期或自上次授予起",
        "'{id}' is earned by record: '{measure}' has to be a sum, no best_of, of no previous period nor since_award",
    ),
    (
        "P656",
        "账户“{id}”由家庭合并，零头只能作废：“只计整数”不能写“零头结转”",
        "the family earns into '{id}' together: what is less than a whole unit is lost, and not rest_carried",
    ),
    (
        "P657",
        "账户“{id}”不能由家庭合并：须是个人或家庭的账户，且“来源”不是“无”",
        "'{id}' cannot be pooled: its holder has to be a person or a family, and it is earned_from something",
    ),
    # P600 on: calendar and review
    (
        "P600",
        "“{fact}”要按工作日历推算，而县区文件没有写明按哪国的节假日",
        "'{fact}' is reckoned by working days, but no county.yaml says which country's `holidays` count",
    ),
    ("P601", "没有国家代码“{found}”的节假日（如 CN）", "the holidays of a country '{found}' are not known; write CN"),
    ("P602", "活动期的名称“{name}”已另有含义", "the campaign '{name}' goes by a name that is taken"),
    ("P603", "服务评价只能写一条，另一条是“{first}”", "evaluation is said twice, first by '{first}'"),
    ("P604", "环节前后都是“{state}”", "this stage leads from '{state}' to itself"),
    ("P605", "随时可评价（{word}）就没有逾期", "what may come at any time ({word}) is never late"),
    (
        "P607",
        "“{id}”绕过公示“{notice}”：公示中的记录只有公示期满才转为“{state}”，同一状态也只公示一次",
        "'{id}' goes round the notice '{notice}': what is posted gets to '{state}' by the end of the notice only, once",
    ),
    ("P608", "公示“{of}”与记录的状态无关", "a notice of {of} takes no record from one state to another"),
    ("P606", "等次须由高到低", "grades go from high to low"),
    # P66x: commendation
    ("P660", "“{found}”不能分组；可用：{known}", "'{found}' makes no groups; those that do are {known}"),
    ("P661", "名额是固定数时，没有“{key}”", "a number of places has no '{key}': that is for a share"),
    (
        "P662",
        "会员数只有一个总数，不能分组取占比",
        "members are counted once for all: a share of them cannot be taken within groups",
    ),
    ("P663", "没有荣誉“{id}”；有：{known}", "there is no honour '{id}'; those that can be won are {known}"),
    (
        "P664",
        "推荐至的“{found}”不是下层办法的评选；有：{known}",
        "'{found}' is no commendation of a layer below; there are {known}",
    ),
    ("P665", "“{first}”已经是排序的依据", "'{first}' is ranked by already"),
    # P67x: layers
    ("P670", "写明改写，而上级没有“{id}”", "'{id}' overrides a statement, but no layer below has one of that id"),
    ("P671", "写明不改写，而上级已有“{id}”", "'{id}' overrides nothing, it says, but a layer below has that id"),
    # P620 on: stars and sanctions
    (
        "P620",
        "“持续”写“直至恢复”，就要写“恢复”，反之亦然",
        "a sanction that lasts until_restored says how it is restored, and no other does",
    ),
    ("P621", "按“{by}”授予时，“{key}”没有意义", "'{key}' means nothing where stars are awarded by {by}"),
    ("P622", "本阶梯没有 {star} 星", "the ladder has no star {star}"),
    (
        "P623",
        "“{measure}”授予之后重新起算，这一星次日就会失去：须写有效期，或“低于条件”写“保留”",
        "'{measure}' begins anew once the star is granted, which would be lost again: say how long it is valid",
    ),
    (
        "P624",
        "只能从时长或积分中扣：“{measure}”两者都不是",
        "what is paid comes from hours or points; '{measure}' is neither",
    ),
    (
        "P625",
        "“{id}”的情形不看任何指标，没有可修复的记录",
        "the condition of '{id}' asks no measure, so that no record could be repaired",
    ),
    (
        "P626",
        "修复从“{measure}”中扣，它须是合计类指标",
        "a repair is paid out of '{measure}', which has to be a sum",
    ),
    (
        "P627",
        "撤销的记录总是从基数中扣除，只能写“是”",
        "a revoked record is always taken from what a star rests on: say yes",
    ),
    (
        "P331",
        "只有日期才能写“之后”，{fact} 不是日期",
        "only a day can be compared with so long after another; {fact} is none",
    ),
    (
        "P332",
        "“{id}”之前没有计分的条文，限次就没有作用；请排在计分之后",
        "'{id}' limits nothing: no statement before it earns points; put it after them",
    ),
    (
        "P333",
        "“{id}”要限制“{of}”，而它之前没有这条计分的条文；有：{known}",
        "'{id}' limits '{of}', but no statement of that name earns points before it; there are {known}",
    ),
    # P4xx: what no matcher can evaluate
    *MATCHING_PROBLEMS,
    # P5xx: cases
    ("P501", "案例名“{name}”用了两次", "the case '{name}' stands twice"),
    ("P502", "案例须写且只写一项：记录、多条记录或已知", "a case has exactly one of record, records and given"),
    ("P503", "没有时刻的记录，而办法 {clause} 要看时刻", "this record has no times of day, but {clause} asks for them"),
    ("P504", "案例提到不存在的条文“{id}”", "the case names a statement '{id}' that does not exist"),
    ("P505", "案例没有写明应得什么", "the case does not say what is expected"),
    ("P506", "记录要写申报时长，或开始和结束", "a record needs a duration, or start and end"),
    ("P507", "没有案例：须有 cases.yaml", "there are no cases: a county proves itself with cases.yaml"),
    ("P508", "记录晚于案例的日期 {on}", "the record is later than the case's day {on}"),
    ("P509", "申报时长比开始至结束的时间还长", "the duration is longer than the time from start to end"),
    ("P514", "条文“{id}”没有案例所问的；可问：{known}", "'{id}' does not say what the case asks; ask {known}"),
    ("P515", "“{key}”要与“{other}”同写", "'{key}' goes together with '{other}'"),
    ("P525", "候选人写记录或已知之一", "a candidate has records, or measures given outright, not both"),
    (
        "P526",
        "“{id}”的名额按会员数取占比，案例没有写会员数",
        "the quota of '{id}' is a share of the members; say how many",
    ),
    ("P527", "候选人“{id}”写了两次", "the candidate '{id}' stands twice"),
    (
        "P528",
        "案例写了被服务人，候选人就是来服务的，自己不再写被服务人",
        "the candidates might serve the recipient of the case; none of them has a recipient of their own",
    ),
)
