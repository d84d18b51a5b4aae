"""One of two processes that add up what each has, over hccl; torchrun starts them, and rank 0 prints."""

from __future__ import annotations

import json

import torch
from torch import distributed

distributed.init_process_group("hccl")
rank = distributed.get_rank()
torch.npu.set_device(rank)
sums = {}
for kind in (torch.float32, torch.bfloat16, torch.float16, torch.int64):
    values = torch.full((1_000_003,), rank + 1, dtype=kind, device="npu")  # more than goes at a time
    distributed.all_reduce(values)
    sums[str(kind)] = sorted({values[0].item(), values[-1].item(), values.max().item()})

torch.manual_seed(rank)  # each rank begins elsewhere and is given rank 0's parameters
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(8, 1).npu())
steps = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(3):
    steps.zero_grad()
    model(torch.randn(16, 8).npu()).square().mean().backward()
    steps.step()
weights: list[object] = [None] * distributed.get_world_size()
distributed.all_gather_object(weights, model.module.weight.tolist())
if rank == 0:
    print("found " + json.dumps({"sums": sums, "ranks": len(weights), "same": weights[0] == weights[1]}))
distributed.destroy_process_group()
