"""How a conversation is written out as one text, and which parts of that text are learned.

A template is a text with places. Either it holds one question and one answer, in which case it names the answer,
{output} or {completion}, and before it any of {instruction}, {input}, {prompt} (both of them) and {system}; a part
between {#input} and {/input} stays only where there is an input. Or it holds one turn, {role} and {content}, and is
repeated for each. What is learned is the answer and what the template puts after it, so that the model learns to stop.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from playground.domain.errors import BadInput
from playground.domain.instructions.records import Record, Turn, refusal

MAX_CHARACTERS = 4_000
NAMED = {
    "alpaca": (
        "Below is an instruction that describes a task{#input}, paired with an input that provides further context"
        "{/input}. Write a response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n"
        "{#input}### Input:\n{input}\n\n{/input}### Response:\n{output}"
    ),
    "chatml": "<|im_start|>{role}\n{content}<|im_end|>\n",
    "plain": "{prompt}\n{completion}",
}
"""Alpaca's own words, OpenAI's markers, and a question with its answer on the next line."""

ASKED = ("instruction", "input", "prompt", "system")
ANSWERS = ("output", "completion")
TURN = ("role", "content")
_PLACE = re.compile(r"\{([#/]?)([A-Za-z_]\w*)\}")


@dataclass(frozen=True)
class Span:
    """A stretch of text that is learned, or only read."""

    text: str
    learned: bool


@dataclass(frozen=True)
class Piece:
    """A part of a template: a literal text, or a place; `within` are the sections around it."""

    text: str
    place: bool
    within: tuple[str, ...] = ()


@dataclass(frozen=True)
class Template:
    """A template that has been checked: what stands before the answer (or content), and after it."""

    before: tuple[Piece, ...]
    after: tuple[Piece, ...]
    turns: bool

    def spans(self, record: Record) -> list[Span]:
        """A conversation written out. Raises BadInput, naming the row, for one that the template has no room for."""
        if self.turns:
            return list(self._dialogue(record))
        system, (user, assistant) = _parted(record)
        prompt = _fill(self.before, _values(user, record.input, system))
        return [Span(prompt, False), Span(assistant + _fill(self.after, {}), True)]

    def prompt(self, turns: tuple[Turn, ...], about: str = "") -> str:
        """What the model reads before it answers: a conversation that ends with the user's turn."""
        if self.turns:
            said = "".join(self._head(turn) + turn.content + self._foot(turn) for turn in turns)
            return said + self._head(Turn("assistant", ""))
        values = _values(turns[-1].content, about, next((turn.content for turn in turns if turn.role == "system"), ""))
        return _fill(self.before, values)

    def _dialogue(self, record: Record) -> Iterator[Span]:
        for index, turn in enumerate(record.turns):
            foot, answer = self._foot(turn), turn.role == "assistant"
            end = foot.rstrip()
            yield Span(self._head(turn), False)
            yield Span(turn.content + end, answer)
            if index + 1 < len(record.turns):
                yield Span(foot[len(end) :], False)

    def _head(self, turn: Turn) -> str:
        return _fill(self.before, {"role": turn.role})

    def _foot(self, turn: Turn) -> str:
        return _fill(self.after, {"role": turn.role})


@lru_cache(maxsize=64)
def parse(given: str) -> Template:
    """A template by its name or its own text. Raises BadInput with what is wrong with it."""
    pieces = list(_pieces(NAMED.get(given, given)))
    places = [piece.text for piece in pieces if piece.place]
    if any(place in TURN for place in places):
        if places != list(TURN) or any(piece.within for piece in pieces):
            raise _wrong("A template of turns has {role} and then {content}, once each, and nothing else in braces.")
        return Template(*_around(pieces, "content"), turns=True)
    answers = [place for place in places if place in ANSWERS]
    if len(answers) != 1:
        raise _wrong(
            "The template leaves the completion out: {output} or {completion} must stand in it."
            if not answers
            else "The completion stands in the template more than once."
        )
    if places[-1] != answers[0] or any(piece.within for piece in pieces if piece.place and piece.text in ANSWERS):
        raise _wrong("The completion must be the last of the template's places, and in no section.")
    return Template(*_around(pieces, answers[0]), turns=False)


def chat_template(given: str, begin: str, end: str) -> str:
    """The same template for transformers' `apply_chat_template`, which is written in Jinja.

    `begin` stands before a text, `end` ends it. A template for one question is written anew for each of the user's.
    """
    template = parse(given)
    if template.turns:
        body = f"{_jinja(template.before)}{{{{ message['content'] }}}}{_jinja(template.after)}"
        asking = _jinja(template.before, role="assistant")
        return (
            f"{_quoted(begin)}{{% for message in messages %}}{body}{{% endfor %}}"
            f"{{% if add_generation_prompt %}}{asking}{{% endif %}}"
        )
    system = "{% if message['role'] == 'system' %}{% set ns.system = message['content'] %}"
    asked = f"{{% elif message['role'] == 'user' %}}{_jinja(template.before)}"
    answered = f"{{% else %}}{{{{ message['content'] }}}}{_jinja(template.after)}{_quoted(end)}{{% endif %}}"
    each = f"{{% for message in messages %}}{system}{asked}{answered}{{% endfor %}}"
    return f"{{% set ns = namespace(system='') %}}{_quoted(begin)}{each}"


def _pieces(text: str) -> Iterator[Piece]:
    """The parts of a template in order. Raises BadInput for unknown places and sections that do not close."""
    if len(text) > MAX_CHARACTERS:
        raise _wrong(f"A template has at most {MAX_CHARACTERS:,} characters.")
    within: tuple[str, ...] = ()
    at = 0
    for match in _PLACE.finditer(text):
        if match.start() > at:
            yield Piece(text[at : match.start()], False, within)
        at = match.end()
        sort, name = match.groups()
        if name not in (*ASKED, *ANSWERS, *TURN) or (sort and name not in ASKED):
            known = ", ".join(f"{{{place}}}" for place in (*ASKED, *ANSWERS, *TURN))
            raise _wrong(f"The template has no place {match.group()}; there are: {known}.")
        if sort == "/" and within[-1:] != (name,):
            raise _wrong(f"The section {match.group()} of the template was not begun.")
        if not sort:
            yield Piece(name, True, within)
        within = (*within, name) if sort == "#" else within[:-1] if sort == "/" else within
    if within:
        raise _wrong(f"The section {{#{within[-1]}}} of the template does not end.")
    if at < len(text):
        yield Piece(text[at:], False)


def _around(pieces: list[Piece], name: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    middle = next(index for index, piece in enumerate(pieces) if piece.place and piece.text == name)
    return tuple(pieces[:middle]), tuple(pieces[middle + 1 :])


def _values(instruction: str, about: str, system: str) -> dict[str, str]:
    prompt = f"{instruction}\n{about}" if about else instruction
    return {"instruction": instruction, "input": about, "prompt": prompt, "system": system}


def _fill(pieces: tuple[Piece, ...], values: dict[str, str]) -> str:
    kept = (piece for piece in pieces if all(values.get(section) for section in piece.within))
    return "".join(values.get(piece.text, "") if piece.place else piece.text for piece in kept)


def _parted(record: Record) -> tuple[str, tuple[str, str]]:
    """System text, question and answer of a conversation of one question."""
    system = "\n".join(turn.content for turn in record.turns if turn.role == "system")
    said = [turn for turn in record.turns if turn.role != "system"]
    if [turn.role for turn in said] != ["user", "assistant"]:
        raise refusal(
            f"Row {record.number} of the corpus is not one question with one answer, and the template has room for no "
            "more. Take the template chatml."
        )
    return system, (said[0].content, said[1].content)


def _jinja(pieces: tuple[Piece, ...], role: str | None = None) -> str:
    """Parts of a template as Jinja; a chat knows no input, so sections about one are left out."""
    places = {
        "role": "{{ message['role'] }}" if role is None else role,
        "instruction": "{{ message['content'] }}",
        "prompt": "{{ message['content'] }}",
        "system": "{{ ns.system }}",
    }
    written = []
    for piece in pieces:
        if "input" in piece.within:
            continue
        text = places.get(piece.text, "") if piece.place else _quoted(piece.text)
        asked = "{% if ns.system %}" if "system" in piece.within else ""
        written.append(f"{asked}{text}{'{% endif %}' if asked else ''}")
    return "".join(written)


def _quoted(text: str) -> str:
    """A literal text inside Jinja, whatever braces it has."""
    return f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}" if text else ""


def _wrong(message: str) -> BadInput:
    return BadInput(message, {"template": [message]})
