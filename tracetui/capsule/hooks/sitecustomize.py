# mypy: ignore-errors
"""Read by the Python of a check as it starts, of whatever version: beside the output it tells which Python it is, where
the modules came from that it imported, and which tests of unittest ran. Nothing of the program is changed by it."""

import atexit
import json
import os
import sys

_ASIDE = os.environ.get("TRACETUI_ASIDE", "")
_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - starts with every Python
_OWN = os.getpid()


def _tell(name, value):
    try:
        with open(os.path.join(_ASIDE, name), "a") as stream:  # noqa: PTH118, PTH123 - as above
            stream.write(json.dumps(value) + "\n")
    except (OSError, ValueError, TypeError):
        pass


def _modules():
    if os.getpid() != _OWN:
        return
    found = {}
    standard = os.path.dirname(os.__file__)  # noqa: PTH120 - as above
    for name, module in list(sys.modules.items()):
        if "." in name or name.startswith("_"):
            continue
        place = getattr(module, "__file__", None)
        if not place:
            places = list(getattr(module, "__path__", None) or ())
            place = places[0] if places else None
        if not isinstance(place, str) or place.startswith(_HERE):
            continue
        if not place.startswith(standard) or "-packages" in place:
            found[name] = os.path.realpath(place)
    _tell("python", {"version": sys.version.split()[0], "prefix": sys.prefix, "modules": found})


class _Loader:
    """Loads ``unittest.result`` as ever, and then has it tell of its tests."""

    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        kind = module.TestResult
        for name, word in (("addSuccess", "passed"), ("addSkip", "skipped"), ("addExpectedFailure", "skipped")):
            self._wrap(kind, name, word)

    @staticmethod
    def _wrap(kind, name, word):
        plain = getattr(kind, name)

        def told(self, test, *rest):
            _tell("tests", {"runner": "unittest", "test": str(test.id()), "outcome": word})
            return plain(self, test, *rest)

        setattr(kind, name, told)


class _Finder:
    def find_spec(self, name, path=None, target=None):
        if name != "unittest.result":
            return None
        from importlib.machinery import PathFinder

        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def _next():
    """Run the file of this name that would have been read without this one."""
    from importlib.machinery import PathFinder

    rest = [place for place in sys.path if os.path.abspath(place) != _HERE]  # noqa: PTH100 - as above
    spec = PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        import importlib.util

        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if _ASIDE:
    atexit.register(_modules)
    sys.meta_path.insert(0, _Finder())
_next()
