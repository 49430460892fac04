"""What a child sets once, before its first large array: the allocator, the threads, determinism.

glibc gives blocks over 128 KiB back to the kernel when they are freed, and a training step then pays a page fault for
every 4 KiB of each activation, again and again: a fifth of the step. Keeping the memory costs nothing here, as the
process ends with its job.
"""

import ctypes
import os
import resource
import sys
from pathlib import Path
from typing import Any

import torch

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def tune(threads: int) -> None:
    """Fix threads and deterministic algorithms for this process, and keep freed memory where glibc allows it."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 64 * 2**20)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("RAYON_NUM_THREADS", str(threads))
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # Nothing here reads memory that was not written; filling it first would take a tenth of a step.
    deterministic: Any = torch.utils.deterministic
    deterministic.fill_uninitialized_memory = False


def peak_memory(device: torch.device) -> int:
    """Largest memory that this process has held, in bytes: of the GPU if it uses one, else resident."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform != "linux":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # ru_maxrss would count what the parent held when it started this process.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) * 1024
