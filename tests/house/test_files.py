"""Rules about every file: short enough to read in one go, nothing silenced, nothing put off."""

import ast
import re

from tests.house.tree import ROOT, files, name

CODE = (".py", ".ts", ".svelte", ".css", ".html")
MAX_LINES = 300
MAX_FUNCTION = 60
LOOP = ("workers/engine/train.py", 100)
"""The training loop is meant to be read from top to bottom, so it may be longer."""

# Spelt with brackets so that this file does not find itself.
SILENCED = {
    ".py": r"no[q]a|type: ignor[e]|pytest\.(ski[p]|xfai[l])|mark\.(ski[p]|xfai[l])|importorski[p]",
    ".ts": r"ts-ignor[e]|ts-nochec[k]|ts-expect-erro[r]|eslint-disabl[e]|\bas an[y]\b|\.(ski[p]|onl[y]|tod[o])\(",
    ".svelte": r"ts-ignor[e]|svelte-ignor[e]|eslint-disabl[e]|\bas an[y]\b",
    ".css": r"stylelint-disabl[e]",
}
PUT_OFF = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b|raise NotImplementedErro[r]")


def test_no_file_is_longer_than_one_can_read() -> None:
    long = {name(path): lines for path in files(*CODE) if (lines := len(path.read_text().splitlines())) > MAX_LINES}
    assert not long


def test_no_function_is_longer_than_a_page() -> None:
    long = {}
    for path in files(".py"):
        limit = LOOP[1] if name(path) == LOOP[0] else MAX_FUNCTION
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > limit:
                    long[f"{name(path)}: {node.name}"] = lines
    assert not long


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        name(path)
        for path in files(".py")
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


def test_no_check_is_silenced() -> None:
    found = []
    for ending, pattern in SILENCED.items():
        for path in files(ending):
            found += [f"{name(path)}: {hit.group()}" for hit in re.finditer(pattern, path.read_text())]
    assert not found


def test_nothing_is_put_off() -> None:
    found = [f"{name(path)}: {hit.group()}" for path in files(*CODE) for hit in PUT_OFF.finditer(path.read_text())]
    assert not found


def test_no_large_file_is_kept() -> None:
    assert not [name(path) for path in files("") if path.stat().st_size > 1_500_000]


def test_the_documents_are_there_and_name_the_commands() -> None:
    for document in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "DECISIONS.md", "LICENSE"]:
        assert (ROOT / document).stat().st_size > 500
    readme = (ROOT / "README.md").read_text()
    assert "make run" in readme
    assert "make test" in readme
