"""Compiling the blocks of a network, with torch's inductor, where a run is long enough to gain by it.

All blocks of a network are one piece of code, so it is compiled once, in both directions, before the first step. The
result is kept in the cache, and the next run of the same shape finds it. Compiled code rounds in other places: whether
a run is compiled is decided once and kept with its states, so that however often it is resumed its numbers stay the
same. What needs no gradient (evaluation, samples, probes) goes through the blocks as they are.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch._inductor import config as inductor
from torch._inductor.utils import clear_caches
from transformers.modeling_layers import GradientCheckpointingLayer

from playground.domain.checkpoints import FOLDER
from playground.domain.compiling import UNEQUAL, worthwhile
from playground.domain.errors import BadInput, VitrineError
from workers.engine.files import appearing

if TYPE_CHECKING:
    from workers.engine.run import Run

NO = "no"
"""What stands in a run's identity in place of a compiler where the run is not compiled."""
RECORD = "compiled"
"""The file beside the checkpoints that has it before there is a checkpoint."""
REASON_CHARACTERS = 300


def settle(run: Run) -> None:
    """Compile the run's network or leave it as it is, as it was decided before or as its parameters say.

    Afterwards `run.compiled` names the compiler, or is "no". Raises BadInput where compiling is demanded and fails.
    """
    crew, record = run.crew, run.folder / FOLDER / RECORD
    before = run.compiled or (record.read_text() if record.exists() else None)
    wanted = crew.shared(bool(before != NO if before else _wanted(run)))
    run.compiled = crew.in_turn(lambda: _compiled(run)) if wanted else NO
    vars(run).pop("identity", None)
    if before and before != run.compiled:
        run.port.log("Other than before: compiled. The curve may differ in its last digits.", "warning")
    if crew.first and not record.exists():
        with appearing(record) as draft:
            draft.write(run.compiled.encode())


def _wanted(run: Run) -> bool:
    """What the parameters say; auto takes long runs of the sort that was measured to gain.

    That is learning next tokens with all weights. With an adapter, or a head for few places, more time goes elsewhere.
    """
    params, model = run.params, run.learner.model
    equal = getattr(params, "packing", True)
    if params.compile == "on" and not equal:
        raise BadInput(UNEQUAL, {"compile": [UNEQUAL]})
    if params.compile != "auto":
        return bool(params.compile == "on")
    if not equal or run.kind.objective != "next_token" or run.kind.trains != "all":
        return False
    sizes = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
    learned, frozen = (sum(size for size, trained in sizes if trained == which) for which in (True, False))
    per_step = params.batch_size * params.gradient_accumulation * run.block
    machine = (run.learner.precision, run.device.type, run.start.threads)
    return worthwhile(params, learned, frozen, per_step, *machine)


def _compiled(run: Run) -> str:
    """Compile, and try both directions on a batch; the name of the compiler, or "no" and a word about the reason."""
    name = compiler()
    if name is None:
        return _without(run, "this machine has no C++ compiler")
    run.port.log("Compiling the network; the first step takes longer.")
    cache = run.folder.parent.parent / "cache" / "compiled"
    _prepare(cache, run.start.threads)
    found = cache.exists()
    failure = _failure(run)
    if failure is not None and found:
        # What lies in the cache may be damaged, by a power cut or a full disk; torch takes it as it is.
        _renew(cache)
        failure = _failure(run)
    return name if failure is None else _without(run, _reason(failure))


def _failure(run: Run) -> Exception | None:
    """Try both directions on a batch, compiled; what went wrong, after which the network is as it was."""
    model, step = run.learner.model, run.progress.step + 1
    try:
        replace_blocks(model)
        run.loss(run.batch(step, 0), step, 0).backward()
    except (VitrineError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # of whatever sort: of torch's tracer, of its generator of code, of the compiler
        restore_blocks(model)
        return error
    finally:
        run.learner.forget()
    return None


def _reason(error: Exception) -> str:
    """The first line that says something: torch begins with the name of the part of it that failed."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = next((line for line in lines if line and not line.endswith("raised:")), type(error).__name__)
    return said[:REASON_CHARACTERS].rstrip(".")


def _renew(cache: Path) -> None:
    """Begin anew with an empty cache; runs that use the old one find nothing there, and then do the same."""
    aside = cache.with_name(f".{cache.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        cache.rename(aside)
        if aside.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink()
    torch.compiler.reset()
    clear_caches()


def _without(run: Run, reason: str) -> str:
    if run.params.compile == "on":
        raise BadInput(f"The network cannot be compiled: {reason}.", {"compile": [reason]})
    run.port.log(f"Goes on without compiling the network: {reason}.", "warning")
    return NO


def compiler() -> str | None:
    """Name and version of the C++ compiler that torch will call, or None where there is none."""
    path = shutil.which(os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++"))
    if path is None:
        return None
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return (told.stdout.splitlines() or [path])[0].strip()


def _prepare(cache: Path, threads: int) -> None:
    """Tell inductor where its cache is, and that nothing is to depend on what was compiled before."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(cache)
    os.environ["TRITON_CACHE_DIR"] = str(cache / "triton")
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = str(threads)
    # The processor says itself which vectors it has. torch would compile and load a trial for each sort; where one
    # fails, or does not load within a minute, it takes simpler code, with other digits, and nobody is told.
    inductor.cpp.vec_isa_ok = True
    logging.getLogger("torch._inductor").setLevel(logging.ERROR)
    # It traces what `lru_cache` wraps; what is cached here is constant.
    warnings.filterwarnings("ignore", message="Dynamo detected a call to a `functools.lru_cache`")


def replace_blocks(model: nn.Module) -> None:
    """Have each block of a network computed by compiled code where a gradient is taken."""
    for block in _blocks(model):
        block.forward = _either(torch.compile(block.forward, dynamic=False), block.forward)


def restore_blocks(model: nn.Module) -> None:
    """Undo `replace_blocks`."""
    for block in _blocks(model):
        vars(block).pop("forward", None)


def _blocks(model: nn.Module) -> list[Any]:
    return [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]


def _either(compiled: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    """One or the other: without a gradient the shapes are many, and none is used often."""

    def forward(*args: Any, **kwargs: Any) -> Any:
        return (compiled if torch.is_grad_enabled() else plain)(*args, **kwargs)

    return forward
