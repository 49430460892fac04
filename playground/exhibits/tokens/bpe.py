"""How does a tokenizer learn its vocabulary? Byte pair encoding begins with single characters or bytes, counts which
two neighbours stand together most often, makes them one symbol, and does it again.

What does each step change? The corpus shows the words as they are cut after that step, the list beside it the pairs
that competed. The curve falls steeply at first and then flattens: the first merges shorten every text, the last ones
only a few.

Where does a symbol come from? Every symbol is a small tree: the merge that made it, the merges that made its two
halves, down to single units.

Notice that nothing here knows about syllables or meaning, yet endings such as "est" appear because they are frequent.
Equal counts are decided by a fixed rule (the later pair in Unicode order), so that the same text always gives the
same vocabulary.
"""

from pydantic import Field

from playground.domain.exhibit import Exhibit
from playground.domain.knobs import Knobs
from playground.domain.tokenization import bpe, words
from playground.exhibits.tokens._choice import MAX_CHARACTERS
from playground.exhibits.tokens._learning import Learning, learning

INLINE_CHARACTERS = 4_000
"""Learned in a few milliseconds; more is learned in a process of its own."""
EXAMPLE = (
    "low low low low low lower lower newest newest newest newest newest newest widest widest widest "
    "机器学习 机器学习 机器翻译 深度学习"
)


class Params(Knobs):
    """The corpus, and how it is cut into words and units before the first merge."""

    text: str = Field(EXAMPLE, title="Corpus", min_length=1, max_length=MAX_CHARACTERS)
    merges: int = Field(20, title="Merges", ge=0, le=10_000)
    unit: words.Unit = Field("characters", title="Begin with")
    spaces: words.Spaces = Field(
        "drop", title="Spaces", description="Part words at spaces, or keep a word's leading space."
    )
    least: int = Field(1, title="Least count", description="Pairs that stand less often are not merged.", ge=1, le=1000)
    rivals: int = Field(8, title="Pairs shown at each step", ge=1, le=20)


class Result(Learning):
    """The whole training, step by step."""


def run(params: Params) -> Result:
    """Learn the merges."""
    counted = words.count(params.text, unit=params.unit, spaces=params.spaces)
    learned = bpe.learn(counted, params.merges, least=params.least, rivals=params.rivals)
    steps = [(m.left, m.right, m.product, m.times, m.tokens) for m in learned.merges]
    rivals = [merge.rivals for merge in learned.merges]
    found = learning(counted, learned.symbols, learned.alphabet, steps, rivals, learned.tokens, params.unit)
    return Result.model_validate(found.model_dump())


exhibit = Exhibit(
    title="How BPE learns",
    summary="The most frequent pair becomes one symbol, step by step, on your own text.",
    run=run,
    apart=lambda params: len(params.text) > INLINE_CHARACTERS,
)
