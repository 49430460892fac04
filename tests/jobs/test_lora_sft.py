"""The job kind `lora_sft`: its form, its refusals, its estimate, its batches."""

import json
import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tokenizers import Tokenizer

from playground.domain.errors import BadInput
from playground.domain.kind import Batch, Data, Split
from playground.domain.special import special_ids
from playground.domain.tokenization import starter
from playground.jobs.lora_sft import Params, kind

ID = "00000000-0000-4000-8000-000000000000"


def params(**given: Any) -> Params:
    """Parameters with a model and a corpus."""
    return Params(**{"corpus": ID, "model": ID, "template": "plain", **given})


def line(asked: str, answer: str) -> str:
    """A row of Alpaca's form."""
    return json.dumps({"instruction": asked, "output": answer})


LINES = [line(f"How much is {n} and {n}?" + " Say!" * (n % 7), f"It is {n + n}.") for n in range(60)]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """A starter tokenizer with an end of text."""
    made = Tokenizer.from_file(str(starter.FOLDER / "bpe-en.json"))
    made.add_special_tokens(["<|endoftext|>"])
    return made


def arranged(tokenizer: Tokenizer, given: Params, lines: list[str] | None = None, **about: Any) -> Data:
    """Lines as the engine prepares them."""
    arrays = kind.encode(LINES if lines is None else lines, 1, tokenizer, given)
    tokens = arrays.pop("tokens")
    return kind.arrange(Data(tokens, tokenizer.get_vocab_size(), special_ids(tokenizer), arrays, **about), given)


def batch(data: Data, given: Params, split: Split = "train", step: int = 1, micro: int = 0) -> Batch:
    """A batch that must exist."""
    made = kind.batch(data, given, split, step, micro)
    assert made is not None
    return made


def examples(made: Batch) -> list[tuple[list[int], list[int]]]:
    """Inputs and labels of each packed example."""
    assert made.documents is not None
    found = []
    for row, documents in enumerate(made.documents):
        for number in range(documents.max() + 1):
            here = documents == number
            found.append((made.inputs[row][here].tolist(), made.labels[row][here].tolist()))
    return found


def test_everything_has_a_default_but_model_and_corpus() -> None:
    filled = Params(corpus=ID, model=ID)
    assert (filled.template, filled.rank, filled.alpha, filled.quantization) == ("alpaca", 8, 16, "none")
    assert kind.inputs(filled) == {"model": ID, "corpus": ID}
    assert Params.model_validate_json(filled.model_dump_json()) == filled


def test_every_field_says_what_a_form_needs() -> None:
    for name, field in Params.model_json_schema()["properties"].items():
        assert field["title"], name
        assert field["description"], name
        assert field["group"] in {"data", "model", "budget", "optimizer", "evaluation", "probes"}, name


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "base"), ("corpus", None), ("rank", 0), ("rank", 257), ("alpha", 0), ("alpha", math.nan),
        ("dropout", 1.0), ("target_modules", "q_proj"), ("target_modules", ["q proj"]), ("quantization", "int8"),
        ("template", "{instruction}"), ("rows", "csv"), ("block_size", 7), ("packing", "yes"), ("held_out", 0.6),
        ("preset", "1m"),
    ],
)  # fmt: skip
def test_each_field_is_checked(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        params(**{field: value})
    assert {str(error["loc"][0]) for error in caught.value.errors()} == {field}


def test_only_completions_and_ends_are_learned(tokenizer: Tokenizer) -> None:
    given = params(block_size=64)
    data = arranged(tokenizer, given)
    end, seen = data.special["eos"], set()
    for step in range(1, 9):
        for inputs, labels in examples(batch(data, given, step=step)):
            learned = [label for label in labels if label != -100]
            assert learned[-1] == end
            assert end not in inputs
            # A label is the input after it; all labels stand at the end, behind the prompt.
            assert labels[:-1] == [-100] * (len(labels) - len(learned)) + inputs[1:][len(labels) - len(learned) :]
            seen.add((tokenizer.decode(inputs[: len(inputs) - len(learned) + 1]), tokenizer.decode(learned)))
    rows = {(f"{row['instruction']}\n", row["output"]) for row in map(json.loads, LINES)}
    assert seen <= rows
    assert len(seen) == len(data.arrays["train_items"])


def test_positions_restart_and_padding_belongs_to_nobody(tokenizer: Tokenizer) -> None:
    given = params(block_size=64, batch_size=3)
    made = batch(arranged(tokenizer, given), given)
    assert made.documents is not None
    assert made.positions is not None
    assert made.inputs.shape == (3, 64)
    for row, positions in zip(made.documents, made.positions, strict=True):
        for number in range(row.max() + 1):
            assert positions[row == number].tolist() == list(range((row == number).sum()))
    assert (made.labels[made.documents < 0] == -100).all()


def test_without_packing_each_row_is_one_example_and_as_long_as_the_longest(tokenizer: Tokenizer) -> None:
    given = params(block_size=64, packing=False)
    made = batch(arranged(tokenizer, given), given)
    assert made.documents is not None
    assert made.documents.max() == 0
    assert made.inputs.shape[1] == (made.documents >= 0).sum(1).max() < 64


def test_each_pass_sees_every_block_once_in_another_order(tokenizer: Tokenizer) -> None:
    given = params(block_size=32, batch_size=1)
    data = arranged(tokenizer, given)
    blocks = len(data.arrays["train_borders"]) - 1
    passes = [
        [batch(data, given, step=1 + turn * blocks + at).inputs.tobytes() for at in range(blocks)] for turn in (0, 1, 2)
    ]
    assert len(set(passes[0])) == blocks
    assert all(sorted(one) == sorted(passes[0]) for one in passes)
    assert passes[0] != passes[1] != passes[2]
    assert passes[1][3] == batch(arranged(tokenizer, given), given, step=1 + blocks + 3).inputs.tobytes()
    other = given.model_copy(update={"seed": 2})
    assert [batch(arranged(tokenizer, other), other, step=1 + at).inputs.tobytes() for at in range(3)] != passes[0][:3]


def test_held_out_examples_are_never_learned_from(tokenizer: Tokenizer) -> None:
    given = params(block_size=48, held_out=0.25, batch_size=4, eval_batches=100)
    data = arranged(tokenizer, given)
    held, learned = set(data.arrays["held_out_items"].tolist()), set(data.arrays["train_items"].tolist())
    assert len(held) == 15
    assert not held & learned
    assert held | learned == set(range(60))
    parts, index = [], 0
    while (made := kind.batch(data, given, "held_out", 5, index)) is not None:
        parts.extend(examples(made))
        index += 1
    assert len(parts) == 15


def test_what_does_not_fit_is_counted_and_named(tokenizer: Tokenizer) -> None:
    long, empty = line("why? " * 90, "so"), line("why?", "\n")
    data = arranged(tokenizer, params(block_size=48), [*LINES, "", empty, long, line("why?", "so " * 90)])
    empty_ones, long_ones = data.notes
    assert empty_ones == "1 of 63 examples have an empty completion and are left out, first row 62."
    assert long_ones.startswith(
        "2 of 63 examples are longer than the block of 48 tokens and are left out, first row 63"
    )
    assert long_ones.endswith("; 1 of them by their prompts alone.")
    kept = set(data.arrays["held_out_items"].tolist()) | set(data.arrays["train_items"].tolist())
    assert kept == set(range(60))


def test_an_example_of_just_the_block_fits_and_one_more_token_does_not(tokenizer: Tokenizer) -> None:
    lines = [line("why?", "so"), line("why?", "it is so")]
    arrays = kind.encode(lines, 1, tokenizer, params())
    longest = int(arrays["sizes"].max()) - 1
    assert arranged(tokenizer, params(block_size=max(8, longest)), lines).notes[-1].startswith("The examples fill")
    with pytest.raises(BadInput, match="at least two are needed"):
        arranged(tokenizer, params(block_size=8), [line("why " * 9, "so")] * 2)


def test_the_base_says_how_long_a_block_may_be(tokenizer: Tokenizer) -> None:
    assert arranged(tokenizer, params(), context=64).block == 64
    assert arranged(tokenizer, params(), context=4096).block == 512
    assert arranged(tokenizer, params()).block == 512
    with pytest.raises(BadInput, match="sees 64 tokens at once"):
        arranged(tokenizer, params(block_size=65), context=64)


def test_a_tokenizer_without_an_end_is_said_so_and_learned_with(tokenizer: Tokenizer) -> None:
    arrays = kind.encode(LINES, 1, tokenizer, params())
    tokens = arrays.pop("tokens")
    data = kind.arrange(Data(tokens, tokenizer.get_vocab_size(), {}, arrays), params())
    assert any("no token that ends a text" in note for note in data.notes)
    _, labels = examples(batch(data, params()))[0]
    assert tokenizer.decode([label for label in labels if label != -100]).endswith(".")


def test_a_template_that_ends_with_the_end_token_gets_no_second_one(tokenizer: Tokenizer) -> None:
    given = params(template="{prompt}\n{completion}<|endoftext|>", block_size=64)
    data = arranged(tokenizer, given)
    for _, labels in examples(batch(data, given)):
        assert labels.count(data.special["eos"]) == 1


def test_one_repeated_line_is_learned_like_any_other(tokenizer: Tokenizer) -> None:
    data = arranged(tokenizer, params(block_size=64), [LINES[0]] * 50)
    assert len({tuple(inputs) for inputs, _ in examples(batch(data, params(block_size=64)))}) == 1
    assert any("All examples of the corpus are the same" in note for note in data.notes)
    empty, other = line("why?", " "), LINES[1]
    among = arranged(tokenizer, params(block_size=64), [*[LINES[0]] * 50, empty])
    assert any("All examples of the corpus are the same" in note for note in among.notes)
    assert not any("are the same" in note for note in arranged(tokenizer, params(), [*[LINES[0]] * 50, other]).notes)


@pytest.mark.parametrize(
    "row",
    [
        r'{"instruction": "\ud800", "output": "x"}',
        r'{"instruction": "x", "output": "\udc00 y"}',
        r'{"messages": [{"role": "user", "content": "\ud83d"}, {"role": "assistant", "content": "x"}]}',
    ],
)
def test_half_a_character_is_refused_by_its_row(tokenizer: Tokenizer, row: str) -> None:
    with pytest.raises(BadInput, match=r"Row 3 of the corpus: the value of .* contains characters that do not exist"):
        kind.encode([*LINES[:2], row], 1, tokenizer, params())


def test_strange_keys_can_be_told(tokenizer: Tokenizer) -> None:
    row = r'{"\ud800": 1, "a\u0000b": 2, "指令": 3}'
    with pytest.raises(BadInput) as caught:
        kind.encode([row], 1, tokenizer, params())
    assert caught.value.message.encode().decode().endswith(r"Its keys: \ud800, a\x00b, 指令.")


def test_the_prompt_of_a_sample_is_written_by_the_template() -> None:
    assert kind.spoken(params(template="chatml"), "Hi") == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"


def test_the_arrays_depend_on_the_template_and_nothing_else_of_the_parameters() -> None:
    assert kind.encoding(params()) == kind.encoding(params(seed=2, rank=4, block_size=64, packing=False))
    assert kind.encoding(params()) != kind.encoding(params(template="chatml"))
    assert np.issubdtype(
        kind.encode([], 1, Tokenizer.from_file(str(starter.FOLDER / "bpe-en.json")), params())["sizes"].dtype,
        np.integer,
    )
