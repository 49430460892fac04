"""Filling in blanks: what a masked model takes to be the likeliest words, each blank by itself, given all the rest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from playground.domain.blanks import BLANK, Question, places, question
from playground.domain.errors import BadInput
from playground.domain.special import special_ids
from workers.engine.corpus import Text
from workers.engine.encoders import likeliest
from workers.engine.generate import Spoiled
from workers.engine.spelling import Spelling

NEAR_BYTES = 64 * 2**10
"""So much of the held-out text is looked through for a line to ask for."""


class Filler:
    """A masked model with its tokenizer, ready to fill in blanks."""

    def __init__(self, model: Any, tokenizer: Tokenizer, special: dict[str, int] | None = None) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._special = special_ids(tokenizer) if special is None else special
        self._spelling = Spelling(tokenizer)
        self._mask: str = tokenizer.id_to_token(self._special["mask"]) or BLANK

    def fill(self, text: str, count: int) -> dict[str, Any]:
        """The text with its likeliest words, and for each blank its place (in characters) and `count` candidates.

        {"text", "filled", "blanks": [{"start", "end", "candidates": [{"id", "text", "probability"}]}]}. Raises BadInput
        for a text without a blank, or one that is longer than the model can see, and where it gives no finite numbers.
        """
        spans = places(text, self._mask)
        if not spans:
            said = "There is no blank to fill in: write [MASK] where a word is missing."
            raise BadInput(said, {"text": [said]})
        ids = self._ids(text)
        most = self._model.config.max_position_embeddings
        if len(ids) > most:
            said = f"The text has {len(ids):,} tokens, and this model sees {most:,} at once."
            raise BadInput(said, {"text": [said]})
        return self._answer(text, spans, ids, count)

    def _ids(self, text: str) -> list[int]:
        written = text.replace(BLANK, self._mask)
        ids: list[int] = self._tokenizer.encode(written, add_special_tokens=False).ids
        special = self._special
        framed = special.keys() >= {"cls", "sep"}
        return [special["cls"], *ids, special["sep"]] if framed else ids

    def _answer(self, text: str, spans: list[tuple[int, int]], ids: list[int], count: int) -> dict[str, Any]:
        blanks = []
        found = likeliest(self._model, ids, self._special["mask"], count)
        for (start, end), (_, tokens, chances) in zip(spans, found, strict=True):
            if not chances.isfinite().all():
                raise Spoiled
            ranked = zip(tokens.tolist(), chances.tolist(), strict=True)
            candidates = [{"id": token, "text": self._shown(token), "probability": p} for token, p in ranked]
            blanks.append({"start": start, "end": end, "candidates": candidates})
        return {"text": text, "filled": filled(text, blanks), "blanks": blanks}

    def _shown(self, token: int) -> str:
        """A candidate by itself; one that goes on a word is written with ##, one of half a character by its name."""
        name: str = self._tokenizer.id_to_token(token) or ""
        return name if name.startswith("##") else self._spelling.alone(token).strip() or name

    def ask(self, question: Question, count: int) -> dict[str, Any]:
        """A sample: `fill` of a question that was made here, or of a person's prompt, whatever it is like.

        A prompt without a blank gets one at its end; one that is too long loses its end, its beginning if the blank is
        there. Gives what `fill` gives, with the right answers of the blanks where these are known.
        """
        text = question.text if places(question.text, self._mask) else f"{question.text} {BLANK}".lstrip()
        most = self._model.config.max_position_embeddings
        while len(ids := self._ids(text)) > most:
            over = max(1, len(text) * (len(ids) - most) // (2 * len(ids)))
            text = text[over:] if places(text[over:], self._mask) else text[: -over or None]
        found = self._answer(text, places(text, self._mask), ids, count)
        for blank, answer in zip(found["blanks"], question.answers, strict=False):
            blank["answer"] = answer
        return found


def sample(model: Any, text: Text, question: Question, count: int) -> dict[str, Any]:
    """What `Filler.ask` gives; the model is left in training mode."""
    model.eval()
    try:
        return Filler(model, text.tokenizer, text.data.special).ask(question, count)
    finally:
        model.train()


def filled(text: str, blanks: list[dict[str, Any]]) -> str:
    """A text with the likeliest candidate in each blank; one that goes on a word loses the space before it."""
    whole, at = "", 0
    for blank in blanks:
        best: str = blank["candidates"][0]["text"]
        before = text[at : blank["start"]]
        whole += before.rstrip(" ") + best[2:] if best.startswith("##") else before + best
        at = blank["end"]
    return whole + text[at:]


def held_out_question(source: Path, held_out: float, tokenizer: Tokenizer, special: dict[str, int]) -> Question:
    """A question made from a line in the middle of the held-out end of a text."""
    ordinary = set(tokenizer.get_vocab().values()) - set(special.values())
    return question(_lines(source, held_out), tokenizer, ordinary)


def _lines(source: Path, held_out: float) -> Iterator[str]:
    size = source.stat().st_size
    begin = round(size * (1 - held_out / 2))
    with source.open("rb") as file:
        file.seek(begin)
        text = file.read(NEAR_BYTES).decode(errors="ignore")
    _, _, rest = text.partition("\n")  # the line in which the middle lies is cut
    yield from (rest or text).splitlines()
