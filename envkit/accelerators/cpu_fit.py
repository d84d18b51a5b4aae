"""From a wish to torch's CPU build and a plain base image."""

from __future__ import annotations

from envkit.accelerators import torch_rows
from envkit.accelerators.base_names import distributions_with
from envkit.accelerators.cuda_fit import no_base
from envkit.accelerators.fit import (
    AUTO,
    Candidate,
    Considered,
    Misfit,
    Needs,
    Resolved,
    TorchChoice,
    Wish,
    first_that_fits,
)


def resolve(wish: Wish) -> Resolved:
    """Decide torch's version and the base; Misfit when nothing fits."""
    torch, looked = _torch(wish) if wish.torch else (None, ())
    base, reason, more = _base(wish)
    return Resolved(
        base=base,
        base_reason=reason,
        torch=torch,
        needs=Needs(accelerator="cpu", machine=wish.target.machine),
        considered=(*looked, *more),
        warnings=torch_rows.unlisted(torch.version) if torch else (),
    )


def _torch(wish: Wish) -> tuple[TorchChoice, tuple[Considered, ...]]:
    found, looked = first_that_fits(
        "torch",
        (
            Candidate(
                row=version,
                value=f"torch {version}",
                source=(torch_rows.row_of(version) or {"source": "the spec"})["source"],
                refusal=torch_rows.refusal(version, wish),
                note=f"has Python {wish.python} on {wish.target.machine}",
            )
            for version in torch_rows.versions(wish)
        ),
    )
    if found is None:
        first = torch_rows.versions(wish)[0]
        refused = torch_rows.refusal(first, wish)
        raise Misfit(
            key=refused.key if refused else "torch",
            what=refused.what if refused else "",
            fix=torch_rows.python_fix(first, wish),
        )
    reason = "accelerator is cpu: the build without CUDA"
    choice = TorchChoice(
        version=found.row,
        build="cpu",  # the plain one is gigabytes of CUDA
        requirements=(f"torch=={found.row}+cpu",),
        reason=f"`auto`: the newest that fits; {reason}" if wish.torch == AUTO else reason,
        glibc=torch_rows.glibc_of(found.row, wish.target.machine),
    )
    return choice, looked


def _base(wish: Wish) -> tuple[str, str, tuple[Considered, ...]]:
    if wish.base != AUTO:
        return wish.base, "the spec names it", ()
    names = distributions_with(wish.python, wish.os)
    if not names:
        raise no_base(wish)
    note = f"the distribution with Python {wish.python}"
    found, looked = first_that_fits(
        "base",
        [Candidate(row=name, value=name, source="compat/distributions.json", note=note) for name in names],
    )
    return names[0], f"`auto`: {found.note if found else note}", looked
