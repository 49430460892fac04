"""Unpacking an archive that a stranger made, without trusting a word of its directory.

Every limit is checked against what really comes out, not against what the archive says: entries, bytes,
ratio. Names are flat names from a short list, so that nothing can be written elsewhere.
"""

import stat
import zipfile
import zlib
from pathlib import Path

from django.utils.translation import gettext as _

from playground.domain.errors import BadInput, TooLarge
from playground.domain.model_files import FILES, INDEX, NEEDLESS

MAX_ENTRIES = 1000
"""Entries of an archive; a model folder has about ten."""
MAX_RATIO = 100
"""How many times larger than its packed form an entry may be: weights shrink to a half at best, JSON to a tenth."""
RATIO_FROM = 1 << 20
"""Bytes up to which an entry's ratio does not matter."""
CHUNK = 1 << 20
ACCEPTED = FILES | NEEDLESS | {INDEX, "adapter_config.json"}
"""Beside weights; an adapter is refused by name when its folder is checked."""
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".npy", ".npz", ".h5", ".msgpack", ".joblib")


def unpack(archive: Path, folder: Path, limit: int) -> None:
    """Unpack a model's zip into an empty folder, at most `limit` bytes. Raises BadInput and TooLarge."""
    try:
        with zipfile.ZipFile(archive) as source:
            budget = limit
            for entry in _entries(source):
                budget -= _extract(source, entry, folder / _flat(entry.filename), budget)
    # zipfile raises NotImplementedError for a compression, RuntimeError for a password, that it does not know.
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError):
        raise bad(_("The file is not a ZIP archive that can be read.")) from None


def _entries(source: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The entries to unpack: flat files of a model folder, possibly inside one folder."""
    infos = source.infolist()
    if len(infos) > MAX_ENTRIES:
        raise bad(_("The archive has too many entries: at most {limit}.").format(limit=MAX_ENTRIES))
    files = [info for info in infos if not info.is_dir()]
    tops = {info.filename.split("/")[0] for info in files if "/" in info.filename}
    seen: set[str] = set()
    for info in files:
        name = _flat(info.filename)
        depth = info.filename.count("/")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise bad(_("The archive holds something that is not a plain file."))
        if info.flag_bits & 1:
            raise bad(_("The archive is encrypted."))
        outside = "\\" in info.filename or info.filename.startswith("/") or ".." in info.filename.split("/")
        if outside or depth > 1 or len(tops) > 1 or (depth == 0 and tops):
            raise bad(_("The archive must hold the files of one model folder, and no others."))
        if name.lower().endswith(PICKLES):
            raise bad(_("The archive holds weights that can run code (pickle). Only safetensors are taken."))
        if name not in ACCEPTED and not name.endswith(".safetensors"):
            raise bad(_("The archive holds a file that belongs to no model folder: {name}.").format(name=name[:80]))
        if name in seen:
            raise bad(_("The archive holds a file twice: {name}.").format(name=name[:80]))
        seen.add(name)
    if "config.json" not in seen or not any(name.endswith(".safetensors") for name in seen):
        raise bad(_("A model folder has a config.json and weights as .safetensors."))
    return files


def _extract(source: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, budget: int) -> int:
    """Write one entry; returns its size. The numbers in the directory are not believed."""
    written = 0
    with source.open(entry) as packed, target.open("xb") as out:
        while chunk := packed.read(CHUNK):
            written += len(chunk)
            if written > budget:
                raise TooLarge(_("The archive unpacks to more than is accepted."))
            if written > RATIO_FROM and written > MAX_RATIO * max(1, entry.compress_size):
                raise bad(_("The archive unpacks to far more than any model would."))
            out.write(chunk)
    return written


def _flat(name: str) -> str:
    return name.rpartition("/")[2]


def bad(message: str) -> BadInput:
    """The refusal of an uploaded model, for a reason."""
    return BadInput(_("This file cannot be a model."), {"file": [message]})
