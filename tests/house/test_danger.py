"""What must not stand anywhere in the tree, because it runs or believes what somebody else wrote.

Python is read as a syntax tree, so that a comment or `model.eval()` is not taken for the function.
"""

import ast
import re
from collections.abc import Iterator

from tests.house.tree import files, name

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {
    ("torch", "load"): "weights are safetensors",
    ("torch", "save"): "weights are safetensors",
    ("yaml", "load"): "yaml.safe_load",
    ("os", "system"): "subprocess with a list",
}
ATTRIBUTES = {"select_for_update": "rows change by conditional UPDATE", "mark_safe": "user text is text"}
KEYWORDS = {"shell": "a list of arguments", "allow_pickle": "plain arrays", "trust_remote_code": "never"}


def _dangers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names if alias.name.split(".")[0] in MODULES)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in MODULES:
                yield node.lineno, module
            case ast.Call(func=ast.Name(id=called)) if called in CALLS:
                yield node.lineno, called
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute) if (owner, attribute) in METHODS:
                yield node.lineno, f"{owner}.{attribute}: {METHODS[owner, attribute]}"
            case ast.Attribute(attr=attribute) if attribute in ATTRIBUTES:
                yield node.lineno, f"{attribute}: {ATTRIBUTES[attribute]}"
            case ast.keyword(arg=str(keyword), value=value) if keyword in KEYWORDS:
                if not (isinstance(value, ast.Constant) and value.value is False):
                    yield value.lineno, f"{keyword}: {KEYWORDS[keyword]}"


def test_python_runs_and_unpickles_nothing_from_outside() -> None:
    found = [
        f"{name(path)}:{line}: {what}"
        for path in files(".py")
        # The tests of what strangers bring write such files on purpose.
        if path.name != "test_intake.py"
        for line, what in _dangers(ast.parse(path.read_text()))
    ]
    assert not found


def test_the_check_finds_what_it_looks_for() -> None:
    code = (
        "import pickle\neval(x)\ntorch.load(p)\nq.select_for_update()\nrun(c, shell=True)\nm.eval()\nf(shell=False)\n"
    )
    assert [line for line, _ in _dangers(ast.parse(code))] == [1, 2, 3, 4, 5]


def test_pages_write_user_text_as_text() -> None:
    unsafe = re.compile(
        r"\{@html|\binnerHTML\b|\bouterHTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function\(|\|safe\b"
    )
    found = [
        f"{name(path)}: {hit.group()}"
        for path in files(".ts", ".svelte", ".html")
        if "tests" not in path.parts
        for hit in unsafe.finditer(path.read_text())
    ]
    assert not found


def test_pages_ask_no_other_server() -> None:
    """Addresses stand in comments and licence texts only, never where a page would fetch them."""
    fetched = re.compile(r"""(?:src|href|url)\s*[=(:]\s*["']?(?:https?:)?//[a-z]""", re.IGNORECASE)
    found = [
        f"{name(path)}: {hit.group()}"
        for path in files(".ts", ".svelte", ".html", ".css")
        for hit in fetched.finditer(path.read_text())
    ]
    assert not found
