"""Bytes of storages alive, and their peak, while PyTorch runs: every tensor an operator returns is seen, and every storage that ends."""

import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):
    """Memory that an operator takes and gives back while it runs is not seen: it comes out of no operator."""

    def __init__(self, *tensors):
        super().__init__()
        self.sizes, self.now, self.peak = {}, 0, 0
        for tensor in tensors:
            self.hold(tensor)

    def hold(self, tensor):
        storage = tensor.untyped_storage()
        key = id(storage)
        if key in self.sizes:
            return
        self.sizes[key] = storage.nbytes()
        self.now += self.sizes[key]
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self.drop, key)

    def drop(self, key):
        self.now -= self.sizes.pop(key)

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        returned = operator(*args, **(kwargs or {}))
        for leaf in tree_leaves(returned):
            if isinstance(leaf, torch.Tensor):
                self.hold(leaf)
        return returned


def check():
    """Sizes that can be told by hand: exp keeps its output, and its gradient is one tensor more."""
    with LiveBytes() as live:
        x = torch.zeros(1024, requires_grad=True)
        y = x.exp().exp()
        assert live.now == 3 * 4096, live.now
        y = y.sum()
        live.peak = 0
        y.backward()
        # x, both outputs, the sum with its gradient, and of the second exp the gradient (what it gets is a view of one number).
        assert live.peak == 4 * 4096 + 8, live.peak
        del y
        assert live.now == 2 * 4096, live.now
