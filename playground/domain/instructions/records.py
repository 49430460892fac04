"""The rows of a JSONL file as conversations, in the three forms that such files have.

Alpaca (Taori et al., 2023): instruction, perhaps input, and output. Messages: a list of turns with a role and a
content, as chat services take them. Prompt and completion: two texts. A row that is none of these is refused by its
number.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

from playground.domain.errors import BadInput

Form = Literal["alpaca", "chatml", "plain"]

KEYS: dict[Form, tuple[str, ...]] = {
    "alpaca": ("instruction", "output"),
    "chatml": ("messages",),
    "plain": ("prompt", "completion"),
}
"""What a row must have to be of a form."""
ROLES = frozenset({"system", "user", "assistant"})
MAX_LINE = 1 << 22
"""Characters of the longest line that is looked at: what is longer is no row of a table."""
SHOWN_KEYS = 8
"""Keys of a strange row that a refusal names."""


@dataclass(frozen=True)
class Turn:
    """What one side says."""

    role: str
    content: str


@dataclass(frozen=True)
class Record:
    """A row: the turns of a conversation; `input` is what an instruction of Alpaca's form is about."""

    number: int
    turns: tuple[Turn, ...]
    input: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to learn: no answer has a visible character."""
        return not any(turn.content.strip() for turn in self.turns if turn.role == "assistant")


def form_of(row: dict[str, Any]) -> Form | None:
    """The form of a row, by its keys."""
    return next((form for form, keys in KEYS.items() if all(key in row for key in keys)), None)


def read(line: str, number: int, form: Form | None) -> Record | None:
    """A line of the file; None for an empty one. `form` is the one that is expected, None for any.

    Raises BadInput naming the row.
    """
    if not line.strip():
        return None
    row = parse(line)
    if row is None:
        raise refusal(f"Row {number} of the corpus is not a JSON object.")
    found = form or form_of(row)
    keys = ", ".join(ascii(key)[1:-1][:40] if not key.isprintable() else key[:40] for key in [*row][:SHOWN_KEYS]) or "–"
    if found is None:
        raise refusal(
            f"Row {number} of the corpus has none of the known pairs of keys (instruction and output, prompt and "
            f"completion) and no messages. Its keys: {keys}."
        )
    missing = next((key for key in KEYS[found] if key not in row), None)
    if missing is not None:
        raise refusal(f"Row {number} of the corpus lacks the key {missing}. Its keys: {keys}.")
    if found == "chatml":
        return Record(number, _turns(row["messages"], number))
    asked, answer = (_text(row, key, number) for key in KEYS[found])
    about = _text(row, "input", number) if found == "alpaca" and row.get("input") is not None else ""
    system = (Turn("system", _text(row, "system", number)),) if row.get("system") else ()
    return Record(number, (*system, Turn("user", asked), Turn("assistant", answer)), about)


def parse(line: str) -> dict[str, Any] | None:
    """The object that a line is, or None."""
    try:
        row = json.loads(line.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _turns(messages: Any, number: int) -> tuple[Turn, ...]:
    """The turns up to the last one of the assistant: nothing can be learned from what follows it."""
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise refusal(f"Row {number} of the corpus: its messages are not a list of objects.")
    turns = []
    for message in messages:
        role = message.get("role")
        if role not in ROLES:
            raise refusal(f"Row {number} of the corpus: the role of a message is system, user or assistant.")
        turns.append(Turn(role, _text(message, "content", number)))
    last = max((index for index, turn in enumerate(turns) if turn.role == "assistant"), default=None)
    if last is None:
        raise refusal(f"Row {number} of the corpus has no message of the assistant to learn from.")
    return tuple(turns[: last + 1])


def _text(row: dict[str, Any], key: str, number: int) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise refusal(f"Row {number} of the corpus: the value of {key} is not a text.")
    try:
        value.encode()
    except UnicodeEncodeError:  # JSON can name half a character, and no tokenizer takes one
        said = f"Row {number} of the corpus: the value of {key} contains characters that do not exist."
        raise refusal(said) from None
    return value


def refusal(message: str) -> BadInput:
    """The error for a corpus that cannot be learned from."""
    return BadInput(message, {"corpus": [message]})
