"""What an environment may use of its machine: never less than asked, never more than there is."""

from __future__ import annotations

from dataclasses import dataclass

from envkit.errors import UsageError

# Half of the memory is what the kernel itself gives /dev/shm (tmpfs(5)): a limit, nothing is reserved.
# More than 64 GiB serves nobody: 8 ranks x 8 loader workers x 2 batches ahead x 512 MiB.
LARGEST_SHM_MIB = 64 * 1024
# What both IDEs together take (facts/ide.md): with less they are killed while they start.
LEAST_MEMORY_MIB = 512
UNLIMITED = -1


@dataclass(frozen=True, kw_only=True)
class Ulimit:
    """A limit of every process: soft, which it may raise itself, and hard."""

    name: str
    soft: int
    hard: int

    def __str__(self) -> str:
        """Return it as `docker run --ulimit` takes it."""
        return f"{self.name}={self.soft}:{self.hard}"


def parse_ulimit(text: str) -> Ulimit:
    """Read what `str` of one gave."""
    name, _, values = text.partition("=")
    soft, _, hard = values.partition(":")
    return Ulimit(name=name, soft=int(soft), hard=int(hard))


# Pinned memory and RDMA want memlock without end, deep autograd graphs a stack of 64 MiB (facts N2.1, R8).
# Loader workers hand tensors on as file descriptors; 1048576 is the kernel's own ceiling (fs.nr_open).
TRAINING = (
    Ulimit(name="memlock", soft=UNLIMITED, hard=UNLIMITED),
    Ulimit(name="stack", soft=64 << 20, hard=64 << 20),
    Ulimit(name="nofile", soft=65_536, hard=1_048_576),
)


def cpus(asked: float | None, machine_has: int) -> float | None:
    """Return how many CPUs it may use; None: all."""
    if asked is not None and machine_has and asked > machine_has:
        raise UsageError(f"--cpus asks for {asked:g}, the machine has {machine_has}", fix="ask for less")
    return asked


def memory_mib(asked: int | None, machine_has_mib: int, *, least_mib: int = LEAST_MEMORY_MIB) -> int | None:
    """Return how much memory it may use; None: all."""
    if asked is None:
        return None
    if asked > machine_has_mib:
        raise UsageError(
            f"--memory asks for {asked} MiB, the machine has {machine_has_mib} MiB",
            fix=f"ask for at most {machine_has_mib}m",
        )
    if asked < least_mib:
        what = "two IDEs" if least_mib == LEAST_MEMORY_MIB else "Python"
        raise UsageError(f"--memory {asked}m is too little for {what}", fix=f"ask for at least {least_mib}m")
    return asked


def shm_mib(asked: int | None, limit_mib: int, *, limited: bool) -> int:
    """Return the size of /dev/shm, whose pages count as memory of the environment."""
    if asked is None:
        return min(limit_mib // 2, LARGEST_SHM_MIB)
    if asked > limit_mib:
        whose = "--memory allows" if limited else "the machine has"
        raise UsageError(
            f"--shm asks for {asked} MiB, {whose} {limit_mib} MiB of memory",
            fix=f"ask for at most {limit_mib}m",
        )
    return asked
