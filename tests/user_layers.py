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
