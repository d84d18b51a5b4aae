"""Does the device compute what is right? Everything is held against float64 on the CPU."""

from __future__ import annotations

import contextlib
import math
from typing import Any, Dict, Iterator

import torch

from .smoke_device import Device, Missing

Facts = Dict[str, Any]


def matmul(device: Device, *, dtype: str, size: int) -> Facts:
    """Multiply two matrices."""
    left, right = _random(dtype, size, size), _random(dtype, size, size, seed=1)
    with _exact(device), _known(device, dtype):
        got = torch.matmul(left.to(device.torch), right.to(device.torch))
    return _off(got, torch.mm(left.double(), right.double()))


def conv(device: Device, *, dtype: str, size: int) -> Facts:
    """Convolve images, and go back to both gradients."""
    images, weights = _random(dtype, 4, 8, size, size), _random(dtype, 16, 8, 3, 3, seed=1)
    with _exact(device), _known(device, dtype):
        got = _there_and_back(images.to(device.torch), weights.to(device.torch))
    wanted = _by_hand(images.double(), weights.double())
    parts = [_off(one, other) for one, other in zip(got, wanted)]
    return {**parts[0], "off": max(part["off"] for part in parts)}


def attention(device: Device, *, dtype: str, size: int) -> Facts:
    """Attend, each word to those before it."""
    query, keys, values = (_random(dtype, 2, 4, size, 64, seed=seed) for seed in (0, 1, 2))
    there = [tensor.to(device.torch) for tensor in (query, keys, values)]
    with _known(device, dtype), torch.no_grad():
        got = torch.nn.functional.scaled_dot_product_attention(*there, is_causal=True)
    scores = query.double() @ keys.double().transpose(-2, -1) / math.sqrt(64)
    later = torch.ones(size, size, dtype=torch.bool).triu(1)
    return _off(got, scores.masked_fill(later, -math.inf).softmax(-1) @ values.double())


def autocast(device: Device, *, size: int) -> Facts:
    """Let torch choose the smaller type: it must do so, and the gradients must come back in float32."""
    dtype = "bfloat16" if device.knows("bfloat16") else "float16"
    inputs, weights = _random("float32", size, size), _random("float32", size, size, seed=1)
    here, there = inputs.to(device.torch), weights.to(device.torch).requires_grad_()
    with torch.autocast(device.kind, dtype=getattr(torch, dtype)):
        got = torch.nn.functional.linear(here, there)
    got.float().sum().backward()
    found = _off(got.detach(), inputs.double() @ weights.double().t())
    gradient = there.grad
    assert gradient is not None
    return {**found, "asked": dtype, "gradient": str(gradient.dtype).replace("torch.", "")}


def _random(dtype: str, *shape: int, seed: int = 0) -> torch.Tensor:
    """Return the same numbers each time, made on the CPU and already rounded to the type."""
    made = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return made.to(getattr(torch, dtype))


def _there_and_back(images: torch.Tensor, weights: torch.Tensor) -> Iterator[torch.Tensor]:
    images, weights = (tensor.detach().clone().requires_grad_() for tensor in (images, weights))
    out = torch.nn.functional.conv2d(images, weights, padding=1)
    out.sum().backward()
    assert images.grad is not None and weights.grad is not None
    return iter((out.detach(), images.grad, weights.grad))


def _by_hand(images: torch.Tensor, weights: torch.Tensor) -> Iterator[torch.Tensor]:
    """Convolve as a product of matrices: another way than the one under test."""
    images, weights = (tensor.detach().clone().requires_grad_() for tensor in (images, weights))
    count, _, high, wide = images.shape
    columns = torch.nn.functional.unfold(images, 3, padding=1)
    out = torch.einsum("ok,nkp->nop", weights.reshape(weights.shape[0], -1), columns)
    out.sum().backward()
    assert images.grad is not None and weights.grad is not None
    return iter((out.detach().reshape(count, -1, high, wide), images.grad, weights.grad))


def _off(got: torch.Tensor, wanted: torch.Tensor) -> Facts:
    """Return how far off it is, as the share of the right result's size (Frobenius)."""
    off = torch.linalg.vector_norm(got.cpu().double() - wanted) / torch.linalg.vector_norm(wanted)
    finite = bool(torch.isfinite(got).all().item())
    return {
        "off": float(off) if finite else math.inf,
        "dtype": str(got.dtype).replace("torch.", ""),
        "where": str(got.device.type),
    }


@contextlib.contextmanager
def _known(device: Device, dtype: str) -> Iterator[None]:
    """Turn a type that the device or this torch does not have into a missing one."""
    if not device.knows(dtype):
        raise Missing(f"this device does not compute in {dtype}, it says itself")
    try:
        yield
    except RuntimeError as error:
        if "not implemented for" in str(error):  # older CPU builds, in float16
            raise Missing(" ".join(str(error).split())) from None
        raise


@contextlib.contextmanager
def _exact(device: Device) -> Iterator[None]:
    """Keep float32 whole: no TF32 (CUDA), no HF32 (Ascend)."""
    switches = [
        (torch.backends.cuda.matmul, "allow_tf32"),
        (torch.backends.cudnn, "allow_tf32"),
        (getattr(device.module, "matmul", None), "allow_hf32"),
        (getattr(device.module, "conv", None), "allow_hf32"),
    ]
    there = [(owner, name, getattr(owner, name)) for owner, name in switches if hasattr(owner, name)]
    for owner, name, _ in there:
        setattr(owner, name, False)
    try:
        yield
    finally:
        for owner, name, before in there:
            setattr(owner, name, before)
