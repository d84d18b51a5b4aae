"""What the shell's TAB offers: presets, images, environments and runs by name."""

from __future__ import annotations

from collections.abc import Iterable

from click import Context, Parameter
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from envkit.cli.elsewhere import named_host
from envkit.errors import EnvkitError


def install() -> None:
    """Put Bash's own way with colons in the place of click's."""
    add_completion_class(ColonBash, "bash")


class ColonBash(BashComplete):
    """Bash takes `preset:cpu` for three words, and replaces the last one only."""

    _typed = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words with their colons, and the one that is not yet complete."""
        args, incomplete = super().get_completion_args()
        words: list[str] = []
        for word in (*args, incomplete):
            if words and (word.startswith(":") or words[-1].endswith(":")):
                words[-1] += word
            else:
                words.append(word)
        self._typed = words[-1]
        return words[:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        """Return an item without what stands before the last colon."""
        known = self._typed[: self._typed.rfind(":") + 1]
        return f"{item.type},{item.value.removeprefix(known)}"


def specs(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the presets, and files where no preset begins so."""
    from envkit import paths
    from envkit.spec.family import preset_names

    presets = (f"preset:{name}" for name in preset_names(paths.presets()))
    return _beginning(presets, incomplete) or [CompletionItem(incomplete, type="file")]


def images(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the engine's images by their tags; without an engine, nothing."""
    from envkit.cli.site import open_engine

    try:
        found = open_engine(named_host(context)).images.list({})
    except EnvkitError:
        return []
    return _beginning(sorted({tag for image in found for tag in image.tags}), incomplete)


def our_images(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer our images by their tags; without an engine, nothing."""
    from envkit.cli.site import open_engine
    from envkit.save.stock import stock

    try:
        found = stock(open_engine(named_host(context)))
    except EnvkitError:
        return []
    return _beginning(sorted({name for image in found for name in image.names}), incomplete)


def platforms(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the platforms that are known."""
    from envkit.image.platforms import names

    return _beginning(names(), incomplete)


def targets(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer what can be started: images, presets, files."""
    found = images(context, parameter, incomplete)
    return [*specs(context, parameter, incomplete), *found]


def environments(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the environments by name; without an engine, nothing."""
    from envkit.cli.site import open_engine
    from envkit.environment import lookup

    try:
        found = lookup.everything(open_engine(named_host(context)))
    except EnvkitError:
        return []
    return _beginning((lookup.name_of(one) for one in found), incomplete)


def runs(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the training runs by name, the newest first."""
    from envkit.cli.site import looked_at
    from envkit.run.listing import runs as listed

    try:
        found = listed(looked_at(named_host(context)))
    except EnvkitError:
        return []
    return _beginning((run.name for run in found), incomplete)


def environments_and_runs(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer what has a log: environments, and training runs."""
    return [*environments(context, parameter, incomplete), *runs(context, parameter, incomplete)]


def hosts(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the hosts by name."""
    from envkit.hosts import registry

    try:
        return _beginning((one.name for one in registry.entries()), incomplete)
    except EnvkitError:
        return []


def _beginning(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
