"""Train a small network to write this very file, one character after another.

The same script runs on a CPU and on a CUDA card. It writes TensorBoard events and a checkpoint to
/work/home/task/$MODEL_PATH/model, where envkit's TensorBoard finds them.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.tensorboard import SummaryWriter

CONTEXT = 16  # how many characters the network sees before it guesses the next one


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=50, help="print the loss every so many steps")
    return parser.parse_args()


def run_folder() -> Path:
    """Return the folder of this run: its name is MODEL_PATH, or the time."""
    work = Path("/work/home") if Path("/work/home").is_dir() else Path.cwd()
    folder = work / "task" / os.environ.get("MODEL_PATH", f"train-{time.strftime('%Y%m%d-%H%M%S')}") / "model"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def examples(text: str, alphabet: list[str], device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut the text into windows of CONTEXT characters, each with the character that follows."""
    numbers = torch.tensor([alphabet.index(letter) for letter in text], device=device)
    windows = numbers.unfold(0, CONTEXT + 1, 1)
    return windows[:, :-1], windows[:, -1]


def network(letters: int) -> nn.Module:
    """Build the network: an embedding of the characters, then two layers."""
    return nn.Sequential(
        nn.Embedding(letters, 24),
        nn.Flatten(),
        nn.Linear(CONTEXT * 24, 256),
        nn.ReLU(),
        nn.Linear(256, letters),
    )


def train(model: nn.Module, windows: tuple[torch.Tensor, torch.Tensor], folder: Path) -> list[float]:
    """Train until all steps are done or somebody asks to stop; return the loss of each step."""
    before, after = windows
    optimizer = torch.optim.AdamW(model.parameters(), lr=option.lr)
    losses: list[float] = []
    with SummaryWriter(str(folder)) as events:
        while len(losses) < option.steps and not asked_to_stop:
            choice = torch.randint(len(before), (option.batch,), device=before.device)
            loss = cross_entropy(model(before[choice]), after[choice])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            events.add_scalar("loss", losses[-1], len(losses))
            if len(losses) % option.every == 0 or len(losses) == 1:
                print(f"step {len(losses):5d}  loss {losses[-1]:.4f}", flush=True)
    return losses


if __name__ == "__main__":
    option = options()
    asked_to_stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked_to_stop.append(number))
    torch.manual_seed(option.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    text = Path(__file__).read_text(encoding="utf-8")
    alphabet = sorted(set(text))
    model = network(len(alphabet)).to(device)
    folder = run_folder()
    print(f"device {device}, {len(text)} characters, {folder}", flush=True)
    losses = train(model, examples(text, alphabet, device), folder)
    torch.save({"alphabet": alphabet, "model": model.state_dict()}, folder / "checkpoint.pt")
    word = "stopped" if asked_to_stop else "done"
    print(f"{word} after {len(losses)} steps: loss {losses[0]:.4f} -> {losses[-1]:.4f}", flush=True)
    sys.exit(128 + asked_to_stop[0] if asked_to_stop else 0)
