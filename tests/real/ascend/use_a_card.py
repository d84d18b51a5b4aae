"""Use a card in the ways that training does, and print what came of it: a test reads it, no judgement here.

The reference is the same work on the CPU. With a folder as argument a checkpoint is saved there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


def difference(work, *values: torch.Tensor) -> float:
    """Return how far the card's result is from the CPU's."""
    return float((work(*(value.npu() for value in values)).cpu() - work(*values)).abs().max())


def autocast() -> dict[str, object]:
    with torch.autocast("npu", dtype=torch.bfloat16):
        product = torch.randn(8, 8).npu() @ torch.randn(8, 8).npu()
    return {"type": str(product.dtype), "place": str(product.device)}


def train(device: str) -> tuple[list[float], torch.nn.Module]:
    """Train a small model from the same seed; return its losses and the model."""
    torch.manual_seed(7)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(144, 1),
    ).to(device)
    images = torch.randn(64, 1, 8, 8)
    data = TensorDataset(images, images.mean((1, 2, 3)).unsqueeze(1))
    steps = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for _ in range(4):
        for batch, wanted in DataLoader(data, batch_size=16, pin_memory=device != "cpu"):
            steps.zero_grad()
            loss = functional.mse_loss(model(batch.to(device, non_blocking=True)), wanted.to(device))
            loss.backward()
            steps.step()
            losses.append(loss.item())
    return losses, model


def checkpoint(model: torch.nn.Module, folder: Path) -> dict[str, object]:
    """Save a card's model, load it for the other card and for none."""
    torch.save(model.state_dict(), folder / "model.pt")
    other = torch.load(folder / "model.pt", map_location="npu:1")
    none = torch.load(folder / "model.pt", map_location="cpu")
    saved = model.state_dict()
    same = all(
        torch.equal(saved[name].cpu(), other[name].cpu()) and torch.equal(saved[name].cpu(), none[name])
        for name in saved
    )
    return {
        "same": same,
        "places": sorted({str(value.device) for value in (*other.values(), *none.values())}),
    }


def pinned() -> dict[str, object]:
    host = torch.arange(1000.0).pin_memory()
    back = torch.empty(1000).pin_memory()
    back.copy_(host.to("npu", non_blocking=True), non_blocking=True)
    torch.npu.synchronize()
    return {"pinned": host.is_pinned(), "same": torch.equal(host, back)}


def refusal(work) -> str:
    """Return what is said to something that must not work."""
    try:
        work()
    except RuntimeError as error:
        return str(error)
    return "it was done"


def main() -> None:
    """Print one JSON object."""
    count, name = torch.npu.device_count(), torch.npu.get_device_name(0)
    a, b = torch.randn(33, 65), torch.randn(65, 17)
    convolution = torch.nn.Conv2d(3, 8, 3)
    heads = torch.randn(2, 4, 16, 8)
    found: dict[str, object] = {
        "matmul": difference(torch.matmul, a, b),
        "convolution": difference(
            lambda x, weight: functional.conv2d(x, weight),
            torch.randn(2, 3, 9, 9),
            convolution.weight.detach(),
        ),
        "attention": difference(
            lambda q: functional.scaled_dot_product_attention(q, q, q, is_causal=True), heads
        ),
        "autocast": autocast(),
        "pinned": pinned(),
    }
    found["devices"] = [count, name, torch.npu.mem_get_info()[1]]
    on_cpu, _ = train("cpu")
    on_card, model = train("npu")
    again, _ = train("npu")
    found["losses"] = {"cpu": on_cpu, "card": on_card, "again": again}
    found["checkpoint"] = checkpoint(model, Path(sys.argv[1]))
    found["too much"] = refusal(lambda: torch.empty(2**30, device="npu"))
    found["two cards"] = refusal(lambda: torch.ones(2, device="npu:0") + torch.ones(2, device="npu:1"))
    found["no such card"] = refusal(lambda: torch.ones(2, device="npu:7"))
    print("found " + json.dumps(found))


if __name__ == "__main__":
    main()
