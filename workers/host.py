"""What this machine offers: cores, memory, devices; found without loading torch or a driver."""

import os
from pathlib import Path

import psutil


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_of_cores(slots: int) -> int:
    """Threads for each of so many jobs at a time."""
    return max(1, cores() // slots)


def memory_available() -> int:
    """Bytes of memory that could be had now, on the machine or within the container's own limit."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except OSError:
        return free
    return free if limit == "max" else max(0, min(free, int(limit) - used))


def cpu_model() -> str:
    """The processor's name, as part of the key under which measured speed is kept."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def gpus() -> list[str]:
    """The NVIDIA devices that this process may use, as `cuda:n`."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if seen is not None:
        names = [name for name in seen.split(",") if name.strip() not in ("", "-1")]
    else:
        names = [path.name for path in Path("/dev").glob("nvidia[0-9]*")]
    return [f"cuda:{number}" for number in range(len(names))]
