"""The shelf of the tokenizer child: chat templates of models' folders, in each form that they come in."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from playground.domain.tokenization import starter
from playground.exhibits.tokens.chat import CONVERSATION, Params, run
from workers.tokenize.shelf import MAX_TEMPLATE, Opened

LLAMA = (
    "{{ bos_token }}{% for message in messages %}{% if loop.index0 > 8 %}{% break %}{% endif %}"
    "{% if message['role'] == 'user' %}[INST] {{ message['content'] | trim }} [/INST]"
    "{% else %}{{ message | tojson }}{{ eos_token }}{% endif %}{% endfor %}{% if tools %}never{% endif %}"
)
CONFIG = {"bos_token": {"content": "<|endoftext|>"}, "eos_token": "<|endoftext|>", "chat_template": LLAMA}


def model(folder: Path, config: Any = None, template: bytes | None = None) -> Opened:
    """A shelf with one folder on it."""
    folder.mkdir()
    shutil.copy(starter.FOLDER / "bpe-en.json", folder / "tokenizer.json")
    if config is not None:
        (folder / "tokenizer_config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    if template is not None:
        (folder / "chat_template.jinja").write_bytes(template)
    shelf = Opened()
    shelf.lay({"m": {"folder": str(folder), "title": "A model", "origin": "library"}})
    return shelf


@pytest.mark.parametrize(
    ("config", "template"),
    [
        (CONFIG, None),
        ({**CONFIG, "chat_template": "another"}, LLAMA.encode()),
        (
            {**CONFIG, "chat_template": [{"name": "tools", "template": ""}, {"name": "default", "template": LLAMA}]},
            None,
        ),
    ],
)
def test_a_models_template_writes_what_transformers_writes(
    tmp_path: Path, config: dict[str, Any], template: bytes | None
) -> None:
    shelf = model(tmp_path / "model", config, template)
    result = run(Params(tokenizer="m"), shelf)
    messages = [message.model_dump() for message in CONVERSATION]
    special: dict[str, Any] = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
    expected = render_jinja_template([messages], chat_template=LLAMA, add_generation_prompt=True, **special)[0][0]
    assert (result.source, result.rendered) == ("tokenizer", expected)
    assert result.pieces[0].text == "<|endoftext|>"
    assert (result.pieces[0].special, len(result.pieces[0].ids)) == (True, 1)


@pytest.mark.parametrize(
    ("config", "template"),
    [
        (None, None),
        ("{", None),
        ("[1]", None),
        ({"chat_template": 3, "bos_token": ["x"]}, None),
        ({"chat_template": "x" * (MAX_TEMPLATE + 1)}, None),
        (None, b"\xff"),
        ("[" * 100_000, None),
    ],
)
def test_what_is_no_template_is_passed_over(tmp_path: Path, config: Any, template: bytes | None) -> None:
    card = model(tmp_path / "model", config, template).open("m").card
    assert (card.template, card.named) == (None, {})
    assert run(Params(tokenizer="m"), model(tmp_path / "other", config, template)).source == "chatml"
