"""The ASGI application: HTTP through Django behind a body limit, websockets through Channels' router.

Torch is never imported here or in anything that this imports; a test starts a fresh interpreter to see.
"""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")
django_application = get_asgi_application()

# Imported by name, since these modules use models and so can be loaded only now.
application = ProtocolTypeRouter(
    {
        "http": import_string("playground.web.body.BodyLimit")(django_application),
        "websocket": import_string("playground.web.routing.websockets"),
    }
)
