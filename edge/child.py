"""Starts a module of this package in an isolated Python process.

The child imports neither from the working directory nor from `PYTHONPATH` (`python -I`), so a stray `json.py` or
`models/` in the user's folder is never executed. It finds this package where its parent found it: in a wheel, in an
editable install, and in a checkout that is only on the parent's `sys.path`.
"""

from __future__ import annotations

import os
import runpy
import site
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def command(module: str, *arguments: str | os.PathLike[str]) -> list[str]:
    """The command line that runs `module` as `__main__` in an isolated child.

    Args:
        module: Full dotted name of a module of this package that the parent can import. Derive it from `__name__`,
            `__package__` or `__spec__.name`, since the wheel installs the packages under other names.
        arguments: The module's `sys.argv[1:]`.

    Returns:
        The arguments for `subprocess.Popen`; the first one is `sys.executable`.
    """
    folders = dict.fromkeys([_folder_of(module.partition(".")[0]), _folder_of(__name__.partition(".")[0])])
    user_site = site.getusersitepackages() if site.ENABLE_USER_SITE else ""
    return [
        sys.executable,
        "-I",
        str(Path(__file__).resolve()),
        os.pathsep.join(folders),
        user_site if user_site in sys.path else "",
        module,
        *(os.fspath(argument) for argument in arguments),
    ]


@contextmanager
def isolated_environment() -> Iterator[None]:
    """Within this context, Python children that a library starts import nothing from the user's folders.

    A library that runs `python -c` would give its child the working directory and `PYTHONPATH` as the first places to
    import from. The environment belongs to the whole process, so use this before other threads start children.
    """
    changed: dict[str, str | None] = {"PYTHONSAFEPATH": "1", "PYTHONPATH": None}
    before = {name: os.environ.get(name) for name in changed}
    try:
        _set_environment(changed)
        yield
    finally:
        _set_environment(before)


def _set_environment(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _folder_of(package: str) -> str:
    """The folder from which a top-level package was or would be imported."""
    found = sys.modules.get(package)
    spec = found.__spec__ if found is not None else None
    if spec is None:
        import importlib.util

        spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {package!r} to start a child of", name=package)
    return str(Path(next(iter(spec.submodule_search_locations))).resolve().parent)


def _run() -> None:
    """Runs in the child: sets up `sys.path` and runs the module that `command` names."""
    _, folders, user_site, module, *arguments = sys.argv
    # The folders go after the standard library, so that no file beside the package can replace a standard module, and
    # before site-packages, so that the child imports the same package as its parent if two are installed.
    packages = set(site.getsitepackages())
    at = next((index for index, entry in enumerate(sys.path) if entry in packages), len(sys.path))
    # `-I` excludes the user's site-packages (`pip install --user`), which may be where the dependencies are.
    sys.path[at:at] = [*folders.split(os.pathsep), *([user_site] if user_site else [])]
    if user_site:
        site.addsitedir(user_site)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _run()
