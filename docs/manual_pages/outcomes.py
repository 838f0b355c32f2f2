"""How a run may end: exit codes, alarms, causes of what was not observed."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

from pipeline import cli
from pipeline.model.cause import Cause
from pipeline.run import alarm

from .words import Lang, Pair, anchored, code, table, whole_page

#: What each exit code means, by the name that the command line has for it.
EXITS = {
    "OK": Pair("完成", "done"),
    "OWN_FAULT": Pair(
        "程序自身故障；加 --debug 可看位置，请反馈",
        "a fault of the program's own; --debug shows where, please report it",
    ),
    "REFUSED": Pair(
        "输入被拒：一句话说明哪个文件、哪一项、怎么改", "input refused: one message names file, key and remedy"
    ),
    "INCOMPLETE": Pair(
        "完成，但有分幅失败，或观测太少、结论不可靠；再运行一次只处理失败的分幅",
        "finished, but tiles failed or too little was observed to say anything; run again: only failed tiles are tried",
    ),
    "INTERRUPTED": Pair("被中断；同一命令接着做", "interrupted; the same command goes on"),
}


def page(lang: Lang) -> str:
    """The whole page."""
    exits = [(code(getattr(cli, name)), text.of(lang)) for name, text in EXITS.items()]
    causes = [(code(c.value), Pair(c.zh, c.en).of(lang), code(c.column)) for c in Cause]
    alarms = [(anchored(name), said.of(lang), remedy.of(lang)) for name, said, remedy in alarms_of()]
    return whole_page(
        lang,
        Pair("结果、警示与退出码", "Results, alarms and exit codes"),
        Pair(
            "任务结束时的退出码；警示（ALARM）在终端、`run.json`、`index.html` 中；未观测的原因在 `coverage.csv` 中。",
            "How a command ends; alarms (ALARM) stand on the terminal, in `run.json` and in `index.html`; causes of"
            " what was not observed in `coverage.csv`.",
        ),
        Pair("## 退出码", "## Exit codes").of(lang) + " {#exit-codes}",
        table((Pair("退出码", "code"), Pair("含义", "meaning")), exits, lang),
        Pair("## 警示", "## Alarms").of(lang) + " {#alarms}",
        Pair("“…”处是当次的数字或名称。", "“…” stands for the run's own figures and names.").of(lang),
        table((Pair("代码", "code"), Pair("说什么", "what it says"), Pair("怎么办", "what to do")), alarms, lang),
        Pair("## 未观测的原因", "## Causes of what was not observed").of(lang) + " {#causes}",
        table(
            (Pair("代码", "code"), Pair("原因", "cause"), Pair("coverage.csv 的列", "column of coverage.csv")),
            causes,
            lang,
        ),
    )


def alarms_of() -> Iterator[tuple[str, Pair, Pair]]:
    """Code, text and remedy of each alarm, read off the code that raises it; figures are ``…``.

    A remedy that depends on the cause is told as all its forms.
    """
    remedies = Pair(*(" ".join(dict.fromkeys(one[at] for one in alarm._REMEDY.values())) for at in (0, 1)))  # noqa: SLF001
    for call in ast.walk(ast.parse(inspect.getsource(alarm))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Alarm":
            name, zh, en, *rest = call.args
            own = [_text(part) for part in rest if not isinstance(part, ast.Starred)]
            for one in (name.body, name.orelse) if isinstance(name, ast.IfExp) else (name,):
                yield _text(one), Pair(_text(zh), _text(en)), Pair(*own) if own else remedies


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    return "…"
