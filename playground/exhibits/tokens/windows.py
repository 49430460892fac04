"""What if a text is longer than the model can read? A model has a window of so many tokens. A longer text must be cut
off, or read in several windows that overlap.

What does an overlap cost? Cutting off is cheap and loses everything after the window. Windows keep everything, and
the overlap lets each one begin with what the last one saw; what overlaps is read twice, and paid for twice.

Notice that the cuts fall between tokens, wherever the count says: in the middle of a sentence, often of a word. Every
window needs the tokenizer's special tokens again, which leaves less room for text.
"""

from pydantic import BaseModel, Field

from playground.domain.errors import BadInput
from playground.domain.exhibit import Exhibit
from playground.domain.knobs import Knobs
from playground.domain.tokenization.cut import Cut
from playground.domain.tokenization.tokenizer import Shelf
from playground.exhibits.tokens._choice import TokenizerId

EXAMPLE = (
    "Every morning the ferryman counts his passengers. On Monday there were nine, among them a clock maker with a "
    "heavy box. On Tuesday there were four. On Wednesday nobody came, and he rowed across alone to see whether the "
    "other shore was still there. It was. "
    "每天早晨，摆渡人都要数一数乘客。星期一有九个，其中有一位钟表匠，带着一只沉重的箱子。"
    "星期二有四个。星期三一个人也没来，他便独自划过河去，看看对岸还在不在。对岸还在。"
)
MAX_WINDOWS = 2_000


class Params(Knobs):
    """The text, the window and the overlap of neighbouring windows, in tokens."""

    text: str = Field(EXAMPLE, title="Text", min_length=1, max_length=100_000)
    tokenizer: TokenizerId = Field("bpe-mixed", title="Tokenizer")
    window: int = Field(48, title="Window", ge=2, le=32_768, json_schema_extra={"unit": "tokens"})
    overlap: int = Field(12, title="Overlap", ge=0, le=32_768, json_schema_extra={"unit": "tokens"})


class Window(BaseModel):
    """Tokens `first` up to but without `last`, characters `start` to `end`; the first `shared` were in the last
    window too.

    `inside_word`: whether the window begins in the middle of a word.
    """

    first: int
    last: int
    start: int
    end: int
    shared: int
    inside_word: bool


class Result(BaseModel):
    """The windows; `lost` is what one window alone would leave out, in tokens and characters.

    `read` counts tokens with overlaps and special tokens; `cost` is `read` over the text's own tokens. `attention`
    compares the pairs of positions that attention looks at: all windows together over one long text.
    """

    tokens: int
    special: int
    room: int
    windows: list[Window]
    lost_tokens: int
    lost_characters: int
    read: int
    cost: float
    attention: float


def run(params: Params, shelf: Shelf) -> Result:
    """Lay the windows over the text. Raises BadInput where they could not move on."""
    tokenizer = shelf.open(params.tokenizer)
    cut = tokenizer.cut(params.text, special=False)
    special = len(tokenizer.cut("", special=True).ids)
    room = params.window - special
    if room <= params.overlap:
        told = (
            f"A window of {params.window} holds {max(room, 0)} tokens of text; the overlap must be smaller than that."
        )
        raise BadInput("The windows would not move on.", {"overlap": [told]})
    total = len(cut.ids)
    stride = room - params.overlap
    if total > room + stride * MAX_WINDOWS:
        raise BadInput("That makes too many windows.", {"window": [f"At most {MAX_WINDOWS:,} windows are laid out."]})
    windows: list[Window] = []
    first = 0
    while True:
        last = min(first + room, total)
        windows.append(_window(cut, first, last, min(params.overlap, last - first) if first else 0))
        if last >= total:
            break
        first += stride
    read = sum(window.last - window.first + special for window in windows)
    pairs = sum((window.last - window.first + special) ** 2 for window in windows)
    return Result(
        tokens=total,
        special=special,
        room=room,
        windows=windows,
        lost_tokens=max(0, total - room),
        lost_characters=len(params.text) - windows[0].end if total > room else 0,
        read=read,
        cost=round(read / max(1, total), 4),
        attention=round(pairs / max(1, total + special) ** 2, 4),
    )


def _window(cut: Cut, first: int, last: int, shared: int) -> Window:
    complete, text = cut.text.complete, cut.text.text
    start = int(complete[cut.byte_starts[first]]) if first < len(cut.ids) else len(text)
    end = int(complete[cut.byte_ends[last - 1]]) if last else 0
    joined = 0 < start < len(text) and text[start - 1].isalnum() and text[start].isalnum()
    return Window(first=first, last=last, start=start, end=end, shared=shared, inside_word=joined)


exhibit = Exhibit(
    title="Longer than the window",
    summary="A long text cut into overlapping windows: what is lost, what is read twice.",
    run=run,
    apart=lambda params: len(params.text) > 20_000,
)
