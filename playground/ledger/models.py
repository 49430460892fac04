"""The ledger's tables: a job, its inputs, its attempts, its events, and the workers that were seen.

Nobody saves a Job through the model: `submit`, `claim`, `append`, `reap` and `controls` change it by conditional
UPDATE.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from playground.domain.job import ACTIVE, TERMINAL, Desired, Failure, Status
from playground.domain.messages import Recorded


class Job(models.Model):
    """One queued run. `attempt` is the fencing token, `next_seq` the number of its next event.

    `reason` is the slug of the last transition ("submitted", "worker_lost", "disk_full", ...), which with the state and
    `not_before` says why a job waits; `lease_until` is set exactly while the job is active.

    A job may come from another, its `parent`: a "fork" goes on from the parent's checkpoint after `parent_step`, a
    "repeat" does the same again; a job with a `parent_step` has that checkpoint in its own folder, as its base. Jobs of
    one `sweep` differ in the parameters that `varied` names. `memory` is an estimate of the bytes that it needs
    on each of its devices. `asks` are requests to the attempt that is running, see
    `asks.py`; they are no part of the job's story.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    params = models.JSONField(default=dict)
    inputs = models.ManyToManyField("library.Artifact", through="JobInput", related_name="input_of")
    tokenizer = models.ForeignKey(
        "library.Artifact", null=True, blank=True, on_delete=models.SET_NULL, related_name="tokenizer_of"
    )
    model = models.ForeignKey(
        "library.Artifact", null=True, blank=True, on_delete=models.SET_NULL, related_name="model_of"
    )

    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children")
    parent_step = models.PositiveBigIntegerField(null=True, blank=True)
    relation = models.CharField(max_length=10, default="", blank=True, choices=[(r, r) for r in ("fork", "repeat")])
    sweep = models.UUIDField(null=True, blank=True, db_index=True)
    varied = models.JSONField(default=dict, blank=True)

    status = models.CharField(max_length=10, default=Status.QUEUED, choices=[(s.value, s.value) for s in Status])
    desired = models.CharField(max_length=10, default=Desired.RUN, choices=[(d.value, d.value) for d in Desired])
    reason = models.CharField(max_length=40, default="submitted")
    attempt = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=200, default="", blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(db_default=Now())
    asks = models.JSONField(default=list, blank=True)

    next_seq = models.PositiveBigIntegerField(default=1)
    step = models.PositiveBigIntegerField(default=0)
    steps = models.PositiveBigIntegerField(null=True, blank=True)
    memory = models.PositiveBigIntegerField(null=True, blank=True)
    step_at = models.DateTimeField(null=True, blank=True)
    recorded = models.JSONField(default=dict)
    failure = models.CharField(max_length=20, default="", blank=True, choices=[(f.value, f.value) for f in Failure])
    error = models.TextField(default="", blank=True)

    idempotency_key = models.CharField(max_length=200, default="", blank=True)
    request_hash = models.CharField(max_length=64, default="", blank=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "idempotency_key"),
                condition=~models.Q(idempotency_key=""),
                name="one_job_per_idempotency_key",
            ),
        )
        indexes = (
            models.Index(fields=("status", "lease_until"), name="job_status_lease"),
            models.Index(fields=("owner", "-created_at"), name="job_owner_created"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.status})"

    @property
    def last_seq(self) -> int:
        """The number of the newest event."""
        return self.next_seq - 1

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return self.status in TERMINAL

    @property
    def is_active(self) -> bool:
        """Whether an attempt holds the job."""
        return self.status in ACTIVE

    def progress_mark(self) -> Recorded:
        """What is stored of the run so far, for the `Start` message of its next attempt."""
        return Recorded.model_validate(self.recorded)


class JobInput(models.Model):
    """An artifact that a job reads, in a role. Name and hash stay when the artifact is deleted after the run."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="job_inputs")
    role = models.CharField(max_length=40)
    artifact = models.ForeignKey("library.Artifact", null=True, on_delete=models.SET_NULL, related_name="uses")
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("job", "role"), name="one_input_per_role"),)

    def __str__(self) -> str:
        return f"{self.role}: {self.name}"


class Attempt(models.Model):
    """One try at a job. `process` identifies the supervisor's process, so that its host can tell that it is gone.

    `outcome` is a final or resting Status, or a Loss; empty while the attempt lives.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    worker = models.CharField(max_length=200)
    host = models.CharField(max_length=255, default="", blank=True)
    pid = models.PositiveIntegerField(default=0)
    process = models.CharField(max_length=200, default="", blank=True)
    device = models.CharField(max_length=100, default="", blank=True)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, default="", blank=True)
    resume_step = models.PositiveBigIntegerField(default=0)
    environment = models.JSONField(default=dict)

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=("job", "number"), name="one_row_per_attempt"),)

    def __str__(self) -> str:
        return f"attempt {self.number} by {self.worker}"


class Event(models.Model):
    """One thing that happened to a job; immutable."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveBigIntegerField()
    attempt = models.PositiveIntegerField()
    type = models.CharField(max_length=20)
    at = models.DateTimeField(db_default=Now())
    data = models.JSONField()

    class Meta:
        ordering = ("seq",)
        constraints = (models.UniqueConstraint(fields=("job", "seq"), name="one_event_per_seq"),)

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"


class ProbeBlob(models.Model):
    """A binary part of a probe: zlib of the attention of a sentence, or, as sentence -1, of the word vectors.

    `playground.domain.probing` says how it is written; the event of the same step says everything else.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="probe_blobs")
    step = models.PositiveBigIntegerField()
    sentence = models.SmallIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("job", "step", "sentence"), name="one_blob_per_sentence"),)

    def __str__(self) -> str:
        return f"sentence {self.sentence} at step {self.step}"


class Worker(models.Model):
    """A worker process that says what it is and when it was last alive. `memory` is in bytes.

    `libraries` are the bytes that an engine holds before its first array, 0 while not measured; `speed` is a list of
    measured points (`SpeedPoint`) as dicts; `devices` are {"name", "memory", "free", "places", "runs"} each: bytes in
    all and promised to nobody (null where unknown), runs that it takes at a time and has.
    """

    name = models.CharField(max_length=200, primary_key=True)
    queue = models.CharField(max_length=20)
    host = models.CharField(max_length=255, default="", blank=True)
    pid = models.PositiveIntegerField(default=0)
    device = models.CharField(max_length=100, default="cpu")
    threads = models.PositiveIntegerField(default=1)
    memory = models.PositiveBigIntegerField(default=0)
    slots = models.PositiveIntegerField(default=1)
    speed = models.JSONField(default=list)
    devices = models.JSONField(default=list)
    libraries = models.PositiveBigIntegerField(default=0)
    version = models.CharField(max_length=40, default="", blank=True)
    seen_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.name} ({self.queue}, {self.device})"
