"""The hash of the code in a receipt: another one for any other line that computes, the same one wherever it lies."""

import json
import shutil
from pathlib import Path

from tests.workers.engine.attempts import Bench, artifacts
from tests.workers.engine.conftest import ROOT
from workers.engine.source import code, code_of


def test_any_other_line_gives_another_hash(tmp_path: Path) -> None:
    here = [tmp_path / name / "jobs" for name in ("one", "two")]
    for folder in here:
        shutil.copytree(ROOT / "playground" / "jobs", folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert code_of(here[:1]) == code_of(here[1:])
    file = here[1] / "clm.py"
    file.write_text(file.read_text().replace("params.seed", "params.seed + 1"))
    assert code_of(here[:1]) != code_of(here[1:])
    (here[1] / "clm.py").rename(here[1] / "new.py")
    assert code_of(here[:1]) != code_of(here[1:])


def test_all_that_computes_is_in_it() -> None:
    folders = [ROOT / "workers" / "engine", ROOT / "playground" / "domain", ROOT / "playground" / "jobs"]
    assert code() == code_of(folders)
    assert len(code()) == 16


def test_a_receipt_has_it(bench: Bench) -> None:
    receipt = json.loads((Path(artifacts(bench.run(steps=2))["model"].path) / "receipt.json").read_text())
    assert receipt["environment"]["code"] == code()
    assert {"numpy", "torch", "transformers", "tokenizers", "python"} <= receipt["environment"].keys()
