"""What a report tells of a run, gathered from the ledger and the library: numbers, words, pictures."""

import json
import math
import zlib
from typing import Any

import numpy as np
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from playground.domain.errors import VitrineError
from playground.domain.kind import Memory
from playground.domain.registry import kinds
from playground.ledger import probes, series
from playground.ledger.models import Event, Job
from playground.ledger.series import Series
from playground.web.api import costs
from playground.web.api.receipts import receipt_of
from playground.web.catalogue import sentence
from playground.web.report import figures

MOST_SAMPLES = 12
MOST_SENTENCES, MOST_STEPS, MOST_TOKENS = 3, 4, 64
"""Of the probes: enough to see attention form, little enough for a page."""

Row = dict[str, Any]


def gather(job: Job) -> dict[str, Any]:
    """Everything that the template needs."""
    found = series.metrics(job.pk)["series"]
    pictures = [figures.curves(found, {"loss": _("training"), "val_loss": _("held out"), "step": _("step")})]
    beside = figures.small(found, _small_titles())
    kind = kinds().get(job.kind)
    return {
        "job": job,
        "kind": sentence(kind.title) if kind else job.kind,
        "state": _status(job.status),
        "error": sentence(job.error),
        "made": date_format(timezone.localtime(), "DATETIME_FORMAT"),
        "numbers": _numbers(job, found),
        "pictures": {"curves": pictures[0], **({"small": beside} if beside else {}), **_attention(job)},
        "sentences": _sentences(job),
        "parameters": _parameters(job),
        "memory": _memory(job, found),
        "samples": _samples(job),
        "receipt": json.dumps(receipt_of(job).model_dump(mode="json"), indent=2, ensure_ascii=False),
    }


def _status(status: str) -> str:
    words = {
        "queued": _("Waiting"), "starting": _("Getting ready"), "running": _("In training"), "pausing": _("Pausing"),
        "paused": _("Paused"), "done": _("Done"), "failed": _("Failed"), "stopped": _("Stopped"),
    }  # fmt: skip
    return words.get(status, status)


def _small_titles() -> dict[str, str]:
    return {
        "learning_rate": _("Learning rate"),
        "grad_norm": _("Gradient norm"),
        "tokens_per_s": _("Tokens per second"),
        "memory": _("Memory"),
    }


def _numbers(job: Job, found: dict[str, Series]) -> list[Row]:
    """The figures that matter, largest first to be read."""

    def last(name: str) -> float | None:
        values = found[name]["value"] if name in found else []
        return values[-1] if values else None

    held = found["val_loss"]["value"] if "val_loss" in found else []
    speed = sorted(found["tokens_per_s"]["value"]) if "tokens_per_s" in found else []
    rows = [
        (_("steps"), f"{job.step:,}"),
        (_("validation loss"), _fixed(last("val_loss"))),
        (_("lowest validation loss"), _fixed(min(held) if held else None)),
        (_("training loss"), _fixed(last("loss"))),
        (_("perplexity"), _fixed(last("perplexity"), 1)),
        (_("tokens a second"), f"{speed[len(speed) // 2]:,.0f}" if speed else "–"),
        (_("time"), _duration(last("seconds"))),
    ]
    return [{"label": label, "value": value} for label, value in rows if value != "–"]


def _parameters(job: Job) -> list[Row]:
    """Every parameter by its title, with what differs from the default marked; artifacts by their names."""
    kind = kinds().get(job.kind)
    fields = kind.Params.model_fields if kind else {}
    names = {use.role: use.name for use in job.job_inputs.all()}
    rows = []
    for name, value in job.params.items():
        field = fields.get(name)
        title = sentence(field.title) if field is not None and field.title else name.replace("_", " ")
        shown = names.get(name) or _shown(value)
        usual = field is not None and not field.is_required() and field.get_default(call_default_factory=True) == value
        rows.append({"title": title, "value": shown, "changed": not usual and name not in names})
    return rows


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return " · ".join(value) or "–"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _memory(job: Job, found: dict[str, Series]) -> dict[str, Any] | None:
    """The estimate by part, and the measured peak; None where neither can be told."""
    try:
        estimate: Memory | None = costs.of_job(job).memory
    except VitrineError:
        estimate = None
    peak = max(found["memory"]["value"], default=None) if "memory" in found else None
    if estimate is None and peak is None:
        return None
    titles = {
        "weights": _("weights"), "gradients": _("gradients"), "optimizer": _("optimizer"),
        "activations": _("activations"), "logits": _("logits"), "other": _("the process itself"),
    }  # fmt: skip
    parts = (
        [{"title": title, "value": _mebibytes(getattr(estimate, name))} for name, title in titles.items()]
        if estimate
        else []
    )
    total = _mebibytes(estimate.total) if estimate else None
    return {"parts": parts, "total": total, "measured": _mebibytes(peak) if peak is not None else None}


def _samples(job: Job) -> list[Row]:
    """Texts that the model wrote, spread over the run, the last one among them."""
    events = list(Event.objects.filter(job=job, type="sample").order_by("seq").values_list("data", flat=True))
    spread = np.linspace(0, len(events) - 1, min(MOST_SAMPLES, len(events)))
    places = sorted({int(place) for place in spread})
    answers = "template" in job.params
    return [{"step": events[place].get("step", ""), "parts": _written(events[place], answers)} for place in places]


def _written(sample: dict[str, Any], answers: bool) -> list[Row]:
    """A sample in parts with their looks: prompt and text, an instruction and its answer, or a text with its blanks."""
    prompt, text, blanks = sample.get("prompt", ""), sample.get("text", ""), sample.get("blanks")
    if not blanks:
        # A text without a prompt often begins with the line break that ends the text before it.
        written = text.lstrip() if answers or not prompt else text
        return [{"look": "asked" if answers else "prompt", "text": prompt}, {"look": "", "text": written}]
    parts, at = [], 0
    for blank in blanks:
        best: str = blank["candidates"][0]["text"]
        best = f"-{best[2:]}" if best.startswith("##") else best
        parts += [{"look": "", "text": prompt[at : blank["start"]]}, {"look": "filled", "text": best}]
        at = blank["end"]
    return [*parts, {"look": "", "text": prompt[at:]}]


def _sentences(job: Job) -> list[Row]:
    """The pinned sentences that have a picture, by the names of their pictures."""
    about = probes.index(job.pk)["about"]
    found = about["sentences"][:MOST_SENTENCES] if about else []
    return [{"picture": f"attention-{place}", "text": item["text"]} for place, item in enumerate(found)]


def _attention(job: Job) -> dict[str, figures.Picture]:
    """Of each pinned sentence: the last layer's attention, mean of its heads, at a few steps of the run."""
    index = probes.index(job.pk)
    about, steps = index["about"], index["steps"]
    pictures: dict[str, figures.Picture] = {}
    for place, item in enumerate(about["sentences"][:MOST_SENTENCES] if about else []):
        tokens = [token["text"] for token in item["tokens"]]
        chosen = sorted({steps[int(at)] for at in np.linspace(0, len(steps) - 1, MOST_STEPS)})
        maps = []
        for step in chosen:
            packed = probes.blob(job.pk, step, place)
            if packed is not None and about is not None:
                codes = np.frombuffer(zlib.decompress(packed), dtype=np.uint8)
                every = codes.reshape(about["layers"], -1, len(tokens), len(tokens)).astype(np.float64)
                # Codes are square roots of weights, in 255 parts.
                maps.append((step, ((every[-1] / 255) ** 2).mean(axis=0)[:MOST_TOKENS, :MOST_TOKENS]))
        if maps:
            pictures[f"attention-{place}"] = figures.attention(maps, tokens[:MOST_TOKENS], _("step {step}"))
    return pictures


def _fixed(value: float | None, digits: int = 3) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def _mebibytes(value: float) -> str:
    return f"{value / 2**20:,.0f} MiB"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
