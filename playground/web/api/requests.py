"""A request for a run becomes validated parameters, artifacts and an estimate, or one list of all that is wrong."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from pydantic import BaseModel, ValidationError

from playground.domain.errors import BadInput
from playground.domain.kind import Estimate, Facts, JobKind
from playground.domain.registry import kinds
from playground.ledger.models import Job, Worker
from playground.library import artifacts, names
from playground.library.models import Artifact, Kind
from playground.people.models import User
from playground.web.api.objects import best_worker
from playground.web.api.schemas import JobRequest
from playground.web.catalogue import sentence
from playground.web.problems import FieldError, field_errors

MAX_KEY = 200
"""Characters of an Idempotency-Key; a UUID has 36."""
ROLES = tuple(str(kind) for kind in Kind)


@dataclass(frozen=True)
class Order:
    """A run that is well formed: everything that submitting and estimating need."""

    kind: JobKind
    params: BaseModel
    inputs: dict[str, Artifact]
    name: str

    @property
    def memory(self) -> int:
        """The bytes that it will need on each of its devices, by the estimate."""
        return self.estimate().memory.total

    def estimate(self) -> Estimate:
        """What it will cost on the machine that would run it."""
        worker = best_worker()
        corpus, tokenizer = self.inputs.get("corpus"), self.inputs.get("tokenizer")
        facts = Facts(
            corpus_bytes=corpus.bytes if corpus else 0,
            corpus_characters=corpus.meta.get("characters", 0) if corpus else 0,
            tokenizer_vocab=tokenizer.meta.get("vocab_size") if tokenizer else None,
            tokenizer_special=tokenizer.meta.get("special") if tokenizer else None,
            model=self.inputs["model"].meta if "model" in self.inputs else None,
            rows=corpus.meta.get("jsonl") if corpus else None,
            memory_available=worker.memory if worker else None,
            libraries=(worker.libraries or None) if worker else None,
            speed=worker.speed if worker else [],
            device=worker.device if worker else "cpu",
            devices=_processes(worker) if worker else None,
        )
        found = self.kind.estimate(self.params, facts)
        for item in found.problems:
            item.message = sentence(item.message)
        return found


def _processes(worker: Worker) -> int | None:
    """Processes that a run on this worker can have; None where it has not said."""
    return worker.threads if worker.device == "cpu" else len(worker.devices) or None


def read(user: User, body: JobRequest) -> Order:
    """Check everything and name all that is wrong at once. Raises BadInput."""
    errors: list[FieldError] = []
    name = _name(body.name, errors)
    kind = kinds().get(body.kind)
    if kind is None:
        known = ", ".join(sorted(kinds()))
        errors.append(
            FieldError(field="kind", message=_("There is no such kind; there are: {known}.").format(known=known))
        )
        raise refusal(errors)
    params: BaseModel | None = None
    try:
        params = kind.Params.model_validate(body.params)
    except ValidationError as error:
        errors += field_errors(error.errors(include_url=False, include_input=False), ("params",))
    errors += _zeros(body.params, "params.")
    wanted = kind.inputs(params) if params is not None else _plausible(body.params)
    inputs = _artifacts(user, wanted, errors)
    if errors or params is None:
        raise refusal(errors)
    return Order(kind, params, inputs, name or _usual_name(kind, inputs))


def _usual_name(kind: JobKind, inputs: dict[str, Artifact]) -> str:
    """What a run is called that nobody named: after what it does and what it reads."""
    corpus = inputs.get("corpus")
    return f"{sentence(kind.title)} · {corpus.name}"[: names.MAX_NAME] if corpus else sentence(kind.title)


def refuse_misfits(estimate: Estimate) -> None:
    """Refuse what cannot run, before it is queued, with the memory by part where that is the reason."""
    if estimate.fits and not estimate.problems:
        return
    errors = [FieldError(field=f"params.{item.field}", message=item.message) for item in estimate.problems]
    memory = estimate.memory
    if memory.available is not None and memory.total > memory.available:
        words = {
            "weights": _("weights"),
            "gradients": _("gradients"),
            "optimizer": _("optimizer"),
            "activations": _("activations"),
            "logits": _("logits"),
            "other": _("the process itself"),
        }
        parts = ", ".join(f"{word} {getattr(memory, part) / 2**20:,.0f} MiB" for part, word in words.items())
        text = _("The run needs {total} MiB of memory and the workers have {available} MiB: {parts}.")
        told = text.format(
            total=f"{memory.total / 2**20:,.0f}", available=f"{memory.available / 2**20:,.0f}", parts=parts
        )
        errors.append(FieldError(field="params", message=told))
    raise refusal(errors)


def key_of(request: HttpRequest) -> str | None:
    """The request's Idempotency-Key, if it has one. Raises BadInput."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not (0 < len(key) <= MAX_KEY and key.isprintable()):
        message = _("An Idempotency-Key has 1 to {limit} printable characters.").format(limit=MAX_KEY)
        raise BadInput(message, {"Idempotency-Key": [message]})
    return key


def fingerprint(body: BaseModel, *more: str) -> str:
    """The hash by which two requests with one Idempotency-Key are told apart."""
    text = json.dumps([body.model_dump(mode="json"), *more], sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def kind_of(job: Job) -> JobKind:
    """The kind of a run. Raises BadInput where this version has it no more."""
    kind = kinds().get(job.kind)
    if kind is None:
        raise BadInput(_("Runs of this kind can no longer be made."), {"kind": [_("There is no such kind.")]})
    return kind


def known(job: Job) -> dict[str, Any]:
    """The parameters of a run as far as its kind still has them: those of a new version have their defaults."""
    fields = kind_of(job).Params.model_fields
    return {name: value for name, value in job.params.items() if name in fields}


def refuse_zero(texts: dict[str, Any]) -> None:
    """Refuse texts with characters that no database keeps, by their fields."""
    errors = _zeros(texts, "")
    if errors:
        raise refusal(errors)


def _zeros(values: dict[str, Any], prefix: str) -> list[FieldError]:
    message = _("This text contains characters that do not exist.")
    return [
        FieldError(field=f"{prefix}{name[:80]}", message=message) for name, value in values.items() if _has_zero(value)
    ]


def _has_zero(value: Any) -> bool:
    """Whether a zero character is in there, which PostgreSQL keeps neither as text nor as JSON."""
    if isinstance(value, dict):
        return any(_has_zero(part) for part in (*value, *value.values()))
    return any(_has_zero(part) for part in value) if isinstance(value, list) else "\0" in str(value)


def _name(given: str | None, errors: list[FieldError]) -> str | None:
    try:
        return names.clean(given) if given is not None else None
    except BadInput as error:
        errors += [FieldError(field="name", message=text) for text in error.fields["name"]]
        return None


def _plausible(params: dict[str, Any]) -> dict[str, str]:
    """The artifacts that ill-formed parameters seem to mean, so that a wrong one is named with the rest."""
    return {role: value for role in ROLES if isinstance(value := params.get(role), str) and _uuid(value)}


def _artifacts(user: User, wanted: dict[str, str], errors: list[FieldError]) -> dict[str, Artifact]:
    found: dict[str, Artifact] = {}
    for role, id in wanted.items():
        kind = next((kind for kind in ROLES if role.endswith(kind)), role)
        artifact = _mine(user, kind, id)
        if artifact is None:
            message = _("There is no such {kind} in your library.").format(kind=_(kind))
            errors.append(FieldError(field=f"params.{role}", message=message))
        elif kind == Kind.TOKENIZER and artifact.meta.get("format") == "sentencepiece":
            message = _("This is a SentencePiece model: it can be looked at and compared, but nothing trains with it.")
            errors.append(FieldError(field=f"params.{role}", message=message))
        else:
            found[role] = artifact
    return found


def _mine(user: User, kind: str, id: str) -> Artifact | None:
    key = _uuid(id)
    return artifacts.for_user(user, kind).filter(pk=key).first() if key else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def refusal(errors: list[FieldError]) -> BadInput:
    """All that is wrong with a request for a run, as one error."""
    fields: dict[str, list[str]] = {}
    for error in errors:
        fields.setdefault(error.field, []).append(error.message)
    return BadInput(_("The run cannot be queued as it is: see the fields."), fields)
