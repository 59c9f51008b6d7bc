"""Bytes of tensors alive while PyTorch runs: every storage an operator gives out, from then until nothing holds it.

    python conformance/transformers/live_tensors.py

compares the peak of a small network with that of PyTorch's own profiler, which sees every allocation.
"""

import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class LiveTensors(TorchDispatchMode):
    """Counts storages made since it was entered. What an operator takes and frees inside itself does not show."""

    def __init__(self):
        super().__init__()
        self.live = 0
        self.peak = 0
        self.operator = None
        self.held = {}
        self.at_peak = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        given = {storage_key(tensor) for tensor in tree_iter((args, kwargs)) if isinstance(tensor, torch.Tensor)}
        answer = function(*args, **(kwargs or {}))
        for tensor in tree_iter(answer):
            if isinstance(tensor, torch.Tensor):
                self.add(tensor, function, given)
        return answer

    def add(self, tensor, function, given):
        key = storage_key(tensor)
        if key in self.held or key in given:
            return
        storage = tensor.untyped_storage()
        nbytes = storage.nbytes()
        self.held[key] = (nbytes, str(function), tuple(tensor.shape), tensor.dtype)
        weakref.finalize(storage, self.remove, key)
        self.live += nbytes
        if self.live > self.peak:
            self.peak, self.operator, self.at_peak = self.live, str(function), list(self.held.values())

    def remove(self, key):
        self.live -= self.held.pop(key)[0]


def storage_key(tensor):
    return tensor.untyped_storage()._cdata


def profiled_peak(run):
    """The most that PyTorch's allocator had given out at once."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


def known_peak():
    """Two tensors of 4,000 bytes, a view of one, a third while the first is gone, and a slice that keeps it all: 12,000 at most."""
    with LiveTensors() as live:
        first = torch.ones(1000)
        view = first.view(10, 100)
        second = first * 2
        del first, view
        third = second + second
        third = third[:1]
        fourth = torch.ones(1000)
        del second, third, fourth
    assert (live.peak, live.live) == (12000, 0), (live.peak, live.live)


def main():
    known_peak()
    network = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.GELU(), torch.nn.Linear(256, 64), torch.nn.LayerNorm(64))
    batch = torch.ones(128, 64)
    with torch.no_grad():
        network(batch)
        with LiveTensors() as live:
            network(batch)
        peak = profiled_peak(lambda: network(batch))
    print(f"live tensors {live.peak}, profiler {peak}")
    assert live.peak == peak


if __name__ == "__main__":
    main()
