"""The errors that a person or a program outside may cause, each with a slug and the HTTP status it becomes.

Everything that is raised on purpose descends from `VitrineError`; the web layer turns one into a problem document, a
worker into the error of a job. Any other exception is a defect of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class VitrineError(Exception):
    """A refusal with a sentence for people (`message`), a slug for programs (`code`) and an HTTP `status`."""

    code = "error"
    status = 400

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class BadInput(VitrineError):
    """What was sent cannot be used; `fields` maps each bad field to the sentences about it."""

    code = "bad_input"
    status = 422

    def __init__(
        self, message: str, fields: Mapping[str, Sequence[str]] | None = None, *, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.fields: dict[str, list[str]] = {name: list(said) for name, said in (fields or {}).items()}


class NotFound(VitrineError):
    """There is no such thing, or it belongs to somebody else."""

    code = "not_found"
    status = 404


class Conflict(VitrineError):
    """The thing is in a state in which the request makes no sense."""

    code = "conflict"
    status = 409


class Forbidden(VitrineError):
    """The person is known and may not do this."""

    code = "forbidden"
    status = 403


class TooLarge(VitrineError):
    """More bytes, characters or entries than the limit allows."""

    code = "too_large"
    status = 413


class Unavailable(VitrineError):
    """A part that is needed does not answer now; trying again later may help."""

    code = "unavailable"
    status = 503


class Fenced(Conflict):
    """A write of an attempt that no longer holds its job: the writer is a zombie and must exit."""

    code = "fenced"
