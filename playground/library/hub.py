"""Tokenizers by their name on the hub of models, for sites that may go to the internet. They are off unless allowed.

Only the few small files that a tokenizer can be are asked for, from the one host that HF_ENDPOINT names (and hosts that
belong to it, to which it passes large files on), within a time and a size. What comes is treated as what a visitor
uploads: nothing is believed of it, and only the tokenizer child opens it.
"""

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from playground.domain.errors import BadInput, NotFound, TooLarge, Unavailable
from playground.domain.tokenizer_file import MAX_BYTES

NAME = re.compile(r"(?:[A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
SECONDS = 30.0
"""For all files together: the largest vocabularies have 30 MB."""
WAIT = 10.0
"""Seconds without a byte after which the hub counts as unreachable."""
MAX_CONFIG = 4 << 20
PIECE = 1 << 16
WAYS: tuple[tuple[str, ...], ...] = (
    ("tokenizer.json",),
    ("vocab.json", "merges.txt"),
    ("tokenizer.model",),
    ("spiece.model",),
    ("sentencepiece.bpe.model",),
)
"""What a repository may have, the exactest first."""
RELATIVES = {"huggingface.co": (".huggingface.co", ".hf.co")}
"""Hosts that a hub passes large files on to, by the ends of their names."""
SPOKEN = ("chat_template", "bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token")


def fetch(name: str, folder: Path) -> tuple[dict[str, Path], str]:
    """Bring a tokenizer's files into the folder; returns them by name, and the revision that the hub gave.

    Raises BadInput for what is no name, NotFound, TooLarge, and Unavailable where this site does not go to the internet
    or the hub does not answer.
    """
    if not settings.HUB:
        raise Unavailable(
            _("Names on the hub are switched off: this Vitrine does not go to the internet. VITRINE_HUB allows it."),
            code="hub_off",
        )
    if not NAME.fullmatch(name) or ".." in name:
        told = _("A name on the hub is an owner and a repository, like owner/name.")
        raise BadInput(told, {"name": [told]})
    call = _Call(settings.HF_ENDPOINT.rstrip("/"), name, time.monotonic() + SECONDS)
    for files in WAYS:
        found: dict[str, Path] = {}
        for file in files:
            path = folder / file
            if not call.bring(file, path, MAX_BYTES):
                break
            found[file] = path
        if len(found) == len(files):
            return found, call.revision
    told = _("The repository “{name}” has no tokenizer that can be opened here.").format(name=name)
    raise NotFound(told)


def speech(name: str, folder: Path) -> None:
    """Put the model's chat template and the names of its special tokens beside its tokenizer, where it has them."""
    call = _Call(settings.HF_ENDPOINT.rstrip("/"), name, time.monotonic() + SECONDS)
    config, template = folder / "hub.json", folder / "chat_template.jinja"
    try:
        if call.bring("tokenizer_config.json", config, MAX_CONFIG):
            found = json.loads(config.read_bytes())
            kept = {key: found[key] for key in SPOKEN if key in found} if isinstance(found, dict) else {}
            (folder / "tokenizer_config.json").write_text(json.dumps(kept), encoding="utf-8")
        call.bring("chat_template.jinja", template, MAX_CONFIG)
    except (ValueError, RecursionError, TooLarge, Unavailable):
        template.unlink(missing_ok=True)  # the tokenizer is what was asked for
    finally:
        config.unlink(missing_ok=True)


class _Call:
    """Files of one repository, all within one deadline."""

    def __init__(self, endpoint: str, name: str, deadline: float) -> None:
        self.revision = ""
        self._base = f"{endpoint}/{quote(name)}/resolve/main/"
        self._deadline = deadline
        self._opener = urllib.request.build_opener(_OwnHosts(endpoint))

    def bring(self, file: str, path: Path, limit: int) -> bool:
        """Write a file; false where the repository has none. Raises TooLarge, Unavailable."""
        request = urllib.request.Request(self._base + file, headers={"User-Agent": "vitrine"})
        try:
            with self._opener.open(request, timeout=WAIT) as answer, path.open("wb") as target:
                self.revision = answer.headers.get("X-Repo-Commit") or self.revision
                for piece in self._pieces(answer, limit, file):
                    target.write(piece)
        except urllib.error.HTTPError as error:
            path.unlink(missing_ok=True)
            if error.code in (401, 403, 404):  # the hub says 401 of what does not exist, too
                return False
            raise Unavailable(_("The hub answered with error {status}.").format(status=error.code)) from None
        except (OSError, http.client.HTTPException):
            path.unlink(missing_ok=True)
            raise Unavailable(_("The hub cannot be reached. Is there a way to the internet?")) from None
        return True

    def _pieces(self, answer: IO[bytes], limit: int, file: str) -> Iterator[bytes]:
        size = 0
        while piece := answer.read(PIECE):
            size += len(piece)
            if size > limit:
                told = _("{file} is larger than a tokenizer may be: at most {limit} bytes.")
                raise TooLarge(told.format(file=file, limit=f"{limit:,}"))
            if time.monotonic() > self._deadline:
                raise TimeoutError
            yield piece


class _OwnHosts(urllib.request.HTTPRedirectHandler):
    """Follows the hub to its own hosts only, and never out of HTTPS."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = urlsplit(endpoint)

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Raises OSError for a host that is none of the hub's."""
        own, to = self._endpoint, urlsplit(newurl)
        relatives = (f".{own.hostname}", *RELATIVES.get(own.hostname or "", ()))
        same = to.hostname == own.hostname and to.port == own.port
        if not (same or f".{to.hostname}".endswith(relatives)) or (own.scheme, to.scheme) == ("https", "http"):
            raise OSError("the hub leads elsewhere")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
