"""What the tokenizer child can do: run an exhibit with the files of a visitor on the shelf, and check an upload."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Library

from playground.domain.errors import BadInput, NotFound
from playground.domain.registry import exhibits
from playground.domain.special import special_ids
from playground.domain.tokenization import formats
from playground.domain.tokenization.fast import describe
from playground.domain.tokenization.pieces import Pieces
from workers.tokenize.shelf import Opened

PROBES = ("Hello, world!", "你好,世界。", "👩‍👩‍👧 naïve\r\n\tx = 1\u0000", "a" * 2_000, "")
_shelf = Opened()


def answer(request: dict[str, Any]) -> bytes:
    """The body of the answer. Raises VitrineError."""
    if request["verb"] == "check":
        return json.dumps(check([Path(path) for path in request["files"]])).encode()
    if request["verb"] == "exhibit":
        exhibit = exhibits().get((request["wing"], request["slug"]))
        if exhibit is None:
            raise NotFound("There is no such exhibit.")
        params = exhibit.Params.model_validate(request["params"])
        _shelf.lay(request["shelf"])
        result = exhibit.run(params, _shelf) if exhibit.needs_shelf else exhibit.run(params)
        return result.model_dump_json().encode()
    raise BadInput("There is no such request.")


def check(paths: list[Path]) -> dict[str, Any]:
    """Open an upload and try it out. Returns its meta data, and the `tokenizer.json` that it was turned into."""
    files = {path.name: path.read_bytes() for path in paths}
    kind = formats.kind_of(files)
    if kind == "sentencepiece":
        (content,) = files.values()
        model = Pieces(content, id="", title="", origin="library", about="")
        for probe in PROBES:
            model.cut(probe)
        card = model.card
        return {"meta": _meta(kind, card.algorithm, card.size), "tokenizer": None}
    library = formats.library_from(files)
    _try(library)
    card = describe(library, id="", title="", origin="library", about="")
    converted = None if kind == "tokenizer.json" else library.to_str()
    size = max(library.get_vocab(with_added_tokens=True).values()) + 1
    meta = _meta(kind, card.algorithm, size) | {"special": sorted(special_ids(library))}
    return {"meta": meta, "tokenizer": converted}


def _try(library: Library) -> None:
    library.no_truncation()
    library.no_padding()
    for probe in PROBES:
        library.decode(library.encode(probe).ids)
    ids = sorted(library.get_vocab(with_added_tokens=True).values())
    for number in ids[:: max(1, len(ids) // 512)]:
        library.decode([number])


def _meta(kind: str, algorithm: str, size: int) -> dict[str, Any]:
    return {"vocab_size": size, "algorithm": algorithm, "format": kind, "corpus": None}
