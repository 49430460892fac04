"""From the child's folder into the library: a tokenizer or a model becomes an artifact of the job's owner.

Hashing and copying may take longer than the lease lasts, so they happen in a thread of their own while the lease is
renewed; then the job gets its artifact in one fenced step.
"""

import logging
import random
import time
from pathlib import Path

from django.db import connections

from playground.domain.errors import BadInput
from playground.domain.messages import Artifact as ArtifactMessage
from playground.domain.messages import Emit
from playground.ledger.models import Job
from playground.library import artifacts, names, store
from playground.library.models import Artifact
from workers.hold import AWAY, PAUSE, Hold
from workers.order import job_folder

log = logging.getLogger("vitrine.adoption")


def bring_home(job: Job, message: ArtifactMessage, hold: Hold) -> None:
    """Adopt what the child wrote and attach it to the job. Raises Fenced; BadInput for a path outside its folder."""
    source = Path(message.path).resolve()
    if not source.is_relative_to(job_folder(job).resolve()):
        raise BadInput("The engine named a folder that is not the job's.")
    artifact = hold.during(lambda: adopt(job, message, source))
    said = {"kind": message.kind, "id": str(artifact.pk), "name": artifact.name}
    hold.outbox.add(Emit(type="artifact", data=said))
    hold.attach(**{message.kind: artifact})


def adopt(job: Job, message: ArtifactMessage, source: Path) -> Artifact:
    """Move `source` into the store, then make its row in the library, however long the database is away."""
    try:
        sha256, size = artifacts.tree_digest(source)
        store.current().put_tree(message.kind, sha256, source)
        meta = message.meta | (base_of(job) if message.kind == "model" else {})
        # A model is the outcome of its run and goes by the run's name.
        name = names.clean(job.name if message.kind == "model" else message.name)
        while True:
            try:
                return artifacts.record(
                    message.kind, sha256, size, owner=job.owner, name=name, meta=meta, origin=origin(job)
                )[0]
            except AWAY as error:
                log.warning("Job %s: the database did not take the %s (%s).", job.pk, message.kind, error)
                time.sleep(random.uniform(*PAUSE))
    finally:
        connections.close_all()  # this thread's only


def base_of(job: Job) -> dict[str, object]:
    """Which model of the library an adapter stands on, or another was tuned from; nothing for one made from scratch."""
    use = job.job_inputs.filter(role="model").first()
    return {} if use is None else {"base_id": str(use.artifact_id), "base_name": use.name}


def origin(job: Job) -> dict[str, object]:
    """Where an artifact comes from: the job, and the content of everything that the job read."""
    inputs = {use.role: {"name": use.name, "sha256": use.sha256} for use in job.job_inputs.all()}
    return {"job": str(job.pk), "kind": job.kind, "inputs": inputs}
