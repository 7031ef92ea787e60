"""What a condition cannot be: the refusals that both matchers share, as rows of the table of problems.

Plain rows of (code, Chinese, English), so that `rules.problems` can take them in without a cycle; braces name details.
"""

from __future__ import annotations

MATCHING_PROBLEMS: tuple[tuple[str, str, str], ...] = (
    (
        "P401",
        "规则“{rule}”：“{group}”下面没有任何条件",
        "rule '{rule}': '{group}' has no condition under it",
    ),
    (
        "P402",
        "规则“{rule}”：事实“{fact}”的可选值列表为空",
        "rule '{rule}': the list of values for fact '{fact}' is empty",
    ),
    (
        "P403",
        "规则“{rule}”：事实“{fact}”是文字，只能判断相等，不能用“{operator}”比较大小",
        "rule '{rule}': fact '{fact}' is text and knows only equality, not '{operator}'",
    ),
    (
        "P404",
        "规则“{rule}”：事实“{fact}”是数值（{type}），不能与文字比较",
        "rule '{rule}': fact '{fact}' is a number ({type}) and cannot be compared with text",
    ),
    (
        "P405",
        "规则“{rule}”：事实“{fact}”是文字，不能与数值比较",
        "rule '{rule}': fact '{fact}' is text and cannot be compared with a number",
    ),
    (
        "P406",
        "规则“{rule}”：事实“{fact}”的比较值既不是文字也不是整数",
        "rule '{rule}': fact '{fact}' is compared with what is neither text nor a whole number",
    ),
    (
        "P407",
        "规则“{rule}”：事实“{fact}”的比较值超出 64 位整数范围",
        "rule '{rule}': fact '{fact}' is compared with a number beyond 64 bits",
    ),
    (
        "P408",
        "规则“{rule}”：事实“{fact}”的比较文字有 {bytes} 字节，最多 {bytes_max} 字节",
        "rule '{rule}': fact '{fact}' is compared with text of {bytes} bytes; at most {bytes_max} are allowed",
    ),
    (
        "P409",
        "规则“{rule}”：事实“{fact}”的比较文字含有空字符或不成对的代理字符",
        "rule '{rule}': fact '{fact}' is compared with text that holds NUL or half a surrogate pair",
    ),
    (
        "P410",
        "规则“{rule}”：事实“{fact}”是比值，应先化为整数比较，不能直接匹配",
        "rule '{rule}': fact '{fact}' is a quotient and must be compared as whole numbers before it is matched",
    ),
    (
        "P411",
        "规则“{rule}”：条件嵌套超过 {depth_max} 层",
        "rule '{rule}': conditions are nested deeper than {depth_max}",
    ),
    (
        "P412",
        "规则“{rule}”：条件展开后的组合超过 {alternatives_max} 种，请拆成几条规则",
        "rule '{rule}': the condition has more than {alternatives_max} alternatives; split it into several rules",
    ),
    (
        "P413",
        "规则“{rule}”：事实“{fact}”的比较值还分日期，应先取当日的值",
        "rule '{rule}': the value for fact '{fact}' is still dated; it must be resolved for a day first",
    ),
    (
        "P414",
        "规则“{rule}”：没有名为“{fact}”的事实",
        "rule '{rule}': there is no fact named '{fact}'",
    ),
    (
        "P415",
        "规则名“{rule}”重复，另见 {other}",
        "rule name '{rule}' is used twice; see also {other}",
    ),
    (
        "P416",
        "规则“{rule}”：事实“{fact}”的可选值有 {values} 个，最多 {values_max} 个，请改用表格",
        "rule '{rule}': fact '{fact}' has {values} admissible values; at most {values_max} are allowed, use a table",
    ),
    (
        "P417",
        "规则“{rule}”：用到 {facts} 个事实，最多 {facts_max} 个",
        "rule '{rule}': {facts} facts are asked; at most {facts_max} are allowed",
    ),
    (
        "P418",
        "规则“{rule}”：同时满足的可选值列表有 {lists} 个，最多 {lists_max} 个",
        "rule '{rule}': {lists} lists of values must hold together; at most {lists_max} are allowed",
    ),
)
