"""Let TensorBoard's writers land in the run's folder, where the script says nothing else.

This is the one thing that a run does otherwise than the script by itself. A place that the script or the
user names is never touched. Standard library only, Python 3.8 and newer.
"""

from __future__ import annotations

import functools
import os
import sys
from types import ModuleType
from typing import Any, Callable, List

from envkit_hooks import Hook, when_imported

# Where each library defines its class; the sources were read in the versions named.
TORCH = "torch.utils.tensorboard.writer"  # torch 2.13
TENSORBOARDX = "tensorboardX.writer"  # 2.6.5
LIGHTNING = ("lightning.pytorch.trainer.trainer", "pytorch_lightning.trainer.trainer")  # 2.6.6
TRANSFORMERS = "transformers.training_args"  # 4.57, 5.24
KERAS = (
    "keras.src.callbacks.tensorboard",
    "keras.src.callbacks",
    "keras.callbacks",
    "tf_keras.src.callbacks",
)

Init = Callable[..., None]


class _Folder:
    """The run's folder of events: the first writer's own; one that comes later gets a folder below it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._given: List[str] = []

    def next(self, comment: str) -> str:
        """Return the folder of one more writer: two curves in one folder are one zigzag."""
        name = comment.strip("_-. /")
        place = os.path.join(self._folder, name) if name else self._folder
        count = self._given.count(place)
        self._given.append(place)
        return os.path.join(place, str(count + 1)) if count else place


def install(folder: str) -> None:
    """Wait for the libraries; who imports none of them pays nothing."""
    places = _Folder(folder)
    wait(TORCH, lambda module: replace_init(module.SummaryWriter, writer("log_dir", places)))
    wait(TENSORBOARDX, lambda module: replace_init(module.SummaryWriter, writer("logdir", places)))
    for name in LIGHTNING:
        wait(name, lambda module: replace_init(module.Trainer, trainer(folder)))
    for name in KERAS:
        wait(name, lambda module: replace_init(module.TensorBoard, callback(folder)))
    wait(TRANSFORMERS, lambda module: transformers(module, folder))


def wait(name: str, hook: Hook) -> None:
    """Run the hook after the import; a library that looks otherwise than expected is left as it is."""

    def careful(module: ModuleType) -> None:
        try:
            hook(module)
        except Exception as error:  # noqa: BLE001  a script must not fail for where its curves land
            sys.stderr.write("envkit: %s is left as it is: %s: %s\n" % (name, type(error).__name__, error))

    when_imported(name, careful)


def replace_init(cls: Any, change: Callable[[Init], Init], method: str = "__init__") -> None:
    """Replace how a class begins, once; the class stays the same for isinstance, subclasses and pickle."""
    own = cls.__dict__[method]
    if not hasattr(own, "envkit"):
        changed: Any = functools.wraps(own)(change(own))
        changed.envkit = True
        setattr(cls, method, changed)


def writer(name: str, places: _Folder) -> Callable[[Init], Init]:
    """Give a SummaryWriter without a folder one; `name` is what its first parameter is called."""

    def change(own: Init) -> Init:
        def init(self: Any, *args: Any, **words: Any) -> None:
            named = args[0] if args else words.get("logdir") or words.get("log_dir")
            if not named:
                comment = args[1] if len(args) > 1 else words.get("comment", "")
                place = places.next(str(comment or ""))
                args = (place, *args[1:]) if args else args
                words = words if args else {**words, name: place}
            own(self, *args, **words)

        return init

    return change


def trainer(folder: str) -> Callable[[Init], Init]:
    """Give Lightning's Trainer a root where nothing else is said: its checkpoints lie beside its events."""

    def change(own: Init) -> Init:
        def init(self: Any, *args: Any, **words: Any) -> None:
            told = [os.environ.get("PL_TRAINER_" + name) for name in ("LOGGER", "DEFAULT_ROOT_DIR")]
            by_default = words.get("logger") in (None, True) and words.get("default_root_dir") is None
            if by_default and not args and not any(told):
                words = {**words, "default_root_dir": folder}
            own(self, *args, **words)

        return init

    return change


def callback(folder: str) -> Callable[[Init], Init]:
    """Give Keras' TensorBoard the folder instead of its `logs`."""

    def change(own: Init) -> Init:
        def init(self: Any, *args: Any, **words: Any) -> None:
            own(self, *args, **(words if args or "log_dir" in words else {**words, "log_dir": folder}))

        return init

    return change


def transformers(module: Any, folder: str) -> None:
    """Tell Hugging Face's Trainer: by a variable of its own since 5, by its argument's default before."""
    os.environ.setdefault("TENSORBOARD_LOGGING_DIR", folder)
    cls = module.TrainingArguments
    if "logging_dir" not in cls.__dataclass_fields__:
        return

    def change(own: Init) -> Init:
        def init(self: Any) -> None:
            if self.logging_dir is None:
                self.logging_dir = folder
            own(self)

        return init

    replace_init(cls, change, "__post_init__")
