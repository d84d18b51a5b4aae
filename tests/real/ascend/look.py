"""Tell in which environment this runs, and use a card: run in every place where a user can stand."""

import json
import os

environment = dict(os.environ)  # before torch_npu adds to it

import torch  # noqa: E402

doubled = (torch.ones(3, device="npu") * 2).cpu().tolist()
print(
    "envkit-seen " + json.dumps({"cards": torch.npu.device_count(), "doubled": doubled, "env": environment})
)
