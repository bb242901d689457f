"""Project templates: a folder with a manifest and files, and no code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from buildwright.core.errors import UnknownNameError, UsageError
from buildwright.core.requirements import ProjectKind

BUILTIN = Path(__file__).with_name("templates")
SHARED = BUILTIN / "_shared"
MANIFEST = "template.yaml"
Scope = Literal["project", "entity", "field", "relation", "link"]


@dataclass(frozen=True, slots=True)
class Question:
    """Something a template asks; without `options` any one-line text of ≤ 200 characters goes.

    `default` is Jinja2 text over `project`.
    """

    id: str
    text: str
    default: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """Which capability a template provides, for `each` of what, when, and by which files.

    `capability` and `files` are Jinja2 text, `when` is a Jinja2 expression; all see `project`, and
    `entity`, `field`, `relation` or `link` where `each` says so.
    """

    capability: str
    files: tuple[str, ...]
    each: Scope = "project"
    when: str = "true"


@dataclass(frozen=True, slots=True)
class Template:
    """A project template as its manifest describes it.

    `lock` is the path, in the project, of the hash-locked requirements that its tests need;
    `tests` are globs of files that nothing but the template may write; `run` and `test` are
    commands for people.
    """

    name: str
    version: str
    kind: ProjectKind
    title: str
    description: str
    root: Path
    lock: str
    source_dir: str
    tests: tuple[str, ...]
    run: tuple[str, ...]
    test: tuple[str, ...]
    questions: tuple[Question, ...]
    provides: tuple[Rule, ...]
    executable: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """Provenance of the files it renders."""
        return f"template {self.name}@{self.version}"


def list_templates(extra: Sequence[Path] = ()) -> tuple[Template, ...]:
    """Return all templates, sorted by name; a folder in `extra` wins over a built-in name.

    `extra` are folders that hold template folders. Raises UsageError for a broken manifest.
    """
    found = {name: read_template(path) for name, path in _folders(extra).items()}
    return tuple(found[name] for name in sorted(found))


def load_template(name: str, extra: Sequence[Path] = ()) -> Template:
    """Return one template by name; raises UnknownNameError with the nearest known name."""
    folders = _folders(extra)
    if name not in folders:
        step = "see the names with: buildwright templates list"
        raise UnknownNameError("template", name, folders, next_step=step)
    return read_template(folders[name])


def read_template(root: Path) -> Template:
    """Read the manifest of one template folder; raises UsageError naming the key at fault."""
    import yaml

    path = root / MANIFEST
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise _fault(path, f"cannot be read: {' '.join(str(exc).split())}") from exc
    manifest = _Reader(path, raw)
    manifest.only(
        *("name", "version", "kind", "title", "description", "lock", "source_dir", "tests"),
        *("run", "test", "questions", "provides", "executable"),
    )
    if manifest.text("name") != root.name:
        raise _fault(
            path, f"name is {manifest.text('name')!r}, expected the folder's {root.name!r}"
        )
    return Template(
        name=root.name,
        version=manifest.text("version"),
        kind=cast("ProjectKind", manifest.one_of("kind", get_args(ProjectKind))),
        title=manifest.text("title"),
        description=manifest.text("description"),
        root=root,
        lock=manifest.text("lock"),
        source_dir=manifest.text("source_dir", "src"),
        tests=manifest.texts("tests"),
        run=manifest.texts("run"),
        test=manifest.texts("test"),
        questions=tuple(_question(part) for part in manifest.parts("questions")),
        provides=tuple(_rule(part) for part in manifest.parts("provides")),
        executable=manifest.texts("executable"),
    )


class _Reader:
    """Takes typed values out of one mapping of a manifest."""

    def __init__(self, path: Path, raw: object, where: str = "") -> None:
        if not isinstance(raw, Mapping):
            raise _fault(path, f"{where or 'the file'} is not a mapping of keys to values")
        self.path, self.raw, self.where = path, raw, where

    def only(self, *known: str) -> None:
        for key in self.raw:
            if key not in known:
                message = str(UnknownNameError("key", str(key), known))
                raise _fault(self.path, f"{self._name('')}{message}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.raw.get(key, default)
        if not isinstance(value, str) or not value.strip():
            raise _fault(self.path, f"{self._name(key)} is {value!r}, expected text")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.raw.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise _fault(self.path, f"{self._name(key)} is {value!r}, expected a list of texts")
        return tuple(value)

    def one_of(self, key: str, options: Sequence[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value not in options:
            raise _fault(self.path, f"{self._name('')}{UnknownNameError(key, value, options)}")
        return value

    def parts(self, key: str) -> list[_Reader]:
        value = self.raw.get(key, [])
        if not isinstance(value, list):
            raise _fault(self.path, f"{self._name(key)} is {value!r}, expected a list")
        return [_Reader(self.path, one, f"{key}[{n}]") for n, one in enumerate(value)]

    def _name(self, key: str) -> str:
        return f"{self.where}.{key}".strip(".") if key else f"{self.where}: " * bool(self.where)


def _question(part: _Reader) -> Question:
    part.only("id", "text", "default", "options")
    return Question(part.text("id"), part.text("text"), part.text("default"), part.texts("options"))


def _rule(part: _Reader) -> Rule:
    part.only("capability", "files", "each", "when")
    each = part.one_of("each", get_args(Scope), "project")
    return Rule(
        capability=part.text("capability"),
        files=part.texts("files"),
        each=cast("Scope", each),
        when=part.text("when", "true"),
    )


def _folders(extra: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for parent in (BUILTIN, *extra):
        if not parent.is_dir():
            step = "name a folder that holds template folders"
            raise UsageError(f"template folder {str(parent)!r} does not exist", next_step=step)
        names = (path for path in parent.iterdir() if (path / MANIFEST).is_file())
        found |= {path.name: path for path in names}
    return found


def _fault(path: Path, what: str) -> UsageError:
    step = "correct the manifest; templates/README.md describes it"
    return UsageError(f"template manifest {str(path)!r}: {what}", next_step=step)
