"""The operators of the stand-in NPU: each of aten's runs as torch's CPU kernel, on the device's own memory.

A stand-in device's memory is the host's (ascendcl.c), so a tensor of the device is seen as one of the CPU
without a copy. What needs no operator stays torch_npu's own: allocation, views, host-device copies,
streams, random state, autograd, autocast, serialization, collectives.

Mind that torch_npu works through a queue of its own: a kernel here first waits until that is empty.
"""

from __future__ import annotations

import ctypes
import warnings
from collections import Counter

import torch
import torch_npu

# torch_npu's own kernels that ask for nothing but memory.
# fmt: off
ITS_OWN = frozenset(
    {
        "_lazy_clone", "_local_scalar_dense", "_pin_memory", "_reshape_alias", "_to_copy",
        "as_strided", "as_strided_", "empty.memory_format", "empty_like", "empty_strided",
        "is_pinned", "is_set_to", "new_empty_strided", "record_stream", "resize_", "resize_as_",
        "set_", "set_.source_Storage", "set_.source_Storage_storage_offset", "set_.source_Tensor",
        "squeeze", "squeeze.dim", "unfold", "unsqueeze", "view", "view_as_complex", "view_as_real",
    }
)
# fmt: on
# As on a GPU, an index may lie on the host while the tensor does not.
TAKES_HOST_TENSORS = frozenset({"index.Tensor", "index_put", "index_put_", "_index_put_impl_", "_copy_from"})
DEVICE_KEY, AUTOGRAD_KEY = "PrivateUse1", "AutogradPrivateUse1"

calls: Counter[str] = Counter()  # what ran "on the device": a test can tell that something did
_registered: list[torch.library.Library] = []  # they are undone when they are collected
_wait_for_queue = torch_npu._C._npu_synchronize


def install() -> None:
    """Put the CPU's kernels in the place of CANN's; a second time is fine."""
    if _registered:
        return
    # By one thread: how a sum is split among several, and so its last digit, depends on the machine's load.
    torch.set_num_threads(1)
    aten, npu = torch.library.Library("aten", "IMPL"), torch.library.Library("npu", "IMPL")
    _registered.extend((aten, npu))
    own_copy = torch.library.get_kernel("aten::copy_", DEVICE_KEY)  # before it is replaced
    special = {
        "copy_": _Copy(own_copy),
        "_copy_from_and_resize": _copy_and_resize,
        "native_dropout": _native_dropout,
        "scaled_dot_product_attention": _attention,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch tells of each kernel that is replaced
        for name, operator in _of_aten(DEVICE_KEY):
            on_cpu = torch._C._dispatch_has_computed_kernel_for_dispatch_key(f"aten::{name}", "CPU")
            if on_cpu and name not in ITS_OWN and name not in special:
                aten.impl(name, _Redirected(name, operator), DEVICE_KEY)
        for name, operator in _of_aten(AUTOGRAD_KEY):
            # torch_npu has fused kernels for these; torch can put them together from others.
            if torch._C._dispatch_has_kernel_for_dispatch_key(f"aten::{name}", "CompositeImplicitAutograd"):
                aten.impl(name, _DECOMPOSED.get(name, operator.decompose), AUTOGRAD_KEY)
        for name, kernel in special.items():
            aten.impl(name, kernel, DEVICE_KEY)
        aten.impl("scaled_dot_product_attention", _attention, AUTOGRAD_KEY)
        npu.impl("_npu_dropout", _npu_dropout, DEVICE_KEY)
        npu.impl("npu_dropout_backward", _npu_dropout_backward, DEVICE_KEY)


def _of_aten(key: str):
    """Yield aten's operators that torch_npu has a kernel for: name, operator."""
    for full in torch._C._dispatch_get_registrations_for_dispatch_key(key):
        library, _, name = full.partition("::")
        base, _, overload = name.partition(".")
        operator = getattr(getattr(torch.ops.aten, base, None), overload or "default", None)
        if library == "aten" and operator is not None:
            yield name, operator


# ---- one memory, seen from both sides ----


def _on_device(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.device.type == "npu"


def _seen_by_cpu(tensor: torch.Tensor) -> torch.Tensor:
    """Return a CPU tensor over the memory of one of the device."""
    storage = tensor.untyped_storage()
    if not storage.nbytes():
        return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype)
    memory = (ctypes.c_uint8 * storage.nbytes()).from_address(storage.data_ptr())
    bytes_ = torch.frombuffer(memory, dtype=torch.uint8).untyped_storage()
    seen = torch.empty(0, dtype=tensor.dtype)
    return seen.set_(bytes_, tensor.storage_offset(), tensor.size(), tensor.stride())


def _brought(result: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return a CPU's result as a tensor of the device."""
    made = torch.empty_strided(result.size(), result.stride(), dtype=result.dtype, device=device)
    if result.numel():
        _seen_by_cpu(made).copy_(result)
    return made


def _generator(device: torch.device, own: torch.Generator | None = None) -> torch.Generator:
    """Return a CPU generator that follows from the state of the device's, and move that on."""
    own = own or torch_npu.npu.default_generators[device.index or 0]
    seed, offset = own.initial_seed(), own.get_offset()
    own.set_offset(offset + 4)  # it must stay a multiple of four
    return torch.Generator().manual_seed((1_000_003 * seed + offset) % 2**63)


# ---- operators ----


class _Redirected:
    """An operator of the device that runs the CPU's kernel."""

    def __init__(self, name: str, operator: torch._ops.OpOverload) -> None:
        arguments = operator._schema.arguments
        self._name, self._operator = name, operator
        self._random = any(argument.name == "generator" for argument in arguments)
        self._out = {a.name for a in arguments if a.kwarg_only and a.alias_info and a.alias_info.is_write}

    def __call__(self, *args: object, **named: object) -> object:
        calls[self._name] += 1
        _wait_for_queue()
        run = _Run(self._name)
        words = [run.down(value) for value in args]
        named_words, resized = {}, {}
        for name, value in named.items():
            if name in self._out and _on_device(value) and not value.numel():
                resized[name] = value  # an `out=` that takes the size of what comes
                run.device = value.device
                named_words[name] = torch.empty(0, dtype=value.dtype)
            else:
                named_words[name] = value if name == "generator" else run.down(value)
        device = run.settle()
        given = named_words.get("generator")
        if self._random and (given is None or given.device.type == "npu"):
            named_words["generator"] = _generator(device, given)
        result = self._operator(*words, **named_words)
        for name, target in resized.items():
            found = named_words[name]
            target.resize_(found.size())
            if found.numel():
                _seen_by_cpu(target).copy_(found)
            run.pairs.append((target, found))
        return run.up(result)


class _Run:
    """One call: which device it is on, and which tensors the CPU sees instead of which."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.device: torch.device | None = None
        self.pairs: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._host = False

    def down(self, value: object) -> object:
        """Return what the CPU's kernel is given in the place of a value."""
        if isinstance(value, torch.Tensor):
            return self._tensor_down(value)
        if isinstance(value, list | tuple):
            return type(value)(self.down(one) for one in value)
        if isinstance(value, torch.device) and value.type == "npu":
            self.device = value
            return torch.device("cpu")
        return value

    def _tensor_down(self, tensor: torch.Tensor) -> torch.Tensor:
        if not _on_device(tensor):
            self._host |= tensor.dim() > 0  # a single number of the host goes with any device
            return tensor
        if self.pairs and tensor.device != self.device:
            raise self._two_devices(str(tensor.device))
        self.device = tensor.device
        self.pairs.append((tensor, _seen_by_cpu(tensor)))
        return self.pairs[-1][1]

    def settle(self) -> torch.device:
        """Return the device of the call; refuse what is not all on one."""
        if self._host and self.pairs and self.name not in TAKES_HOST_TENSORS:
            raise self._two_devices("cpu")
        if self.device is None or self.device.index is None:
            self.device = torch.device("npu", torch_npu.npu.current_device())
        return self.device

    def up(self, result: object) -> object:
        """Return what the caller gets: a tensor that it gave comes back as it was."""
        if isinstance(result, torch.Tensor):
            given = [tensor for tensor, seen in self.pairs if seen is result]
            return given[0] if given else self._new(result)
        if isinstance(result, list | tuple):
            return type(result)(self.up(one) for one in result)
        return result

    def _new(self, result: torch.Tensor) -> torch.Tensor:
        assert self.device is not None  # settle() has been called
        return _brought(result, self.device)

    def _two_devices(self, other: str) -> RuntimeError:
        return RuntimeError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{self.device} and {other}! (stand-in NPU, {self.name})"
        )


class _Copy:
    """`copy_`: between host and device it is torch_npu's own, of one contiguous block.

    To cast, or to lay out anew, is CANN's work; here the CPU does it on the device's memory.
    """

    def __init__(self, own: object) -> None:
        self._own = own
        self._keys = torch._C.DispatchKeySet(torch._C.DispatchKey.PrivateUse1)

    def __call__(self, to: torch.Tensor, source: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
        if _on_device(to) and _on_device(source):
            calls["copy_"] += 1
            _wait_for_queue()
            _seen_by_cpu(to).copy_(_seen_by_cpu(source))
        elif _same_layout(to, source):
            self._move(to, source, non_blocking)
        elif _on_device(to):
            arrived = torch.empty(source.size(), dtype=source.dtype, device=to.device)
            self._move(arrived, source.contiguous(), non_blocking)
            _wait_for_queue()
            _seen_by_cpu(to).copy_(_seen_by_cpu(arrived))
        else:
            _wait_for_queue()
            arrived = torch.empty(source.size(), dtype=source.dtype)
            self._move(arrived, _brought(_seen_by_cpu(source).contiguous(), source.device), False)
            to.copy_(arrived)
        return to

    def _move(self, to: torch.Tensor, source: torch.Tensor, non_blocking: bool) -> None:
        self._own.call_boxed(self._keys, to, source, non_blocking)


def _same_layout(one: torch.Tensor, other: torch.Tensor) -> bool:
    same = one.dtype == other.dtype and one.size() == other.size()
    return same and one.is_contiguous() and other.is_contiguous()


def _copy_and_resize(source: torch.Tensor, to: torch.Tensor) -> torch.Tensor:
    return to.resize_(source.size()).copy_(source)


def _attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None, enable_gqa=False):  # noqa: PLR0913  # aten's own
    calls["scaled_dot_product_attention"] += 1
    by_hand = torch.ops.aten._scaled_dot_product_attention_math
    return by_hand(q, k, v, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa)[0]


def _dropped(x: torch.Tensor, share: float, mask_type: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    _wait_for_queue()
    seen = _seen_by_cpu(x)
    kept = torch.empty_like(seen).bernoulli_(1 - share, generator=_generator(x.device))
    return _brought(seen * kept * _scale(share), x.device), _brought(kept.to(mask_type), x.device)


def _scale(share: float) -> float:
    return 0.0 if share == 1 else 1 / (1 - share)


def _native_dropout(x: torch.Tensor, p: float, train: bool | None) -> tuple[torch.Tensor, torch.Tensor]:
    calls["native_dropout"] += 1
    return _dropped(x, 0.0 if train is False else p, torch.bool)


def _npu_dropout(x: torch.Tensor, p: float) -> tuple[torch.Tensor, torch.Tensor]:
    calls["_npu_dropout"] += 1
    return _dropped(x, p, torch.uint8)


def _npu_dropout_backward(gradient: torch.Tensor, mask: torch.Tensor, p: float) -> torch.Tensor:
    _wait_for_queue()
    return _brought(_seen_by_cpu(gradient) * _seen_by_cpu(mask) * _scale(p), gradient.device)


# Those whose decomposition torch keeps beside the operator.
_DECOMPOSED = {
    "lstm.input": torch._decomp.decompositions.lstm_impl,
    "lstm.data": torch._decomp.decompositions.lstm_data_impl,
    "gru.input": torch._decomp.decompositions.gru_impl,
}
