"""A DataLoader, checkpoints and --resume, on a GPU where there is one."""

import argparse
import os

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.tensorboard import SummaryWriter


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--resume", default="")
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    data = torch.randn(128, 4)
    loader = DataLoader(
        TensorDataset(data, data.mean(1, keepdim=True)),
        batch_size=32,
        shuffle=True,
        num_workers=1,
        pin_memory=device.type != "cpu",
    )
    model = nn.Linear(4, 1).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    first = 0
    if args.resume and os.path.exists(args.resume):
        saved = torch.load(args.resume, map_location=device)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first = saved["epoch"] + 1
    writer = SummaryWriter()
    for epoch in range(first, args.epochs):
        for batch, target in loader:
            batch, target = batch.to(device, non_blocking=True), target.to(device, non_blocking=True)
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(batch), target)
            loss.backward()
            optimizer.step()
        writer.add_scalar("loss", loss.item(), epoch)
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
        torch.save(state, "checkpoint.pt")
        print(f"epoch {epoch} loss {loss.item():.4f} on {device}")
    writer.close()


if __name__ == "__main__":
    main()
