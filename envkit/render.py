"""Turn a plan into Dockerfile text and the image's settings files. The only home of jinja2; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from jinja2 import FunctionLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from envkit.accelerators import ACCELERATORS
from envkit.errors import PlanError
from envkit.plan import adopted
from envkit.plan.build_plan import BuildPlan, StepPlan

# A builder reads no longer line: Go's bufio.MaxScanTokenSize, with which Docker's parser splits the file.
LONGEST_LINE_BYTES = 65_535
# What a template can do wrong while it runs, beside what jinja2 itself refuses.
_SLIPS = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)


def dockerfile(plan: BuildPlan, templates: Mapping[str, str]) -> str:
    """Return the Dockerfile. PlanError when a template is wrong; the user's own is the template `user.j2`."""
    return _tidy(_render(plan.template, plan, templates, {}))


def settings(plan: BuildPlan, templates: Mapping[str, str]) -> dict[str, str]:
    """Return the settings files of the image, by their place under /opt/envkit."""
    values = {
        "programs": _programs(plan),
        "code_server": plan.tools.code_server is not None,
        "tensorboard": plan.tensorboard,
    }
    script = templates.get(f"{plan.accelerator}/variables.sh")
    return {
        **({"etc/variables.sh": script} if script else {}),
        **_of_the_image(plan),
        "etc/supervisord.conf": _render("etc/supervisord.conf.j2", plan, templates, values),
        "etc/jupyter/jupyter_server_config.py": _render(
            "etc/jupyter_server_config.py.j2", plan, templates, values
        ),
        "etc/code-server.yaml": templates["etc/code-server.yaml"],
        "etc/ipython_config.py": _render("etc/ipython_config.py.j2", plan, templates, values),
    }


def _of_the_image(plan: BuildPlan) -> dict[str, str]:
    if plan.kept is None or not adopted.wraps(plan.kept):
        return {}
    by_scripts = ACCELERATORS[plan.accelerator].base_has_variables
    return {
        "etc/entrypoint.sh": adopted.entrypoint_script(plan.kept, plan.python.home),
        "etc/after_entrypoint.sh": adopted.after_script(plan.kept, plan.python.home, tidied=by_scripts),
    }


def _programs(plan: BuildPlan) -> list[tuple[str, str, str]]:
    """Return the services: name, command, and whether each starts by itself."""
    programs = [("jupyterlab", "/opt/envkit/bin/run-jupyterlab", "true")]
    if plan.tools.code_server:
        programs.append(("code-server", "/opt/envkit/bin/run-code-server inner", "true"))
    if plan.own_door:
        programs.append(("code-server-door", "/opt/envkit/bin/run-code-server outer", "true"))
    # probes/supervise.py says whether an idle stop was asked for.
    programs.append(("idle-watch", "/opt/envkit/bin/envkit-idle watch", "%(ENV_ENVKIT_IDLE_WATCH)s"))
    return programs


def _render(name: str, plan: BuildPlan, templates: Mapping[str, str], values: Mapping[str, object]) -> str:
    # A template sees decisions, not files: those know places of this machine, and how to read them.
    seen = replace(plan, files=())
    try:
        template = _environment(tuple(sorted(templates.items()))).get_template(name)
        return template.render(plan=seen, steps=_Steps(steps=plan.steps), copy_words=copy_words, **values)
    except (TemplateError, *_SLIPS) as error:
        raise PlanError(
            f"template {_place(error, name, templates, plan.own_template)}: {_what(error)}",
            fix="templates see the value `plan`: `envkit plan --json` prints it",
        ) from error


@lru_cache(maxsize=4)
def _environment(templates: tuple[tuple[str, str], ...]) -> ImmutableSandboxedEnvironment:
    """Return a sandbox that holds these templates and nothing that changes from one time to the next."""
    sources = dict(templates)

    def load(name: str) -> tuple[str, str, None] | None:
        return (sources[name], name, None) if name in sources else None

    environment = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(load),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # Dockerfiles, not HTML; values go through `env_value` or into files
    )
    del environment.globals["lipsum"], environment.filters["random"]
    environment.filters["env_value"] = env_value
    return environment


@dataclass(frozen=True, kw_only=True)
class _Steps:
    """The user's own steps, as the templates ask for them: `steps("after_packages")`."""

    steps: tuple[StepPlan, ...]

    def __call__(self, at: str) -> list[StepPlan]:
        """Return the steps of one place."""
        return [step for step in self.steps if step.at == at]


def _place(error: BaseException, name: str, templates: Mapping[str, str], own: str) -> str:
    """Return the template and the line that an error comes from; a user's own by its own name."""
    found = getattr(error, "name", None) or name, getattr(error, "lineno", None)
    if isinstance(error, TemplateNotFound) or found[1] is None:
        found = max(_frames(error, templates), key=lambda frame: frame[0], default=(0, (name, None)))[1]
    template, line = found
    return (own if template == "user.j2" else template) + (f", line {line}" if line else "")


def _frames(
    error: BaseException, templates: Mapping[str, str]
) -> Iterator[tuple[int, tuple[str, int | None]]]:
    """Yield the lines that were being rendered, by depth: jinja2 puts them into the traceback."""
    trace, depth = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in templates:
            yield depth, (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace, depth = trace.tb_next, depth + 1


def _what(error: BaseException) -> str:
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error.message!r}; only envkit's own can be included or extended"
    return (str(error) or type(error).__name__).splitlines()[0]


def env_value(value: str) -> str:
    """Return a value as ENV and LABEL take it: quoted, with nothing left that the builder would expand."""
    if re.search(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029\ud800-\udfff]", value):
        raise PlanError(
            "a value with a control character cannot stand in a Dockerfile", fix="remove it from the spec"
        )
    escaped = re.sub(r'([\\"$])', r"\\\1", value)
    return f'"{escaped}"'


def copy_words(step: StepPlan) -> str:
    """Return a COPY's two paths in JSON form, which no space or quote can break."""
    return json.dumps([f"steps/{step.number:02}/{step.copy_file}", step.copy_to])


def _tidy(text: str) -> str:
    """Return the text without the blank lines that empty template parts leave."""
    tidy = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    for number, line in enumerate(tidy.split("\n"), start=1):
        if len(line.encode("utf-8", "replace")) > LONGEST_LINE_BYTES:
            raise PlanError(
                f"line {number} of the Dockerfile would have more than {LONGEST_LINE_BYTES} bytes, "
                f"which no builder reads: {line[:40].strip()}…",
                fix="say less under `env` or `labels`; put long texts into files",
            )
    return tidy
