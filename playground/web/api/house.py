"""`me`, `health`, `queue` and `catalogue`: the house itself."""

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.utils.translation import get_language
from redis.exceptions import RedisError

from playground import VERSION
from playground.domain.exhibit import Exhibit
from playground.domain.job import ACTIVE
from playground.domain.kind import JobKind
from playground.domain.registry import exhibits, kinds, wings
from playground.ledger import presence, queue
from playground.ledger.models import Job
from playground.library.names import MAX_NAME
from playground.library.tokenizers import MAX_TOKENIZER_BYTES
from playground.web.access import ANYONE, SIGNED_IN, known, user_of
from playground.web.api import schemas_house as schemas
from playground.web.api.objects import jobs_json, workers_json
from playground.web.api.routes import Noun
from playground.web.api.words import translated
from playground.web.catalogue import sentence

router = Noun(tags=["house"])
REDIS_WITHIN = 0.3


@router.get("/me", auth=SIGNED_IN, response=schemas.Me, operation_id="get_me")
def me(request: HttpRequest) -> object:
    """Who the request acts for, and what they may upload."""
    user = user_of(request)
    return schemas.Me(
        id=user.pk,
        name=user.get_full_name() or user.get_username(),
        role=user.role,
        language=get_language() or settings.LANGUAGE_CODE,
        limits=schemas.Limits(
            max_corpus_bytes=settings.MAX_CORPUS_BYTES,
            max_model_bytes=settings.MAX_MODEL_BYTES,
            max_tokenizer_bytes=MAX_TOKENIZER_BYTES,
            max_name_characters=MAX_NAME,
        ),
    )


@router.get("/health", auth=ANYONE, response=schemas.Health, operation_id="get_health")
def health(request: HttpRequest) -> object:
    """Whether the parts are there. Strangers are told of the workers only that there are some."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    workers = workers_json(presence.alive())
    if known(request) is None:
        workers = [_plain(worker) for worker in workers]
    version = settings.ENVIRONMENT.vitrine_version or VERSION
    return schemas.Health(status="ok", version=version, workers=workers, redis=_redis_answers())


def _plain(worker: schemas.WorkerSchema) -> schemas.WorkerSchema:
    return worker.model_copy(
        update={"name": worker.queue, "memory": 0, "threads": 0, "device": "", "speed": [], "devices": []}
    )


def _redis_answers() -> bool:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=REDIS_WITHIN, socket_connect_timeout=REDIS_WITHIN)
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False
    finally:
        client.close()


@router.get("/queue", auth=SIGNED_IN, response=schemas.Queue, operation_id="get_queue")
def line(request: HttpRequest) -> object:
    """The waiting line, and what of yours runs. Of other people's jobs only the places are seen."""
    user = user_of(request)
    places = {entry.job: place for place, entry in enumerate(queue.line(), 1)}
    mine = {row.id: row for row in jobs_json(list(Job.objects.filter(owner=user, pk__in=places)))}
    return schemas.Queue(
        workers=workers_json(presence.alive()),
        waiting=[schemas.WaitingJob(job=mine.get(id), position=place) for id, place in places.items()],
        running=jobs_json(list(Job.objects.filter(owner=user, status__in=ACTIVE))),
    )


@router.get("/catalogue", auth=SIGNED_IN, response=schemas.Catalogue, operation_id="get_catalogue")
def catalogue(request: HttpRequest) -> object:
    """All wings, exhibits and job kinds, in the reader's language."""
    entries = [
        schemas.WingEntry(
            slug=slug,
            title=sentence(wing.title),
            summary=sentence(wing.summary),
            exhibits=[_exhibit(name, item) for (parent, name), item in exhibits().items() if parent == slug],
        )
        for slug, wing in wings().items()
    ]
    return schemas.Catalogue(wings=entries, kinds=[_kind(kind) for kind in kinds().values()])


def _exhibit(slug: str, item: Exhibit) -> schemas.ExhibitEntry:
    lesson = "\n\n".join(sentence(" ".join(part.split())) for part in item.lesson.split("\n\n"))
    return schemas.ExhibitEntry(
        slug=slug,
        title=sentence(item.title),
        summary=sentence(item.summary),
        lesson=lesson,
        needs_model=item.needs_model,
        params=translated(item.Params.model_json_schema()),
    )


def _kind(kind: JobKind) -> schemas.KindEntry:
    return schemas.KindEntry(
        name=kind.name,
        title=sentence(kind.title),
        summary=sentence(kind.summary),
        params=translated(kind.Params.model_json_schema()),
        presets=kind.presets,
    )
