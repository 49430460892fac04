"""The HTTP API: one module for each noun, put together here."""

from playground import VERSION
from playground.web.api import (
    asks,
    corpora,
    events,
    exhibits,
    exports,
    forks,
    house,
    jobs,
    models,
    previews,
    probes,
    repeats,
    reports,
    shelf,
    sweeps,
    tokenizers,
)
from playground.web.api.routes import VitrineAPI

api = VitrineAPI(
    title="Vitrine",
    version=VERSION,
    description="Everything that the pages do, and they use nothing else. Errors are RFC 9457 problem documents.",
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
)
api.add_router("", house.router)
api.add_router("corpora", corpora.router)
api.add_router("tokenizers", tokenizers.router)
api.add_router("models", models.router)
api.add_router("models", exports.router)
api.add_router("shelf", shelf.router)
api.add_router("jobs", jobs.router)
api.add_router("jobs", events.router)
api.add_router("jobs", asks.router)
api.add_router("jobs", forks.router)
api.add_router("jobs", repeats.router)
api.add_router("jobs", reports.router)
api.add_router("jobs", previews.router)
api.add_router("jobs", probes.router)
api.add_router("sweeps", sweeps.router)
api.add_router("exhibits", exhibits.router)
