"""Bytes of tensors alive while PyTorch runs: every storage an operator gives out, from then until nothing holds it."""

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
