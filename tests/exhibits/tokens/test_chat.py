"""A conversation as one text: markers are single tokens, templates run in a sandbox, complaints are told."""

import pytest

from playground.domain.errors import BadInput
from playground.domain.tokenization.starter import Starters
from playground.exhibits.tokens.chat import Params, Result, run


def render(**params: object) -> Result:
    return run(Params.model_validate(params), Starters())


def test_the_pieces_are_the_rendered_text() -> None:
    for markers in (True, False):
        result = render(markers=markers)
        assert "".join(piece.text for piece in result.pieces) == result.rendered
        assert result.rendered.startswith("<|im_start|>system\nYou answer")
        assert result.rendered.endswith("<|im_start|>assistant\n")
        assert (result.special > 0) is markers
    assert render().tokens < render(markers=False).tokens


def test_a_template_of_ones_own() -> None:
    result = render(template="{% for m in messages %}{{ m['role'][0] }}:{{ m['content'] }};{% endfor %}", ask=False)
    assert result.rendered.startswith("s:You answer in one sentence.;u:")
    assert result.source == "given"


@pytest.mark.parametrize(
    "template",
    [
        "{% for %}",
        "{{ messages.__class__.__mro__ }}{{ ''.__class__.__subclasses__() }}",
        "{{ 1 / 0 }}",
        "{% for a in range(999999) %}{{ 'x' * 1000 }}{% endfor %}",
        "{{ raise_exception('roles must alternate') }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    ],
)
def test_hostile_and_broken_templates_are_refused(template: str) -> None:
    with pytest.raises(BadInput) as caught:
        render(template=template)
    assert list(caught.value.fields) == ["template"]
