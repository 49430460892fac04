"""The Celery app. Its messages are doorbells and inspect requests: all may be lost or doubled freely.

So messages are acknowledged at once, nothing is stored as a result, and only JSON is read. What must not be
lost is in the database, which the workers also look at without being called.
"""

from celery import Celery
from django.conf import settings

TRAIN, INSPECT = "train", "inspect"
RING, REQUEST = "vitrine.ring", "vitrine.inspect"

# Celery's own Django support would close connections around tasks and load all settings; the tasks here use neither.
app = Celery("vitrine", broker=settings.BROKER_URL, fixups=[], include=["workers.tasks"])
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    task_acks_late=False,
    task_ignore_result=True,
    result_backend=None,
    task_default_queue=TRAIN,
    task_routes={RING: {"queue": TRAIN}, REQUEST: {"queue": INSPECT}},
    task_create_missing_queues=True,
    task_publish_retry=False,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=5,
    broker_pool_acquire_timeout=1,
    broker_transport_options={
        "visibility_timeout": 86_400,
        "socket_keepalive": True,
        "socket_connect_timeout": 5,
        "health_check_interval": 10,
    },
)
