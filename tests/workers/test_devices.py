"""Where a run is computed: by room in memory and places on a device, and nobody is passed for ever."""

from types import SimpleNamespace
from uuid import UUID, uuid4

import pynvml
import pytest

from playground.ledger.queue import Waiting
from workers import devices, host
from workers.devices import CPU, Devices, Machine
from workers.order import Station

GIB = 1 << 30


def waiting(need: float | None = 1, wanted: int = 1) -> Waiting:
    """A job that was estimated to need so many GiB on each of so many devices."""
    return Waiting(uuid4(), 1, 0, None if need is None else int(need * GIB), wanted)


class Book:
    """Devices with 10 GiB each, and the walks along a line that slots make over them."""

    def __init__(
        self, names: tuple[str, ...] = CPU, places: int = 3, threads: int = 2, free: float | None = 10
    ) -> None:
        self.free = free
        self.devices = Devices(Machine(names, places, threads, lambda device: self._free()), {"torch": "2"})

    def _free(self) -> int | None:
        return None if self.free is None else int(self.free * GIB)

    def walk(self, line: list[Waiting]) -> tuple[UUID, Station] | None:
        """Take the first job of a line that has room."""
        with self.devices.choosing() as choice:
            for one in line:
                if choice.offer(one) is not None and choice.station is not None:
                    self.devices.hold(one.job, choice.station)
                    line.remove(one)
                    return one.job, choice.station
        return None

    def runs(self) -> list[int]:
        """Runs by device."""
        return [device["runs"] for device in self.devices.told()]


def test_small_runs_share_a_device_within_its_memory() -> None:
    book = Book(places=8)
    line = [waiting(2) for _ in range(6)]
    while book.walk(line):
        pass
    assert book.runs() == [3], "9 of 10 GiB are shared, and each is promised 2.5"
    (device,) = book.devices.told()
    assert (device["name"], device["memory"], device["places"]) == ("cpu", 10 * GIB, 8)
    assert device["free"] == int(9 * GIB) - 3 * int(2.5 * GIB)


def test_places_are_a_limit_too() -> None:
    book = Book(places=2)
    line = [waiting(0.1) for _ in range(5)]
    while book.walk(line):
        pass
    assert book.runs() == [2]


def test_the_only_place_takes_everything() -> None:
    book = Book(places=1)
    found = book.walk([waiting(1000)])
    assert found is not None
    assert found[1] == Station(CPU, 2, int(9 * GIB))
    assert book.walk([waiting(0.1)]) is None


def test_an_idle_device_takes_a_run_that_is_too_large_so_that_it_says_so_itself() -> None:
    book = Book()
    found = book.walk([waiting(50)])
    assert found is not None
    assert found[1].memory == int(9 * GIB)


def test_what_nobody_estimated_gets_an_equal_part() -> None:
    book = Book(places=3)
    line = [waiting(None) for _ in range(4)]
    while book.walk(line):
        pass
    assert book.runs() == [3]


def test_memory_that_others_took_since_is_not_given_away() -> None:
    book = Book()
    assert book.walk([waiting(2)])
    book.free = 1.5
    assert book.walk([waiting(2)]) is None
    assert book.walk([waiting(1)]) is not None


def test_a_run_that_ends_makes_room() -> None:
    book = Book()
    found = book.walk([waiting(5)])
    assert found is not None
    large = waiting(5)
    assert book.walk([large]) is None
    book.devices.release(found[0])
    assert book.walk([large]) is not None


def test_small_ones_pass_a_large_one_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(devices, "time", SimpleNamespace(monotonic=lambda: clock.now))
    book = Book(places=4)
    first = book.walk([waiting(3)])
    large = waiting(7)
    passing = book.walk([large, waiting(1)])
    assert first is not None
    assert passing is not None, "what finds no room is passed at first"
    clock.now = devices.PATIENCE + 1
    line = [large, waiting(1)]
    assert book.walk(line) is None, "the device empties for it"
    book.devices.release(first[0])
    book.devices.release(passing[0])
    found = book.walk(line)
    assert found is not None
    assert found[0] == large.job
    assert book.walk([waiting(0.1)]) is not None, "the line moves again"


def test_who_left_the_line_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(devices, "time", SimpleNamespace(monotonic=lambda: clock.now))
    book = Book()
    assert book.walk([waiting(6)])
    paused = waiting(7)
    assert book.walk([paused]) is None
    assert book.walk([]) is None
    clock.now = devices.PATIENCE + 1
    assert book.walk([paused, waiting(0.1)]) is not None, "its wait begins anew"


def test_gpus_are_dealt_out_evenly() -> None:
    book = Book(("cuda:0", "cuda:1"), places=2)
    line = [waiting(1) for _ in range(5)]
    taken = [book.walk(line) for _ in range(5)]
    assert [found[1].devices for found in taken if found] == [("cuda:0",), ("cuda:1",), ("cuda:0",), ("cuda:1",)]


def test_on_a_gpu_each_process_needs_something_of_its_own() -> None:
    book = Book(("cuda:0",), places=8)
    line = [waiting(1) for _ in range(8)]
    while book.walk(line):
        pass
    assert book.runs() == [4], "9 GiB have room for four runs of 1.25 GiB and a context"


def test_a_run_on_two_gpus_waits_until_two_are_idle() -> None:
    book = Book(("cuda:0", "cuda:1", "cuda:2"), places=2)
    one, other = book.walk([waiting(1)]), book.walk([waiting(1)])
    pair = waiting(1, 2)
    assert one is not None
    assert other is not None
    assert book.walk([pair]) is None
    book.devices.release(one[0])
    found = book.walk([pair])
    assert found is not None
    assert (found[1].devices, found[1].threads) == (("cuda:0", "cuda:2"), 4)
    assert book.runs() == [1, 1, 1]


def test_a_run_on_more_gpus_than_there_are_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "PATIENCE", 0.0)
    book = Book(("cuda:0",), places=2)
    assert book.walk([waiting(1, 2), waiting(1)]) is not None


def test_processes_share_a_cpu() -> None:
    book = Book(places=1, threads=4)
    found = book.walk([waiting(1, 3)])
    assert found is not None
    assert (found[1].devices, found[1].threads) == (("cpu", "cpu", "cpu"), 4)
    place = book.devices.place(found[1])
    assert (place.device, place.environment) == ("cpu", {"torch": "2", "threads": 4, "device": "cpu", "devices": 3})


def test_a_gpu_that_does_not_tell_its_memory_has_one_run_at_a_time() -> None:
    book = Book(("cuda:0",), places=4, free=None)
    assert book.walk([waiting(1)]) is not None
    assert book.walk([waiting(1)]) is None
    assert book.devices.told()[0]["free"] is None


def test_a_gpus_memory_is_asked_of_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    free = {"2": 3 * GIB, "GPU-8f6b": 5 * GIB}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, GPU-8f6b")
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", str)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", str)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", lambda name: SimpleNamespace(free=free[name]))
    assert [host.memory_of(device) for device in host.gpus()] == [3 * GIB, 5 * GIB]


def test_a_driver_that_is_not_there_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(pynvml, "nvmlInit", absent)
    assert host.memory_of("cuda:0") is None


def test_gpus_have_several_places_and_a_cpu_one_unless_somebody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "cores", lambda: 16)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert (host.places(None), host.share_of_cores(None), host.share_of_cores(3)) == (1, 16, 5)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert (host.places(None), host.share_of_cores(None), host.places(2)) == (4, 2, 2)
