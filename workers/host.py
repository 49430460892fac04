"""What this machine offers: cores, memory, devices; found without loading torch or a driver."""

import os
from pathlib import Path
from typing import Any

import psutil
import pynvml


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


GPU_PLACES = 4
"""Runs on one GPU at a time where nobody says another number: small ones leave most of it idle."""


def places(wanted: int | None) -> int:
    """Runs on one device at a time: as many as wanted, else one on a CPU, whose cores two would fight for."""
    return wanted or (GPU_PLACES if gpus() else 1)


def share_of_cores(wanted: int | None) -> int:
    """Threads for each of the runs that all devices take at a time."""
    return max(1, cores() // (places(wanted) * max(1, len(gpus()))))


def memory_available() -> int:
    """Bytes of memory that could be had now, on the machine or within the container's own limit."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except OSError:
        return free
    return free if limit == "max" else max(0, min(free, int(limit) - used))


def memory_of(device: str) -> int | None:
    """Bytes that are free on a device now; None where the driver does not tell."""
    if device == "cpu":
        return memory_available()
    try:
        pynvml.nvmlInit()
        try:
            return int(pynvml.nvmlDeviceGetMemoryInfo(_handle(int(device.partition(":")[2]))).free)
        finally:
            pynvml.nvmlShutdown()
    except (pynvml.NVMLError, ValueError):
        return None


def _handle(number: int) -> Any:
    """NVML's handle of the GPU that CUDA gives this number, where CUDA numbers them by their bus as well."""
    name = _visible()[number]
    return pynvml.nvmlDeviceGetHandleByIndex(int(name)) if name.isdigit() else pynvml.nvmlDeviceGetHandleByUUID(name)


def cpu_model() -> str:
    """The processor's name, as part of the key under which measured speed is kept."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def gpus() -> list[str]:
    """The NVIDIA devices that this process may use, as `cuda:n`."""
    return [f"cuda:{number}" for number in range(len(_visible()))]


def _visible() -> list[str]:
    """Their indices or identifiers, in CUDA's order."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if seen is not None:
        return [name.strip() for name in seen.split(",") if name.strip() not in ("", "-1")]
    return [str(number) for number, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))]
