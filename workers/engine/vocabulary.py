"""The work of a `tokenizer` job: read a text, learn a vocabulary in a library of native code, measure it, hand it over.

The libraries say nothing while they learn and cannot be interrupted, so they do it on a thread of their own, while
this one listens for controls and gives signs of life. A run that is asked to stop leaves the thread behind: the process
ends.
"""

import io
import json
import threading
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import sentencepiece
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from playground.domain.errors import BadInput
from playground.domain.messages import Plan, Start
from playground.domain.registry import kinds
from playground.domain.special import special_ids
from playground.jobs.tokenizer import STEPS
from workers.engine import tokenizer as bpe
from workers.engine import wordpiece
from workers.engine.corpus import CHUNK_CHARACTERS, chunks, file_of
from workers.engine.port import Interrupted, Port, Wish

READ, MEASURES = 70, 10
"""Of the hundred steps: the first so many are reading, the last so many measuring."""
HELD_OUT_BYTES = 1 << 20
SIGN_SECONDS = 5.0
LOOK_SECONDS = 0.1
LONGEST_LINE = 4_096
"""Characters of a line that sentencepiece gets; longer ones are cut."""
SPACE = "\u2581"


def work(start: Start, port: Port) -> Wish | None:
    """Carry out a run. Returns the wish that ended it early, before there was anything to keep."""
    params: Any = kinds()[start.kind].Params.model_validate(start.params)
    corpus = start.inputs["corpus"]
    try:
        port.send(Plan(steps=STEPS))
        learned, held_out = read(file_of(corpus, "text.txt"), params.text_limit << 20, port)
        tokenizer = apart(lambda: ALGORITHMS[params.algorithm](learned, params), port)
        size = tokenizer.get_vocab_size()
        if size < params.vocab_size:
            port.log(f"The text has pairs for {size:,} tokens only: the vocabulary stays at that.", "warning")
        measure(tokenizer, held_out, port)
    except Interrupted as interrupted:
        return interrupted.wish
    folder = Path(start.folder) / f"tokenizer-{start.attempt}"
    bpe.save(tokenizer, folder, None)
    special = sorted(special_ids(tokenizer))
    meta = {"vocab_size": size, "algorithm": params.algorithm, "special": special, "corpus": corpus.sha256}
    port.artifact("tokenizer", str(folder), f"{TITLES[params.algorithm]} {size}", meta)
    return None


def read(path: Path, limit: int, port: Port) -> tuple[list[str], list[str]]:
    """Stretches to learn from, evenly out of the whole, `limit` bytes at most, and the end of the text to measure on.

    Raises BadInput for a text that is no UTF-8 or too short, Interrupted for a control.
    """
    total = path.stat().st_size
    border = total - min(HELD_OUT_BYTES, total // 10)
    stride = -(-border // limit)
    learned: list[str] = []
    held_out: list[str] = []
    done = kept = told = 0
    for index, chunk in enumerate(chunks(path, max(64, min(CHUNK_CHARACTERS, total // 40)))):
        port.check()
        if done >= border:
            held_out.append(chunk)
        elif index % stride == 0:
            learned.append(chunk)
            kept += len(chunk.encode())
        done += len(chunk.encode())
        step = max(1, READ * done // total)
        if step > told:
            told = step
            port.metrics(step, read_mib=round(done / 2**20, 3))
    if not learned or not held_out:
        raise BadInput("The corpus is too short for a tokenizer.")
    port.log(f"Read {kept / 2**20:,.1f} MiB to learn from, and the end of the text to measure on.")
    return learned, held_out


def apart(make: Callable[[], Tokenizer], port: Port) -> Tokenizer:
    """What `make` returns or raises, while controls are heard. Raises Interrupted for one."""
    found: list[Tokenizer] = []
    trouble: list[BaseException] = []
    done = threading.Event()

    def learn() -> None:
        try:
            found.append(make())
        except BaseException as error:  # a panic is no Exception
            trouble.append(error)
        finally:
            done.set()

    threading.Thread(target=learn, daemon=True).start()
    waited = 0.0
    while not done.wait(LOOK_SECONDS):
        port.check()
        waited += LOOK_SECONDS
        if waited >= SIGN_SECONDS:
            waited = 0.0
            port.send(Plan(steps=STEPS))
    if trouble:
        raise trouble[0]
    return found[0]


def _bpe(learned: list[str], params: Any) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=params.vocab_size,
        special_tokens=[bpe.END_OF_TEXT, *(wordpiece.SPECIAL if params.masks else ())],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(iter(learned), trainer)
    return tokenizer


def _wordpiece(learned: list[str], params: Any) -> Tokenizer:
    return wordpiece.train(iter(learned), params.vocab_size)


def _unigram(learned: list[str], params: Any) -> Tokenizer:
    """By sentencepiece, which takes a twentieth of the other library's time; as a tokenizer of the latter.

    Nothing is normalized away, and what no piece writes is written in bytes, the line break always.
    """
    written = io.BytesIO()
    names = {"pad": "<pad>", "unk": "<unk>", "bos": "<s>", "eos": "</s>"}
    options: dict[str, Any] = {f"{role}_id": number for number, role in enumerate(names)}
    options |= {f"{role}_piece": name for role, name in names.items()}
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_lines(learned),
            model_writer=written,
            model_type="unigram",
            vocab_size=params.vocab_size,
            hard_vocab_limit=False,
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            max_sentence_length=4 * LONGEST_LINE + 4,
            num_threads=1,  # the sums of several threads differ in their last digits
            minloglevel=2,
            user_defined_symbols=["<mask>"],
            **options,
        )
    except RuntimeError as error:
        raise BadInput(f"sentencepiece cannot learn from this text: {str(error)[:300]}") from None
    model = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    scored = [(model.id_to_piece(k), model.get_score(k)) for k in range(model.get_piece_size())]
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=1, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in (*names.values(), "<mask>")])
    return tokenizer


def _lines(learned: list[str]) -> Iterator[str]:
    for chunk in learned:
        for line in chunk.split("\n"):
            for at in range(0, len(line), LONGEST_LINE):
                yield line[at : at + LONGEST_LINE]


ALGORITHMS: dict[str, Callable[[list[str], Any], Tokenizer]] = {
    "bpe": _bpe, "wordpiece": _wordpiece, "unigram": _unigram,
}  # fmt: skip
TITLES = {**bpe.TITLES, "unigram": "Unigram"}


def measure(tokenizer: Tokenizer, held_out: list[str], port: Port) -> None:
    """Report the bytes that a token stands for, with the first so many tokens of the vocabulary, up to all of them."""
    spec = json.loads(tokenizer.to_str())
    size = len(spec["model"]["vocab"])
    least = min(size, max(300, size // 64))
    # The least sizes may fall together where the vocabulary is small.
    wanted = [round(least * (size / least) ** (k / (MEASURES - 1))) for k in range(MEASURES)]
    total = sum(len(chunk.encode()) for chunk in held_out)
    for number, (part, _) in enumerate(groupby(wanted)):
        port.check()
        smaller = first(spec, part)
        tokens = sum(len(found) for found in smaller.encode_batch_fast(held_out, add_special_tokens=False))
        step = STEPS - MEASURES + 1 + number if part < size else STEPS
        port.metrics(step, vocabulary=float(part), bytes_per_token=round(total / max(1, tokens), 5))


def first(spec: dict[str, Any], size: int) -> Tokenizer:
    """The tokenizer with the first `size` tokens alone: merges in the order of learning, pieces by probability."""
    model = dict(spec["model"])
    if model["type"] == "Unigram":
        # Bytes, special tokens and single characters come with any size; of the others the likeliest are taken.
        kept = {number for number, (piece, _) in enumerate(model["vocab"]) if len(piece) == 1 or piece[:1] == "<"}
        others = [number for number in range(len(model["vocab"])) if number not in kept]
        kept |= set(others[: max(0, size - len(kept))])
        model["vocab"] = [entry for number, entry in enumerate(model["vocab"]) if number in kept]
    else:
        model["vocab"] = {piece: number for piece, number in model["vocab"].items() if number < size}
        if "merges" in model:
            pairs = [merge if isinstance(merge, list) else merge.split(" ") for merge in model["merges"]]
            model["merges"] = [pair for pair in pairs if all(part in model["vocab"] for part in (*pair, "".join(pair)))]
    bare = spec | {"model": model, "post_processor": None, "added_tokens": []}
    return Tokenizer.from_str(json.dumps(bare))
