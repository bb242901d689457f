"""Names for generated code: from any text to identifiers that collide with nothing."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
import unicodedata
from collections.abc import Iterable

CLASS_MAX = 28
ATTRIBUTE_MAX = 27
ENUM_MAX = 34
TABLE_MAX = 30
KEY_MAX = 30
"""Longest names, in characters: lines of code fit 100 columns, `uq_TABLE_COLUMN` fits 63 bytes."""

_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "Ae", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "Oe", "ł": "l", "Ł": "L"}
    | {"đ": "d", "Đ": "D", "ð": "d", "þ": "th", "\u0131": "i"}
)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")

_SECRET = re.compile(r"(^|_)(PAS+WO?R?D|PASS(PHRASE)?|PWD|TOKEN|SECRETE?)($|_)")

SOFT_KEYWORDS = frozenset({"match", "case", "type", "_"})
DEVICE_NAMES = frozenset({"con", "aux", "nul", "prn"})
"""File names that Windows keeps for itself."""

RESERVED_CLASSES = frozenset(
    {name for name in dir(builtins) if name[0].isupper()}
    | {"Annotated", "Any", "Literal", "Decimal", "StrEnum", "Callable", "Factory", "TestClient"}
    | {"Base", "BaseModel", "BaseSettings", "Field", "Query", "Path", "Request", "Response"}
    | {"Mapped", "Session", "SessionDep", "RecordId", "Settings", "Page", "Listing", "ListQuery"}
    | {"FastAPI", "APIRouter", "Body", "Depends", "Record", "Input", "Output", "Store", "Database"}
    | {"ErrorBody", "ErrorDetail", "ApiError", "Problem", "Filters", "Money", "Quantity", "Moment"}
    | {"ShortText", "LongText", "Email", "Phone", "WebUrl", "Reference", "GeoPoint", "TagList"}
    | {"Document", "WholeNumber", "Seconds", "YesNo", "CalendarDate", "ClockTime", "Engine"}
    | {"ScaledDecimal", "UtcDateTime", "DateTime", "Console", "Table", "Path", "Namespace"}
)
RESERVED_ATTRIBUTES = frozenset(
    set(keyword.kwlist)
    | {"id", "pk", "self", "cls", "sa", "dt", "str", "int", "bool", "float", "list", "dict"}
    | {"set", "bytes", "tuple", "object", "property", "classmethod", "staticmethod", "super"}
    | {"metadata", "registry", "query", "schema", "json", "copy", "construct", "validate"}
    | {"fields", "config", "from_orm", "parse_obj", "parse_raw", "parse_file", "schema_json"}
    | {"update_forward_refs", "parse_raw_as", "mapped_column"}
)
_RESERVED_MODULES = (
    frozenset(keyword.kwlist)
    | SOFT_KEYWORDS
    | DEVICE_NAMES
    | {"base", "links", "health", "fields", "columns", "conftest", "factories", "records"}
)
_RESERVED_PACKAGES = (
    frozenset(sys.stdlib_module_names)
    | frozenset(keyword.kwlist)
    | SOFT_KEYWORDS
    | DEVICE_NAMES
    | {"src", "tests", "pytest", "fastapi", "pydantic", "pydantic_settings", "sqlalchemy"}
    | {
        "starlette",
        "uvicorn",
        "alembic",
        "anyio",
        "click",
        "coverage",
        "ruff",
        "httpx2",
        "migrations",
    }
    | {"factories", "conftest", "typing_extensions", "mako", "idna", "dns", "packaging", "pip"}
)
_RESERVED_SEGMENTS = frozenset({"health", "docs", "redoc", "openapi", "static", "metrics"})


def ascii_words(text: str) -> tuple[str, ...]:
    """Split any text into ASCII words, lower-case; camel case counts as a border."""
    flat = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    plain = "".join(c for c in flat if not unicodedata.combining(c))
    return tuple(word.lower() for word in _WORD.findall(plain))


def snake(text: str, fallback: str, limit: int = ATTRIBUTE_MAX) -> str:
    """Return an ASCII snake_case identifier of at most `limit` characters."""
    words = _fit(ascii_words(text), limit - 2)
    name = "_".join(words) or fallback
    return f"{fallback}_{name}" if name[0].isdigit() else name


def pascal(text: str, fallback: str = "Thing", limit: int = CLASS_MAX) -> str:
    """Return an ASCII PascalCase identifier of at most `limit` characters."""
    name = "".join(word.capitalize() for word in _fit(ascii_words(text), limit - 2)) or fallback
    return f"{fallback}{name}" if name[0].isdigit() else name


def kebab(text: str, fallback: str, limit: int = 40) -> str:
    """Return an ASCII kebab-case name, for paths of URLs and distribution names."""
    return "-".join(_fit(ascii_words(text), limit)) or fallback


def attribute(text: str, fallback: str, limit: int = ATTRIBUTE_MAX) -> str:
    """Return an attribute name that no keyword, model class or builtin in use owns."""
    name = snake(text, fallback, limit)
    reserved = name in RESERVED_ATTRIBUTES or name.startswith("model_")
    return f"{name}_" if reserved else name


def constant(text: str, fallback: str) -> str:
    """Return an UPPER_CASE member name for an enum value."""
    name = snake(text, fallback).upper()
    # Linters take `PASS = "pass"` for a password; an enum value named so is common.
    if _SECRET.search(name):
        name = f"{name}VALUE"
    return f"{name}_" if name in {"MRO", "NAME", "VALUE"} else name


def class_name(text: str) -> str:
    """Return a class name; one that generated modules already use gets `Record` appended."""
    name = pascal(text)
    return f"{name}Record" if name in RESERVED_CLASSES else name


def module_name(cls: str) -> str:
    """Return the module for a class; keywords and reserved file names get `_record`."""
    name = "_".join(ascii_words(cls))
    return f"{name}_record" if name in _RESERVED_MODULES else name


def package_name(text: str) -> str:
    """Return an import package name that hides no module of the library or a dependency."""
    name = snake(text, "project", 32)
    return f"{name}_app" if name in _RESERVED_PACKAGES else name


def path_segment(text: str, fallback: str) -> str:
    """Return a URL segment that no fixed route uses."""
    name = kebab(text, fallback)
    return f"{name}-records" if name in _RESERVED_SEGMENTS else name


def json_key(text: str, name: str) -> str:
    """Return the key seen by users: the text itself where it is one word, else `name`.

    A trailing underscore that only Python needed is not shown.
    """
    word = unicodedata.normalize("NFC", text.strip())
    longest = KEY_MAX if word.isascii() else KEY_MAX // 2
    readable = word.isidentifier() and len(word) <= longest and not word.startswith("_")
    stable = readable and unicodedata.normalize("NFKC", word) == word
    return word if stable else name.rstrip("_")


def unique(name: str, taken: Iterable[str], separator: str = "_") -> str:
    """Return `name`, or the first `name_2`, `name_3` … that is not taken (case does not count)."""
    used = {one.lower() for one in taken}
    candidate, number = name, 1
    while candidate.lower() in used:
        number += 1
        candidate = f"{name.rstrip('_')}{separator}{number}"
    return candidate


def _fit(words: tuple[str, ...], limit: int) -> tuple[str, ...]:
    kept: list[str] = []
    for word in words:
        if len("_".join([*kept, word])) > limit:
            break
        kept.append(word)
    return tuple(kept) or tuple(word[:limit] for word in words[:1])
