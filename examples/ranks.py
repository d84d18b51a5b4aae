"""Several processes that train one model together: on cards by NCCL, on CPUs by gloo.

`envkit train ranks.py --nproc 4`; with `--fail 2`, rank 2 breaks half-way.
"""

import argparse
import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

STEPS = 20


def main() -> None:
    """Train, and print what every rank and their sum came to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fail", type=int, default=-1, help="the rank that breaks")
    option = parser.parse_args()

    cards = torch.cuda.is_available()
    dist.init_process_group("nccl" if cards else "gloo")
    rank, ranks = dist.get_rank(), dist.get_world_size()
    device = torch.device(f"cuda:{os.environ['LOCAL_RANK']}" if cards else "cpu")
    torch.manual_seed(rank)  # each has data of its own; the model is rank 0's

    model = DistributedDataParallel(nn.Linear(8, 1).to(device))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(STEPS):
        if rank == option.fail and step == STEPS // 2:
            raise ValueError(f"rank {rank} was told to break")
        data = torch.randn(64, 8, device=device)
        loss = nn.functional.mse_loss(model(data), data.sum(1, keepdim=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    total = torch.tensor(float(rank), device=device)
    dist.all_reduce(total)
    print(f"{device}, loss {loss.item():.4f}, ranks 0 to {ranks - 1} make {total.item():.0f}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
