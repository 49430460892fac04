"""The page for what broke on our side: it needs no query, and where even its template fails there are plain words."""

import pytest
from django.test import RequestFactory
from django.utils.translation import override

from playground.web import pages


def test_it_is_rendered_without_the_database_in_the_readers_language() -> None:
    with override("zh-hans"):
        response = pages.server_error(RequestFactory().get("/runs/"))
    assert response.status_code == 500
    assert 'lang="zh-hans"' in response.content.decode()


def test_plain_words_stand_in_for_a_template_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> str:
        raise RuntimeError("no template")

    monkeypatch.setattr(pages, "render_to_string", broken)
    response = pages.server_error(RequestFactory().get("/runs/"))
    assert (response.status_code, response["Content-Type"]) == (500, "text/plain; charset=utf-8")
    assert b"went wrong" in response.content
