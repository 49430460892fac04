"""Are BPE and WordPiece the same? Both merge two neighbouring symbols, again and again. They differ in which two.

How does each of them choose? BPE takes the pair that stands most often. WordPiece divides by how often its parts
stand anyway: f(ab) / (f(a) f(b)). Two frequent letters meet often by chance; two rare ones that only ever meet each
other belong together.

Where do they part? BPE begins with frequent endings, WordPiece with rare characters that always stand side by side,
such as the two halves of a word that occurs once.

Notice what that means for a noisy text: WordPiece likes pairs that occur only once. Real vocabularies are therefore
trained with a least count; raise it and watch the choices become sensible.
"""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from playground.domain.exhibit import Exhibit
from playground.domain.knobs import Knobs
from playground.domain.tokenization import bpe, wordpiece, words
from playground.exhibits.tokens._choice import MAX_CHARACTERS
from playground.exhibits.tokens.bpe import EXAMPLE

INLINE_CHARACTERS = 3_000


class Params(Knobs):
    """One corpus for both."""

    text: str = Field(EXAMPLE, title="Corpus", min_length=1, max_length=MAX_CHARACTERS // 4)
    merges: int = Field(12, title="Merges", ge=1, le=2_000)
    least: int = Field(1, title="Least count", ge=1, le=1000)
    marked: bool = Field(
        False, title="Mark pieces inside a word", description="Keep “##a” apart from “a”, as BERT's vocabulary does."
    )


class Pair(BaseModel):
    """A candidate: its parts, how often it and they stand, and the score that WordPiece gives it."""

    left: str
    right: str
    count: int
    left_count: int | None
    right_count: int | None
    score: float | None


class Step(BaseModel):
    """One choice and the best candidates then, the chosen one first; `tokens` is the corpus' length afterwards."""

    chosen: Pair
    product: str
    tokens: int
    rivals: list[Pair]


class Result(BaseModel):
    """Both trainings; `parts_at` is the first step (from 0) where they take another pair, None where they never do."""

    bpe: list[Step]
    wordpiece: list[Step]
    parts_at: int | None
    tokens: int
    bpe_words: list[list[str]]
    wordpiece_words: list[list[str]]


def run(params: Params) -> Result:
    """Learn twice."""
    counted = words.count(params.text)
    merged = bpe.learn(counted, params.merges, least=params.least)
    scored = wordpiece.learn(counted, params.merges, least=params.least, marked=params.marked)
    left = [_merge(merged, step) for step in merged.merges]
    right = [_step(scored, step) for step in scored.steps]
    often = sorted(counted, key=lambda word: -counted[word])[:24]
    ranks = {
        (merged.symbols[step.left], merged.symbols[step.right]): rank
        for rank, step in reversed(list(enumerate(merged.merges)))
    }
    return Result(
        bpe=left,
        wordpiece=right,
        parts_at=_parting(left, right),
        tokens=merged.tokens,
        bpe_words=[bpe.apply(word, ranks) for word in often],
        wordpiece_words=[_cut(scored, word) for word in often],
    )


def _merge(learned: bpe.Bpe, step: bpe.Merge) -> Step:
    def pair(left: int, right: int, count: int) -> Pair:
        symbols = learned.symbols
        return Pair(
            left=symbols[left], right=symbols[right], count=count, left_count=None, right_count=None, score=None
        )

    rivals = [pair(*rival) for rival in step.rivals]
    chosen = pair(step.left, step.right, step.times)
    return Step(chosen=chosen, product=learned.symbols[step.product], tokens=step.tokens, rivals=rivals)


def _step(learned: wordpiece.WordPiece, step: wordpiece.Step) -> Step:
    def pair(found: wordpiece.Scored) -> Pair:
        return Pair(
            left=learned.piece(found.left),
            right=learned.piece(found.right),
            count=found.times,
            left_count=found.left_times,
            right_count=found.right_times,
            score=found.score,
        )

    rivals = [pair(rival) for rival in step.rivals]
    return Step(chosen=pair(step.chosen), product=learned.piece(step.product), tokens=step.tokens, rivals=rivals)


def _cut(learned: wordpiece.WordPiece, word: str) -> list[str]:
    """Greedy longest match over what has been learned; unmarked pieces are looked up as they are."""
    marked = not all(learned.starts)
    pieces = {learned.piece(number): number for number in range(len(learned.symbols))}
    vocabulary = pieces if marked else {**pieces, **{f"##{piece}": number for piece, number in pieces.items()}}
    parts = wordpiece.cut(word, vocabulary) or list(word)
    return parts if marked else [part.removeprefix("##") for part in parts]


def _parting(left: Sequence[Step], right: Sequence[Step]) -> int | None:
    for at, (one, other) in enumerate(zip(left, right, strict=False)):
        pairs = [(step.chosen.left.removeprefix("##"), step.chosen.right.removeprefix("##")) for step in (one, other)]
        if pairs[0] != pairs[1]:
            return at
    return None if len(left) == len(right) else min(len(left), len(right))


exhibit = Exhibit(
    title="BPE or WordPiece",
    summary="Two ways to choose the next merge, side by side, and the first step where they part.",
    run=run,
    apart=lambda params: len(params.text) > INLINE_CHARACTERS,
)
