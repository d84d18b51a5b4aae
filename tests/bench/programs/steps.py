"""Train a small convolutional network, and print how many steps a second it made."""

import time

import torch
from torch import nn

BATCH, PIXELS, WARM, STEPS = 32, 32, 20, 600


def main() -> None:
    """Train on a GPU where there is one, else on the CPU."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10)
    ).to(device)
    data = torch.randn(BATCH, 3, PIXELS, PIXELS, device=device)
    target = torch.randint(10, (BATCH,), device=device)
    model(data)  # now all of its parameters are there
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    began = 0.0
    for step in range(WARM + STEPS):
        if step == WARM:
            began = _now(device)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(data), target)
        loss.backward()
        optimizer.step()
    print(f"{STEPS / (_now(device) - began):.2f} steps/s on {device}, loss {loss.item():.3f}", flush=True)


def _now(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.monotonic()


if __name__ == "__main__":
    main()
