"""Plugins found and entered: the built-ins first, then what is installed, then what is named, then what lies in
``plugins/`` beside the file.

``plugins/`` is looked for beside the definition file and beside its folder, so that ``apps/x.yaml`` finds
``plugins/``. A plugin is a module or package with ``register(registry)``; what has none is left alone.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from engine.builtin import default_registry
from engine.errors import AppmillError, message
from engine.registry import Registry

VARIABLE = "APPMILL_PLUGINS"
GROUP = "appmill.plugins"  # the entry points under which installed packages bring their own


class PluginFailed(AppmillError):
    """A plugin could not be imported or entered."""

    code = "plugin_failed"


def registry_for(file: str | Path, named: Iterable[str] = ()) -> Registry:
    """The registry a definition file is read with. ``named``: module names, as ``--plugin`` gives them; more stand in
    the environment variable APPMILL_PLUGINS, with commas between. Raises PluginFailed."""
    registry = default_registry()
    found = [*_installed(), *named, *_in_environment(), *_beside(Path(file))]
    for name in dict.fromkeys(found):
        _enter(registry, name, wanted=name in named)
    return registry


def _installed() -> list[str]:
    return sorted(entry.value for entry in importlib.metadata.entry_points(group=GROUP))


def _in_environment() -> list[str]:
    return [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]


def _beside(file: Path) -> Iterator[str]:
    folder = file.resolve().parent
    for home in (folder, folder.parent):
        plugins = home / "plugins"
        if (plugins / "__init__.py").is_file():
            if str(home) not in sys.path:
                sys.path.append(str(home))
            yield from sorted(f"plugins.{name}" for name in _modules(plugins))
            return


def _modules(folder: Path) -> Iterator[str]:
    for path in folder.iterdir():
        if path.name.startswith(("_", ".")):
            continue
        if path.suffix == ".py" or (path / "__init__.py").is_file():
            yield path.stem


def _enter(registry: Registry, name: str, wanted: bool) -> None:
    module = _imported(name)
    register = getattr(module, "register", None)
    if register is not None:
        try:
            register(registry)
        except Exception as error:
            raise PluginFailed(message("The plugin {name} failed: {reason}", name=name, reason=str(error))) from error
    elif wanted:
        raise PluginFailed(message("The plugin {name} has no function register(registry).", name=name))


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise PluginFailed(
            message("The plugin {name} cannot be imported: {reason}", name=name, reason=reason)
        ) from error
