"""How does a model know who is speaking? It does not: a conversation is one long text. A template writes the roles
into it with special tokens, and the model has learned to go on after the last one.

What if a marker is not in the vocabulary? Then it falls into ordinary pieces: the model reads the letters of a sign
that it has never seen.

Notice what happens when a message contains a marker itself. A tokenizer that does not tell the template's markers
from a visitor's text takes both for special: that is how a message can pretend to be somebody else.
"""

import json
import re
from datetime import datetime
from typing import Literal

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, Field

from playground.domain.errors import BadInput
from playground.domain.exhibit import Exhibit
from playground.domain.knobs import Knobs
from playground.domain.tokenization.tokenizer import Card, Shelf
from playground.exhibits.tokens._choice import TokenizerId
from playground.exhibits.tokens._shown import Piece, with_added

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
MAX_RENDERED = 200_000


class Message(Knobs):
    """One turn."""

    role: Literal["system", "user", "assistant"]
    content: str = Field(max_length=4_000)


CONVERSATION = [
    Message(role="system", content="You answer in one sentence."),
    Message(role="user", content="磨坊里有什么？"),
    Message(role="assistant", content="有一只猫。"),
    Message(role="user", content="And who lives by the mill?"),
]


class Params(Knobs):
    """A conversation and the template that writes it as one text. Without a template: the tokenizer's own, else
    ChatML.
    """

    messages: list[Message] = Field(CONVERSATION, title="Messages", min_length=1, max_length=40)
    template: str | None = Field(None, title="Template", max_length=20_000)
    tokenizer: TokenizerId = Field("bpe-mixed", title="Tokenizer")
    markers: bool = Field(
        True,
        title="Markers are tokens",
        description="Add the markers to the vocabulary, as a chat model has them.",
    )
    ask: bool = Field(True, title="Ask for an answer", description="End with the beginning of the assistant's turn.")


class Result(BaseModel):
    """The rendered text and its tokens; `overhead` is the share of tokens that the template adds to the messages'
    own.
    """

    template: str
    source: Literal["given", "tokenizer", "chatml"]
    rendered: str
    pieces: list[Piece]
    tokens: int
    special: int
    content_tokens: int
    overhead: float


def run(params: Params, shelf: Shelf) -> Result:
    """Render and cut. Raises BadInput with the template's own complaint."""
    tokenizer = shelf.open(params.tokenizer)
    own = tokenizer.card.template
    source: Literal["given", "tokenizer", "chatml"] = "given" if params.template else "tokenizer" if own else "chatml"
    template = params.template or own or CHATML
    messages = [message.model_dump() for message in params.messages]
    rendered = _render(template, messages, tokenizer.card, ask=params.ask)
    markers = _markers(template, rendered, tokenizer.card) if params.markers else {}
    found, total = with_added(tokenizer, rendered, markers, special=True)
    content = sum(len(tokenizer.cut(message.content, special=False).ids) for message in params.messages)
    return Result(
        template=template,
        source=source,
        rendered=rendered,
        pieces=found,
        tokens=total,
        special=sum(piece.special for piece in found),
        content_tokens=content,
        overhead=round(1 - content / total, 4) if total else 0.0,
    )


def _markers(template: str, rendered: str, card: Card) -> dict[str, int]:
    """The vocabulary's special tokens that were written, and the signs in brackets of the template, with their numbers.

    A sign that is new gets the next free one.
    """
    known = [name for name in card.special if name and name in rendered]
    names = dict.fromkeys([*known, *re.findall(r"<\|[^|<>]{1,40}\|>|\[/?[A-Z_]{2,20}\]", template)])
    new = [name for name in names if name not in card.special]
    return {name: card.special[name] for name in names if name in card.special} | {
        name: card.size + at for at, name in enumerate(new)
    }


def _render(template: str, messages: list[dict[str, str]], card: Card, *, ask: bool) -> str:
    """As transformers renders it: the same extensions and functions, in the sandbox."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.globals["raise_exception"] = _complain
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    environment.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
    special = card.special
    named = {
        "bos_token": next((name for name in ("<s>", "<|begin_of_text|>", "[CLS]") if name in special), ""),
        "eos_token": next((name for name in ("</s>", "<|endoftext|>", "<|im_end|>", "[SEP]") if name in special), ""),
        **card.named,
    }
    try:
        parts: list[str] = []
        length = 0
        for part in environment.from_string(template).generate(messages=messages, add_generation_prompt=ask, **named):
            length += len(part)
            if length > MAX_RENDERED:
                told = f"At most {MAX_RENDERED:,} characters."
                raise BadInput("The template writes too much.", {"template": [told]})
            parts.append(part)
    except (TemplateError, TypeError, ValueError, KeyError, ArithmeticError, RecursionError, MemoryError) as error:
        raise BadInput("The template cannot be used.", {"template": [str(error)[:300]]}) from None
    return "".join(parts)


def _complain(message: str) -> str:
    raise TemplateError(str(message)[:300])


exhibit = Exhibit(
    title="A conversation as one text",
    summary="Roles written with special tokens by a chat template, and what the model really reads.",
    run=run,
    # A template is a small program, so that it never runs in the web process.
    apart=lambda params: True,
)
