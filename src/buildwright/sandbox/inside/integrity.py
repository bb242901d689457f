"""Has anybody touched the machinery that decides what passes?

Compared by identity with what was there before foreign code was loaded: functions and classes of
pytest and pluggy and their code objects, hook implementations, a few builtins. Test functions are
compared with what their locked text compiles to. An audit hook, which Python code cannot remove,
tells of attempts to reach into the interpreter itself.
"""

from __future__ import annotations

import ast
import builtins
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

PROTECTED = ("_pytest", "pytest", "pluggy")
BUILTINS = ("AssertionError", "BaseException", "Exception", "bool", "isinstance", "len", "repr")
PROBING = frozenset({"gc.get_objects", "gc.get_referrers", "sys._current_frames"})
OWN_METHODS = ("runtest", "setup", "teardown", "ihook", "obj")
KEPT = (FunctionType, type, classmethod, staticmethod, property)


def watch_interpreter(emit: Callable[..., None]) -> None:
    """Report reaching into the interpreter, from now on and for good."""
    told: set[str] = set()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        what = _suspicion(event, arguments)
        if what and what not in told:
            told.add(what)
            emit("tampered", what=what)

    sys.addaudithook(hook)


def _suspicion(event: str, arguments: tuple[Any, ...]) -> str:
    if event in PROBING:
        return f"the code searched the interpreter's memory ({event})"
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith("/proc/"):
        name = arguments[0].rpartition("/")[2]
        if name == "mem" or "/fd/" in arguments[0]:
            return f"the code opened {arguments[0]}"
    if event == "object.__setattr__" and arguments[1] == "__code__":
        owner = getattr(arguments[0], "__module__", "") or ""
        if owner.partition(".")[0] in PROTECTED:
            return f"the code replaced the body of {owner}.{arguments[0].__qualname__}"
    return ""


class Guard:
    """What the machinery looked like; made before foreign code is loaded."""

    def __init__(self, config: Any, locked: list[str]) -> None:
        self.manager = config.pluginmanager
        self.config = config
        self.root = str(config.rootpath)
        self.locked = {f"{self.root}/{name}" for name in locked}
        self.before = dict(_machinery())
        self.plugins = {id(plugin) for plugin in self.manager.get_plugins()}
        self.implementations = dict(self._implementations())
        self.expected = {path: self._compiled(path) for path in self.locked}
        self.items: list[tuple[Any, CodeType | None]] = []

    def seal(self, items: list[Any]) -> None:
        """Note the collected tests; what is different later was changed."""
        self.items = [(item, _code_of(item)) for item in items]

    def changes(self) -> Iterator[str]:
        """One sentence for each thing that is not what it was."""
        for (place, name), (old, code) in self.before.items():
            now = vars(place).get(name)
            if now is not old or getattr(now, "__code__", None) is not code:
                yield f"{getattr(place, '__name__', place)}.{name} was replaced"
        known = self.implementations
        for key, function in self._implementations():
            if key not in known and not self._may_join(key[1]):
                yield f"a hook implementation {key[0]} was added"
            elif known.setdefault(key, function) is not function:
                yield f"the hook implementation {key[0]} was replaced"
        yield from self._changed_items()

    def _changed_items(self) -> Iterator[str]:
        for item, code in self.items:
            overridden = [name for name in OWN_METHODS[:4] if name in vars(item)]
            if overridden or not type(item).__module__.startswith(PROTECTED):
                yield f"the test item {item.nodeid} was replaced"
            elif code is not None and (_code_of(item) is not code or not self._is_ours(item)):
                yield f"the test function {item.nodeid} is not the locked one"

    def _is_ours(self, item: Any) -> bool:
        """The function, or the one that decorators from installed packages wrap, is the locked."""
        function = getattr(item.obj, "__func__", item.obj)
        while function is not None:
            code = getattr(function, "__code__", None)
            path = code.co_filename if code is not None else ""
            if path in self.expected:
                known = self.expected[path]
                return known is not None and code in known
            if path.startswith(self.root + os.sep):
                return False
            function = getattr(function, "__wrapped__", None)
        return False

    def _may_join(self, identity: int) -> bool:
        """Locked conftest files join while tests are collected, and pytest's own parts."""
        for plugin in self.manager.get_plugins():
            if id(plugin) == identity:
                owner = getattr(plugin, "__module__", None) or getattr(plugin, "__name__", "")
                path = getattr(plugin, "__file__", None)
                return path in self.locked or str(owner).partition(".")[0] in PROTECTED
        return False

    def _implementations(self) -> Iterator[tuple[tuple[str, int], Any]]:
        for name in vars(self.manager.hook):
            caller = getattr(self.manager.hook, name)
            if hasattr(caller, "get_hookimpls"):
                for implementation in caller.get_hookimpls():
                    key = (f"{name} of {implementation.plugin_name}", id(implementation.plugin))
                    yield key, getattr(implementation.function, "__func__", implementation.function)

    def _compiled(self, path: str) -> set[CodeType] | None:
        if not path.endswith(".py"):
            return None
        from _pytest.assertion.rewrite import rewrite_asserts

        source = Path(path).read_bytes()
        try:
            plain, rewritten = ast.parse(source, path), ast.parse(source, path)
            rewrite_asserts(rewritten, source, path, self.config)
            return {
                code
                for tree in (plain, rewritten)
                for code in _nested(compile(tree, path, "exec", dont_inherit=True))
            }
        except SyntaxError:
            return set()


def _machinery() -> Iterator[tuple[tuple[Any, str], tuple[Any, Any]]]:
    for name in BUILTINS:
        yield (builtins, name), (getattr(builtins, name), None)
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in PROTECTED and module is not None:
            yield from _members(module)


def _members(module: Any) -> Iterator[tuple[tuple[Any, str], tuple[Any, Any]]]:
    for name, value in list(vars(module).items()):
        if isinstance(value, KEPT):
            yield (module, name), (value, getattr(value, "__code__", None))
        if isinstance(value, type) and value.__module__ == module.__name__:
            for inner, part in list(vars(value).items()):
                if isinstance(part, KEPT):
                    yield (value, inner), (part, getattr(part, "__code__", None))


def _code_of(item: Any) -> CodeType | None:
    function = getattr(item, "obj", None)
    return getattr(getattr(function, "__func__", function), "__code__", None)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _nested(part)
