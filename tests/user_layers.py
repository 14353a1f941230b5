"""Layers of a user's own, as specs name them: well-behaved ones, and one for each way to fail."""

from __future__ import annotations

import os
import signal
import time

import torch
from torch import Tensor, nn


class Plain(nn.Module):
    """A 3×3 convolution of `channels`, alone or inside a network."""

    def __init__(self, channels: int = 16, stride: int = 1, scale: float = 1.0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) * self.scale


class Spectral(nn.Module):
    """Uses an operation that the counter has no rule for."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.fft2(x).real


class Segfaults(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        os.kill(os.getpid(), signal.SIGSEGV)
        return x


class Killed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        os.kill(os.getpid(), signal.SIGKILL)
        return x


class Exits(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        os._exit(3)


class Hangs(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        time.sleep(3600)
        return x


class Raises(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise ValueError("the layer's own mistake\nwith a second line")


class Exhausts(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.empty(2**46)[0]


class Forgets(nn.Module):
    """Runs out of memory as Python says it, without a word."""

    def forward(self, x: Tensor) -> Tensor:
        raise MemoryError


class Leaves(nn.Module):
    """Ends its process as if all were well."""

    def forward(self, x: Tensor) -> Tensor:
        raise SystemExit(0)


class Talks(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        print("said on stdout")
        return x * 2


class Frozen(Plain):
    """Has a frozen parameter, and a tensor that cannot be deep-copied."""

    def __init__(self) -> None:
        super().__init__()
        self.extra = nn.Parameter(torch.ones(1), requires_grad=False)
        self.mask = self.conv.weight * 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * self.extra


class Choosy(nn.Module):
    """Looks at its input's values, which `meta` tensors do not have."""

    def forward(self, x: Tensor) -> Tensor:
        return x * x if x.sum().item() >= 0 else x


class Eager(Choosy):
    """Looks at a value when it is built."""

    def __init__(self) -> None:
        super().__init__()
        self.number = int(torch.tensor(3))


class First(nn.Module):
    """The first of what a module returns."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.inner(x)[0]
        return y


class gated(nn.Module):  # noqa: N801 - named as the factories below are
    """Squeeze and excitation: 2·2·8·2 multiply-adds, and a gate of 2·8·25."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = x.mean((2, 3), keepdim=True)
        return x * self.excite(nn.functional.silu(self.squeeze(pooled))).sigmoid()


def encoder() -> nn.Module:
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)


def separable() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(8, 8, 3, groups=8, padding=1), nn.BatchNorm2d(8), nn.ReLU6(), nn.Dropout2d(0.1), nn.Conv2d(8, 16, 1)
    )


def rnn() -> nn.Module:
    return First(nn.GRU(8, 16, batch_first=True))
