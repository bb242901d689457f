"""Acceptance scenarios: one line of Given, When, Then for an item."""

from __future__ import annotations

from buildwright.core.requirements import Priority
from buildwright.design.analysis.model import Model

_QUOTE = 160

_PLAIN = {
    "paginate": "Given more records than fit one page, When the list is read, "
    "Then it comes in pages and says how many there are",
    "open": "Given nobody is signed in, When any function is used, "
    "Then it works without an account",
    "health": "Given the program runs, When its health route is asked, "
    "Then it says that it is well",
    "openapi": "Given the program runs, When its interface description is read, "
    "Then every route is in it",
    "errors": "Given a request that cannot be served, When it is sent, "
    "Then the answer has a fitting status code and one error shape",
    "validate": "Given input that breaks a rule, When it is sent, "
    "Then it is refused and the field is named",
    "export-csv": "Given stored records, When they are exported as CSV, Then every record is a row",
    "export-json": "Given stored records, When they are exported as JSON, "
    "Then every record is in the file",
    "sqlite": "Given stored records, When the program is started again on the same SQLite file, "
    "Then they are still there",
    "headless": "Given the program, When its parts are listed, Then none is a user interface",
    "offline": "Given a machine without network, When any function is used, Then it works",
    "docker": "Given the Dockerfile, When an image is built and started, Then the program answers",
    "tests": "Given the project, When its tests are run, Then they pass",
    "migrations": "Given an empty database, When the migrations are run, "
    "Then the schema is that of the models",
    "help": "Given a command, When it is called with --help, Then it explains itself",
}

_ABOUT = {
    "manage": "Given no {entity} yet, When one is created with {fields}, "
    "Then it can be read, listed, changed and deleted",
    "list": "Given two stored {entity} records, When they are listed, Then both are shown",
    "choice": "Given a {entity}, When {field} is none of {values}, Then it is refused",
    "required": "Given a {entity}, When {field} is missing, Then it is refused",
    "optional": "Given a {entity}, When {field} is missing, Then it is accepted",
    "unique": "Given a stored {entity}, When another one has the same {field}, Then it is refused",
    "range": "Given a {entity}, When {field} is outside its bounds, Then it is refused",
    "relate": "Given no such {field}, When a {entity} refers to it, Then it is refused",
    "filter": "Given {entity} records, When they are filtered by {field}, "
    "Then only those with that value are listed",
    "search": "Given {entity} records, When {field} is searched for a part of its text, "
    "Then only matching ones are listed",
    "sort": "Given {entity} records, When they are listed in a chosen order, Then they come so",
}


def scenario(model: Model, text: str, needs: tuple[str, ...], priority: Priority) -> str:
    """Given/When/Then in one line, from the first need, or from the sentence itself."""
    quoted = text if len(text) <= _QUOTE else text[: _QUOTE - 1] + "…"
    if priority is Priority.WONT:
        when = "Given the finished project, When its functions are listed"
        return f"{when}, Then this is absent: {quoted}"
    if not needs:
        return f"Given the running program, When this is tried, Then it holds: {quoted}"
    name, _, rest = needs[0].partition(":")
    if name == "link":
        first, _, second = rest.partition(".")
        return f"Given a {first} and a {second}, When they are linked, Then each lists the other"
    if name in _PLAIN:
        return _PLAIN[name]
    return _about(model, name, rest)


def _about(model: Model, name: str, rest: str) -> str:
    entity, _, wanted = rest.partition(".")
    draft = model.drafts.get(entity)
    fields = draft.fields if draft else {}
    shown = ", ".join(list(fields)[:6]) or "its name"
    found = fields.get(wanted)
    values = ", ".join(found.values) if found else ""
    return _ABOUT[name].format(entity=entity, field=wanted, fields=shown, values=values)
