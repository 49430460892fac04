"""Finds the sentences that the parts without Django say to people: refusals and last words.

They are English with their numbers already in them, so a test cannot look them up; it makes an example of
each, with sevens for the numbers, and asks whether the catalogue recognises that.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

REFUSALS = {"BadInput", "NotFound", "Conflict", "Unavailable", "TooLarge", "Forbidden", "VitrineError", "Problem"}
SPEAKERS = REFUSALS | {"PydanticCustomError", "Failed", "refusal", "__init__"}
FOLDERS = ("playground/domain", "playground/jobs", "playground/exhibits", "workers")


def sentences(root: Path) -> Iterator[str]:
    """An example of each sentence."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and _name(node.func) in SPEAKERS:
                    for value in [*node.args, *(keyword.value for keyword in node.keywords)]:
                        said = example(value)
                        if " " in said:
                            yield said.replace("{reason}", "7")


def example(node: ast.expr) -> str:
    """A string literal, or an f-string with 7 in its places; empty for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    return ""


def _name(function: ast.expr) -> str:
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )
