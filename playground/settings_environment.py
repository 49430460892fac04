"""The environment variables that Vitrine reads: this class is the one list of them.

Each field is one variable, under the same name in capitals; its description says what it does.
Values are parsed and checked here, once, so that a typing error in a deployment is refused at the
start with the variable's name. `docker-compose.yml` is tested against this list.
"""

import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

BASE_DIR = Path(__file__).resolve().parent.parent
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Environment(BaseModel):
    """What the environment says, parsed; empty values count as not given."""

    model_config = ConfigDict(frozen=True)

    vitrine_home: Path = Field(BASE_DIR / "var", description="Folder of all data: database, store, Redis socket.")
    database_url: str = Field("", description="postgresql://user:password@host/name; else SQLite in VITRINE_HOME.")
    redis_url: str = Field("", description="redis://host:6379/0 or unix:///path; else a private Redis in VITRINE_HOME.")
    storage_url: str = Field(
        "", description="fsspec address of the store: a folder or s3://...; else VITRINE_HOME/store."
    )
    secret_key: str = Field("", description="Django's signing key; else made once and kept in VITRINE_HOME/secret_key.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    allowed_hosts: str = Field("", description="Comma-separated host names under which the site is reached.")
    csrf_trusted_origins: str = Field("", description="Comma-separated https://host origins in front of a proxy.")
    debug: bool = Field(False, description="Django's debug mode, for development only.")
    vitrine_https: bool = Field(False, description="True where a proxy in front speaks HTTPS: secure cookies, HSTS.")
    vitrine_max_corpus_bytes: int = Field(1 << 30, ge=1, description="Largest corpus accepted, in bytes (1 GiB).")
    vitrine_max_model_bytes: int = Field(
        2 << 30, ge=1, description="Largest unpacked model accepted, in bytes (2 GiB)."
    )
    vitrine_hub: bool = Field(False, description="True lets people open tokenizers by their name on HF_ENDPOINT.")
    hf_endpoint: str = Field(
        "https://huggingface.co", pattern=r"^https?://[^/\s]+/?$", description="The hub of models, or a mirror of it."
    )
    vitrine_slots: int | None = Field(
        None, ge=1, le=64, description="Training jobs at a time on a device; else 1 on a CPU, 4 on a GPU, if they fit."
    )
    vitrine_version: str = Field("", description="Version shown by the health page; else that of the package.")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the site."""
        return self.host in LOOPBACK

    def hosts(self) -> list[str]:
        """Host names that a request may carry: those given, else this machine's own."""
        given = [name.strip() for name in self.allowed_hosts.split(",") if name.strip()]
        own = [*LOOPBACK[:2], "[::1]"]
        if given or self.loopback:
            return given or own
        return [*own, self.host, socket.gethostname(), *_own_addresses()]

    def origins(self) -> list[str]:
        """Origins trusted for form posts and websockets beside the site's own."""
        return [origin.strip() for origin in self.csrf_trusted_origins.split(",") if origin.strip()]

    def signing_key(self) -> str:
        """The secret key: given, or made on the first start and kept with mode 0600."""
        if self.secret_key:
            return self.secret_key
        path = self.vitrine_home / "secret_key"
        self.vitrine_home.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"secret_key.{os.getpid()}")
        if not path.exists():
            # Several processes may start at once: the link succeeds for exactly one of them.
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(50))
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()


def _own_addresses() -> list[str]:
    """The address that this machine shows to its network; connecting UDP sends no packet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return []
        return [str(probe.getsockname()[0])]


VARIABLES: dict[str, str] = {name.upper(): str(field.description) for name, field in Environment.model_fields.items()}
"""Every variable that is read, with its meaning."""


def read(environ: Mapping[str, str]) -> Environment:
    """Parse the variables; raises SystemExit with one line a mistake."""
    given = {name.lower(): environ[name] for name in VARIABLES if environ.get(name, "").strip()}
    try:
        return Environment.model_validate(given)
    except ValidationError as error:
        lines = [f"{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        raise SystemExit("The environment is not usable:\n" + "\n".join(lines)) from None
