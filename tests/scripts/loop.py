"""A plain CUDA training loop with mixed precision, as such scripts are written: it knows of GPUs only."""

import argparse

import torch
from torch import nn
from torch.cuda.amp import GradScaler, autocast


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=8)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.cuda.manual_seed_all(0)
    torch.backends.cudnn.benchmark = True

    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1)).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scaler = GradScaler()
    data = torch.randn(256, 16).cuda()
    target = data.sum(1, keepdim=True)

    for step in range(args.steps):
        optimizer.zero_grad()
        with autocast():
            loss = nn.functional.mse_loss(model(data), target)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        print(f"step {step} loss {loss.item():.4f} on {torch.cuda.get_device_name(0)}")
    torch.cuda.synchronize()


if __name__ == "__main__":
    main()
