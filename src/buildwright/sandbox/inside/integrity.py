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
from types import CodeType, FrameType, FunctionType
from typing import Any

PROTECTED = ("_pytest", "pytest", "pluggy")
BUILTINS = (
    *("AssertionError", "BaseException", "Exception", "bool", "isinstance", "len", "repr"),
    "@compare",
)
PROBING = frozenset({"gc.get_objects", "gc.get_referrers", "sys._current_frames"})
READERS = frozenset({"linecache", "tokenize", "codecs", "io", "_io", "pathlib", "mmap", "runpy"})
INSTALLED = (f"{sys.prefix}/", f"{sys.base_prefix}/", f"{Path(__file__).parent}/", "<frozen ")
SOURCES = frozenset({"getsource", "getsourcelines", "findsource"})
STEPPING = frozenset({"sys.settrace", "sys.setprofile", "sys.monitoring.register_callback"})
OWN_METHODS = ("runtest", "setup", "teardown", "ihook", "obj")
KEPT = (FunctionType, type, classmethod, staticmethod, property)


def watch_interpreter(emit: Callable[..., None], tree: str, locked: list[str]) -> None:
    """Report reaching into the interpreter or for the locked tests, from now on and for good."""
    told: set[str] = set()
    tests = frozenset(f"{tree}/{name}" for name in locked if name.endswith(".py"))
    suspicion, reading = _suspicion, _reading

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        what = suspicion(event, arguments)
        if not what and event == "open":
            what = reading(arguments[0], arguments[2], tests)
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
    if event in STEPPING and not sys._getframe(2).f_code.co_filename.startswith(INSTALLED):
        return f"the code took over the interpreter's steps ({event})"
    if event == "object.__setattr__" and arguments[1] == "__code__":
        owner = getattr(arguments[0], "__module__", "") or ""
        if owner.partition(".")[0] in PROTECTED:
            return f"the code replaced the body of {owner}.{arguments[0].__qualname__}"
    return ""


def _reading(path: Any, flags: Any, tests: frozenset[str]) -> str:
    """Words for code that opens a locked test itself and is neither installed nor a locked test.

    What pytest, tracebacks and logging open on the way of such code is theirs.
    """
    if not isinstance(path, str | bytes | os.PathLike):
        return ""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and _only_reads_on(frame):
        frame = frame.f_back
    by = frame.f_code.co_filename if frame is not None else INSTALLED[0]
    if by.startswith(INSTALLED) or by in tests:
        return ""
    name = os.fsdecode(path)
    real = os.path.realpath(name)
    # a path relative to a folder descriptor cannot be resolved here: its last part decides
    unknown = not name.startswith("/") and not Path(real).exists() and not flags & os.O_CREAT
    if real in tests or (unknown and any(test.endswith(f"/{name}") for test in tests)):
        return f"the code read the locked tests ({Path(by).name})"
    return ""


def _only_reads_on(frame: FrameType) -> bool:
    """A function of the standard library that reads for its caller."""
    code = frame.f_code
    reads = frame.f_globals.get("__name__", "") in READERS or code.co_name in SOURCES
    return reads and code.co_filename.startswith(INSTALLED)


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
        self.helpers: list[tuple[Any, str, Any]] = []

    def seal(self, items: list[Any]) -> None:
        """Note the collected tests; what is different later was changed."""
        self.items = [(item, _code_of(item)) for item in items]
        for module in list(sys.modules.values()):
            path = str(getattr(module, "__file__", None) or "")
            if path in self.locked and path.endswith(".py"):
                names = _defined(Path(path).read_bytes())
                self.helpers += [(module, name, vars(module).get(name)) for name in names]

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
        yield from self._changed_helpers()

    def _changed_helpers(self) -> Iterator[str]:
        """Functions and classes that a locked file defines beside its tests."""
        for module, name, old in self.helpers:
            now = vars(module).get(name)
            known = self.expected.get(str(module.__file__))
            foreign = isinstance(now, FunctionType) and not self._is_known(now, known)
            if now is not old or foreign:
                yield f"{name} of the locked {Path(str(module.__file__)).name} was replaced"

    def _is_known(self, function: Any, known: set[CodeType] | None) -> bool:
        while function is not None:
            if known is None or getattr(function, "__code__", None) in known:
                return True
            function = getattr(function, "__wrapped__", None)
        return False

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
        value = vars(builtins).get(name)
        yield (builtins, name), (value, getattr(value, "__code__", None))
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


def _defined(source: bytes) -> list[str]:
    """Names of plain functions and classes at the top of a locked file."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node.name for node in body if isinstance(node, kinds) and not node.decorator_list]


def _code_of(item: Any) -> CodeType | None:
    function = getattr(item, "obj", None)
    return getattr(getattr(function, "__func__", function), "__code__", None)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _nested(part)
