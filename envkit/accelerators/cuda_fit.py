"""From a wish to torch's CUDA build and its base image."""

from __future__ import annotations

from collections.abc import Iterator

from envkit import compat
from envkit.accelerators import cuda_rows, torch_rows
from envkit.accelerators.base_names import distributions_with, read_name, usable
from envkit.accelerators.cuda_rows import Build
from envkit.accelerators.fit import (
    AUTO,
    Candidate,
    Considered,
    Misfit,
    Needs,
    Refusal,
    Resolved,
    TorchChoice,
    Wish,
    below,
    first_that_fits,
    nearest,
    numbers,
)


def resolve(wish: Wish) -> Resolved:
    """Decide torch's build, then the base; Misfit when nothing fits."""
    chip = cuda_rows.chip_of(wish.target.chip) if wish.target.chip else ""
    build, looked = _build(wish)
    base, reason, more = _base(wish, build)
    warnings = (*(cuda_rows.warnings(build, wish) if build else ()), *_base_warnings(base, wish))
    return Resolved(
        base=base,
        base_reason=reason,
        torch=_choice(build, wish) if build else None,
        needs=_needs(build, base, wish),
        chip=chip,
        considered=(*looked, *more),
        warnings=warnings,
    )


def _build(wish: Wish) -> tuple[Build | None, tuple[Considered, ...]]:
    if wish.torch is None:
        return None, ()
    _refuse_unknown(wish)
    found, looked = first_that_fits("torch", cuda_rows.candidates(wish))
    if found:
        return found.row, looked
    first = next(iter(cuda_rows.candidates(wish)))
    refused = first.refusal or Refusal(key="torch", what="")
    what = f"no torch in envkit's tables fits: {refused.what}" if wish.torch == AUTO else refused.what
    raise Misfit(key=refused.key, what=what, fix=cuda_rows.fix(wish, first.row, refused))


def _refuse_unknown(wish: Wish) -> None:
    """Refuse a torch without a row, and a line that its row does not have."""
    if wish.torch in (None, AUTO):
        return _refuse_line(wish)
    row = torch_rows.row_of(wish.torch or "")
    if row is None and wish.cuda is None:
        raise Misfit(
            key="torch",
            what=f"torch {wish.torch} is not in envkit's table of CUDA builds",
            fix=_known_instead(wish),
        )
    if row and wish.cuda and wish.cuda not in row["cuda"]:
        newest = nearest([one for one in cuda_rows.good(wish) if one.endswith(f"CUDA {wish.cuda}")][:1])
        raise Misfit(
            key="cuda",
            what=f"torch {wish.torch} has no build for CUDA {wish.cuda}",
            fix=f"use {', '.join(sorted(row['cuda'], key=numbers))}" + (f", or {newest}" if newest else ""),
        )
    return None


def _known_instead(wish: Wish) -> str:
    """Name the newest that the table has; a version that it lacks can be right, too."""
    rows = cuda_rows.good(Wish(python=wish.python, torch=AUTO, target=wish.target))
    known = f"use {nearest(rows)}; " if rows else ""
    return f'{known}for one that is not in it name the CUDA line, as in `cuda: "12.8"`'


def _refuse_line(wish: Wish) -> None:
    if wish.torch == AUTO and wish.cuda and not any(cuda_rows.builds(wish)):
        lines = {line for row in compat.table("torch")["rows"].values() for line in row["cuda"]}
        raise Misfit(
            key="cuda",
            what=f"no torch has a build for CUDA {wish.cuda}",
            fix=f"use {', '.join(sorted(lines, key=numbers))}",
        )


def _choice(build: Build, wish: Wish) -> TorchChoice:
    word = "cu" + build.line.replace(".", "")
    row = torch_rows.row_of(build.torch)
    if wish.cuda:
        reason = "the spec asks for it"
    elif row and build.line == row["cuda"][0]:
        reason = f"the first CUDA line of torch {build.torch}"
    else:
        reason = "the first CUDA line that fits the target"
    if wish.torch == AUTO:
        reason = f"`auto`: the newest that fits; {reason}"
    return TorchChoice(
        version=build.torch,
        build=word,
        requirements=(f"torch=={build.torch}+{word}",),
        reason=reason,
        glibc=torch_rows.glibc_of(build.torch, wish.target.machine),
    )


def _base(wish: Wish, build: Build | None) -> tuple[str, str, tuple[Considered, ...]]:
    if wish.base != AUTO:
        _check_base(wish)
        return wish.base, "the spec names it", ()
    found, looked = first_that_fits("base", _bases(wish, build))
    if found is None:
        raise no_base(wish)
    return found.row, f"`auto`: {found.note}", looked


def _bases(wish: Wish, build: Build | None) -> Iterator[Candidate[str]]:
    """Yield NVIDIA's images of the line, then plain distributions: torch's wheels bring CUDA along."""
    line = build.line if build else compat.table("cuda")["base_line"]
    for row in compat.table("cuda")["images"]:
        if row["cuda"] != line:
            continue
        yield Candidate(
            row=row["image"],
            value=row["image"],
            source=row["source"],
            refusal=_image_refusal(row, wish),
            note=f"NVIDIA's image of CUDA {line} with Python {wish.python}",
        )
    for name in distributions_with(wish.python, wish.os):
        note = f"has Python {wish.python}, and torch's wheels bring their own CUDA {line}"
        yield Candidate(row=name, value=name, source="compat/distributions.json", note=note)


def _image_refusal(row: dict[str, str], wish: Wish) -> Refusal | None:
    python = compat.table("distributions")["rows"][row["os"]]["python"]
    if wish.os not in ("", row["os"]):
        return Refusal(key="os", what=f"is of {row['os']}")
    if python != wish.python:
        return Refusal(key="python", what=f"has Python {python}")
    if wish.target.driver and below(wish.target.driver, cuda_rows.paired(row["cuda"])):
        what = f"may refuse to start on driver {wish.target.driver} (NVIDIA_REQUIRE_CUDA)"
        return Refusal(key="target.driver", what=what)
    return None


def _check_base(wish: Wish) -> None:
    """Refuse an image of a CUDA that the target's driver cannot bear."""
    name = read_name(wish.base)
    least = cuda_rows.floor(name.cuda) if name and name.cuda else ""
    if least and wish.target.driver and below(wish.target.driver, least):
        plain = (*distributions_with(wish.python, wish.os), "`base: auto`")
        raise Misfit(
            key="base",
            what=f"CUDA {name.cuda if name else ''} of the base needs driver {least} or newer, "
            f"the target has {wish.target.driver}",
            fix=f"use {' or '.join(plain)}: torch's wheels bring their own CUDA",
        )


def _base_warnings(base: str, wish: Wish) -> Iterator[str]:
    name = read_name(base)
    paired = cuda_rows.paired(name.cuda) if name and name.cuda else ""
    if name and paired and wish.target.driver and below(wish.target.driver, paired):
        yield (
            f"{base} may refuse to start on driver {wish.target.driver}: it asks for CUDA {name.cuda}, or a "
            "data-centre card (NVIDIA_REQUIRE_CUDA)"
        )


def _needs(build: Build | None, base: str, wish: Wish) -> Needs:
    name = read_name(base)
    lines = [line for line in (build.line if build else "", name.cuda if name else "") if line]
    floors = sorted((cuda_rows.floor(line) for line in lines), key=numbers)
    row = cuda_rows.architectures(build, wish.target.machine) if build else None
    return Needs(
        accelerator="cuda",
        machine=wish.target.machine,
        driver=floors[-1] if floors else "",
        paired=cuda_rows.paired(build.line) if build else "",
        chips=tuple(row["chips"]) if row else (),
    )


def no_base(wish: Wish) -> Misfit:
    """Return the misfit of a Python that no base has."""
    rows = usable()
    pythons = {row["python"] for name, row in rows.items() if wish.os in ("", name)}
    if not pythons:
        what = f"envkit knows no image of {wish.os}"
        return Misfit(key="os", what=what, fix=f"use {', '.join(rows)}, or name a base of your own")
    return Misfit(
        key="python",
        what=f"no base {f'of {wish.os}' if wish.os else 'that envkit knows'} has Python {wish.python}",
        fix=f"use Python {', '.join(sorted(pythons, key=numbers))}, or name a base of your own and its `os`",
    )
