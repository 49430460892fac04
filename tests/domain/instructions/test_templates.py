"""Templates: what they write, what of it is learned, and which are refused."""

import json

import jinja2.sandbox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.domain.errors import BadInput
from playground.domain.instructions.records import Record, Turn, read
from playground.domain.instructions.templates import NAMED, chat_template, parse

ASK = Turn("user", "Who is it?")
ANSWER = Turn("assistant", "Ada.")


def written(template: str, record: Record) -> tuple[str, str]:
    """The whole text, and what of it is learned."""
    spans = parse(template).spans(record)
    return "".join(span.text for span in spans), "|".join(span.text for span in spans if span.learned)


def test_alpaca_has_its_own_words_with_and_without_an_input() -> None:
    text, learned = written("alpaca", Record(1, (ASK, ANSWER), "A letter."))
    assert text == (
        "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
        "response that appropriately completes the request.\n\n### Instruction:\nWho is it?\n\n### Input:\n"
        "A letter.\n\n### Response:\nAda."
    )
    assert learned == "Ada."
    bare, _ = written("alpaca", Record(1, (ASK, ANSWER)))
    assert "Input" not in bare
    assert "task. Write" in bare


def test_chatml_learns_every_answer_and_its_end() -> None:
    turns = (Turn("system", "Be brief."), ASK, ANSWER, Turn("user", "Why?"), Turn("assistant", "So."))
    text, learned = written("chatml", Record(1, turns))
    assert text.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWho is it?<|im_end|>\n")
    assert text.endswith("<|im_start|>assistant\nSo.<|im_end|>")
    assert learned == "Ada.<|im_end|>|So.<|im_end|>"


def test_plain_is_a_question_and_its_answer() -> None:
    assert written("plain", Record(1, (ASK, ANSWER), "Here.")) == ("Who is it?\nHere.\nAda.", "Ada.")


def test_what_follows_the_completion_is_learned_with_it() -> None:
    assert written("Q {instruction} A {output} END", Record(1, (ASK, ANSWER)))[1] == "Ada. END"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("Just {instruction}", "leaves the completion out"),
        ("nothing at all", "leaves the completion out"),
        ("", "leaves the completion out"),
        ("{instruction} {answer}", "no place {answer}"),
        ("{output} {output}", "more than once"),
        ("{output} {completion}", "more than once"),
        ("{output} {instruction}", "must be the last"),
        ("{instruction}{#input}{output}{/input}", "in no section"),
        ("{#input}{instruction} {output}", "does not end"),
        ("{instruction}{/input} {output}", "was not begun"),
        ("{#output}x{/output}{output}", "no place {#output}"),
        ("{content} {role}", "{role} and then {content}"),
        ("{role} {content} {output}", "{role} and then {content}"),
        ("{content}", "{role} and then {content}"),
        ("x" * 4001 + "{output}", "at most 4,000 characters"),
    ],
)
def test_a_template_that_cannot_be_learned_from_is_refused(template: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(template)
    assert words in caught.value.message
    assert caught.value.fields == {"template": [caught.value.message]}


def test_a_conversation_that_a_template_has_no_room_for_is_refused_by_its_row() -> None:
    record = Record(7, (ASK, ANSWER, ASK, ANSWER))
    with pytest.raises(BadInput, match="Row 7 of the corpus is not one question with one answer"):
        parse("alpaca").spans(record)


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(st.sampled_from(sorted(NAMED)), texts, texts)
def test_the_prompt_of_talking_is_the_prompt_of_learning(name: str, asked: str, answer: str) -> None:
    record = Record(1, (Turn("user", asked), Turn("assistant", answer)))
    text, _ = written(name, record)
    prompt = parse(name).prompt((Turn("user", asked),))
    assert text.startswith(prompt + answer)


@given(st.sampled_from([*sorted(NAMED), "{{ {system}? {{instruction}} '\"\\ %} {# {output}."]), texts, texts)
def test_the_jinja_form_writes_the_same(template: str, asked: str, system: str) -> None:
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    turns = (Turn("system", system), Turn("user", asked))
    messages = [{"role": turn.role, "content": turn.content} for turn in turns]
    jinja = environment.from_string(chat_template(template, "<s>", "</s>"))
    assert jinja.render(messages=messages, add_generation_prompt=True) == "<s>" + parse(template).prompt(turns)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("[1]", "Row 3 of the corpus is not a JSON object."),
        ("{", "Row 3 of the corpus is not a JSON object."),
        ('{"text": "x"}', "none of the known pairs of keys"),
        ('{"instruction": "x", "output": 1}', "the value of output is not a text"),
        ('{"messages": "x"}', "its messages are not a list"),
        ('{"messages": [{"role": "robot", "content": ""}]}', "the role of a message"),
        ('{"messages": [{"role": "user", "content": "x"}]}', "no message of the assistant"),
        ('{"messages": [{"role": "assistant"}]}', "the value of content is not a text"),
    ],
)
def test_a_row_that_is_no_example_is_named(row: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(row, 3, None)
    assert words in caught.value.message


def test_each_form_is_recognised_and_empty_lines_are_none() -> None:
    assert read("  \r", 1, None) is None
    plain = read('\ufeff{"prompt": "a", "completion": "b"}', 1, None)
    assert plain is not None
    assert [turn.content for turn in plain.turns] == ["a", "b"]
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    talk = read(json.dumps({"messages": turns}), 1, None)
    assert talk is not None
    assert [turn.content for turn in talk.turns] == ["a", "b"]
    with pytest.raises(BadInput, match="lacks the key prompt"):
        read('{"instruction": "a", "output": "b"}', 1, "plain")
