"""Django's settings. What a deployment may change comes from the environment and from nowhere else."""

import os
import re
from typing import Any

import dj_database_url
from csp.constants import NONCE, NONE, SELF, UNSAFE_INLINE
from django.utils.translation import gettext_lazy as _

from playground.settings_environment import BASE_DIR, VARIABLES, read

ENVIRONMENT = read(os.environ)
ENVIRONMENT_VARIABLES = VARIABLES
VITRINE_HOME = ENVIRONMENT.vitrine_home.expanduser().absolute()
VITRINE_HOME.mkdir(mode=0o700, parents=True, exist_ok=True)

DEBUG = ENVIRONMENT.debug
SECRET_KEY = ENVIRONMENT.signing_key()
ALLOWED_HOSTS = ENVIRONMENT.hosts()
HOST, PORT, LOOPBACK = ENVIRONMENT.host, ENVIRONMENT.port, ENVIRONMENT.loopback

# The private Redis is known by its socket; kombu spells the same address in its own way.
REDIS_EMBEDDED = not ENVIRONMENT.redis_url
REDIS_URL = ENVIRONMENT.redis_url or f"unix://{VITRINE_HOME}/run/redis.sock"
BROKER_URL = re.sub(r"^unix://", "redis+socket://", REDIS_URL)
STORAGE_URL = ENVIRONMENT.storage_url or f"file://{VITRINE_HOME}/store"
MAX_CORPUS_BYTES = ENVIRONMENT.vitrine_max_corpus_bytes
MAX_MODEL_BYTES = ENVIRONMENT.vitrine_max_model_bytes
HUB, HF_ENDPOINT = ENVIRONMENT.vitrine_hub, ENVIRONMENT.hf_endpoint

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_vite",
    "ninja",
    "playground.people",
    "playground.library",
    "playground.ledger",
    "playground.web",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "playground.web.static.static_files",
    "playground.web.problems.ProblemMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "playground.web.access.IdentityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "csp.context_processors.nonce",
                "playground.web.context.page",
            ]
        },
    }
]
ROOT_URLCONF = "playground.urls"
ASGI_APPLICATION = "playground.asgi.application"
APPEND_SLASH = True

# SQLite: writers queue at BEGIN instead of failing half-way (IMMEDIATE), readers never block them
# (WAL), and a committed row survives the loss of the machine (FULL).
SQLITE_OPTIONS: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 5,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA busy_timeout=5000; PRAGMA synchronous=FULL;",
}
DATABASE_URL = ENVIRONMENT.database_url or f"sqlite:///{VITRINE_HOME}/vitrine.sqlite3"
DATABASES: dict[str, Any] = {"default": dict(dj_database_url.parse(DATABASE_URL, conn_max_age=0))}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "people.User"
LOGIN_URL = "sign-in"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "frontend" / "dist"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
DJANGO_VITE = {"default": {"dev_mode": False, "manifest_path": BASE_DIR / "frontend" / "dist" / "manifest.json"}}

# The whole body is bounded in front of Django (web.body); this bounds what is parsed in memory.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 << 20
FILE_UPLOAD_MAX_MEMORY_SIZE = 1 << 16
FILE_UPLOAD_TEMP_DIR = str(VITRINE_HOME / "uploads")
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
(VITRINE_HOME / "uploads").mkdir(mode=0o700, exist_ok=True)

SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = ENVIRONMENT.origins()
CSRF_FAILURE_VIEW = "playground.web.pages.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if ENVIRONMENT.vitrine_https:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    SECURE_HSTS_SECONDS = 365 * 24 * 3600

# Nothing is ever fetched from another origin. Styles: plotly positions its hover labels with
# style attributes that it writes as text, which only 'unsafe-inline' for attributes permits;
# <style> elements still need the nonce.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "style-src-attr": [UNSAFE_INLINE],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF, "blob:"],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    # django.server and django would otherwise keep their own handlers and print twice.
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # A refusal is an answer, not an event: the access log has it.
        "django.request": {"level": "ERROR"},
    },
}
