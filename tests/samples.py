"""Small analyses, plans and requests that many tests share."""

from __future__ import annotations

from buildwright.core.build import BuildRequest
from buildwright.core.requirements import Analysis, Entity, Field, Item, Priority, Question, Span

BOOKS = "A REST API that tracks books with title, author and year"
WHOLE = Span(0, len(BOOKS))


def request(text: str = BOOKS, out: str = "/nowhere") -> BuildRequest:
    return BuildRequest(text=text, out=out)


def item(number: int = 1, needs: tuple[str, ...] = ("manage:Book",), text: str = BOOKS) -> Item:
    return Item(f"FR-{number}", text, Priority.MUST, "Given, When, Then", WHOLE, needs)


def analysis(*items: Item, text: str = BOOKS) -> Analysis:
    book = Entity(
        "Book",
        (Field("title", "string"), Field("author", "string"), Field("year", "integer")),
        WHOLE,
        "books",
    )
    return Analysis(
        text=text,
        language="en",
        name="book-api",
        title="Book API",
        kind="rest-api",
        kind_reason="the text says REST API",
        kind_scores=(("rest-api", 5.0),),
        items=items or (item(),),
        entities=(book,),
        relations=(),
        questions=(Question("Q-1", "Who may write?", ("anyone", "members"), "anyone", "not said"),),
        complexity=1,
    )
