"""Finds the sentences that the parts without Django say to people: refusals, last words, and lines of a run's log.

They are English with their numbers already in them, so a test cannot look them up; it makes an example of
each, with sevens for the numbers, and asks whether the catalogue recognises that.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

REFUSALS = {"BadInput", "NotFound", "Conflict", "Unavailable", "TooLarge", "Forbidden", "VitrineError", "Problem"}
SPEAKERS = REFUSALS | {"PydanticCustomError", "Failed", "refusal", "__init__", "log", "complain"}
PASSED_ON = {"note", "complaint"}
"""Variables with a sentence that is found where it is made: what a kind notes of a text, what is wrong with a file."""
FOLDERS = ("playground/domain", "playground/jobs", "playground/exhibits", "workers")


def sentences(root: Path) -> Iterator[str]:
    """An example of each sentence."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and (_name(node.func) in SPEAKERS or _notes(node.func)):
                    for value in [*node.args, *(keyword.value for keyword in node.keywords)]:
                        said = example(value)
                        if " " in said:
                            yield said.replace("{reason}", "7")


def unseen(root: Path) -> Iterator[str]:
    """Where a line of a run's log is no sentence in plain sight, so that nobody can say whether it is translated."""
    for path in sorted((root / "workers" / "engine").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("port.log"):
                said = node.args[0]
                passed = isinstance(said, ast.Name) and said.id in PASSED_ON
                if not (passed or " " in example(said)):
                    yield f"{path.relative_to(root)}:{node.lineno}"


def example(node: ast.expr) -> str:
    """A string literal, or an f-string with 7 in its places; empty for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    return ""


def _notes(function: ast.expr) -> bool:
    """Whether something is noted of a text, of which the owner of the run is told."""
    return isinstance(function, ast.Attribute) and function.attr == "append" and ast.unparse(function.value) == "notes"


def _name(function: ast.expr) -> str:
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )
