"""Turn a plan into Dockerfile text and the image's settings files. The only home of jinja2; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jinja2 import DictLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from envkit.errors import PlanError
from envkit.plan.build_plan import BuildPlan, StepPlan


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
    return {
        "etc/supervisord.conf": _render("etc/supervisord.conf.j2", plan, templates, values),
        "etc/jupyter/jupyter_server_config.py": _render(
            "etc/jupyter_server_config.py.j2", plan, templates, values
        ),
        "etc/code-server.yaml": templates["etc/code-server.yaml"],
    }


def _programs(plan: BuildPlan) -> list[tuple[str, str]]:
    programs = [("jupyterlab", "/opt/envkit/bin/run-jupyterlab")]
    if plan.tools.code_server:
        programs.append(("code-server", "/opt/envkit/bin/run-code-server inner"))
    if plan.own_door:
        programs.append(("code-server-door", "/opt/envkit/bin/run-code-server outer"))
    return programs


def _render(name: str, plan: BuildPlan, templates: Mapping[str, str], values: Mapping[str, object]) -> str:
    environment = SandboxedEnvironment(
        loader=DictLoader(dict(templates)),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # Dockerfiles, not HTML; values go through `env_value` or into files
    )
    environment.filters["env_value"] = env_value
    environment.globals["steps"] = lambda at: [step for step in plan.steps if step.at == at]
    environment.globals["copy_words"] = copy_words
    try:
        return environment.get_template(name).render(plan=plan, **values)
    except TemplateError as error:
        place = f"template {getattr(error, 'name', None) or name}"
        line = getattr(error, "lineno", None) or _line_in(error)
        raise PlanError(
            f"{place}{f', line {line}' if line else ''}: {error.message or type(error).__name__}",
            fix="templates see the value `plan`: `envkit plan --json` prints it",
        ) from error


def _line_in(error: TemplateError) -> int | None:
    """Return the template's line that a run-time error came from: jinja2 rewrites the traceback to it."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_name in (
            "top-level template code",
            "template",
        ) or trace.tb_frame.f_code.co_name.startswith("block "):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def env_value(value: str) -> str:
    """Return a value as ENV and LABEL take it: quoted, with nothing left that the builder would expand."""
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise PlanError(
            "a value with a control character cannot stand in a Dockerfile", fix="remove it from the spec"
        )
    escaped = re.sub(r'([\\"$])', r"\\\1", value)
    return f'"{escaped}"'


def copy_words(step: StepPlan) -> str:
    """Return a COPY's two paths in JSON form, which no space or quote can break."""
    import json

    return json.dumps([f"steps/{step.number:02}/", step.copy_to.rstrip("/") + "/"])


def _tidy(text: str) -> str:
    """Return the text without the blank lines that empty template parts leave."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
