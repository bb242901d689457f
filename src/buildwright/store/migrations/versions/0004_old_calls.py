"""The calls of builds from before the ledger become rows of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OWNER = "before-the-ledger"
OLD = sa.text("SELECT * FROM calls ORDER BY started_at, build_id, position")
FATE_UNKNOWN = "its process ended before the call was settled"


def upgrade() -> None:
    """Move every call, in the order in which they were made, before all that are there already."""
    bind = op.get_bind()
    old = [dict(row) for row in bind.execute(OLD).mappings()]
    first = bind.execute(sa.text("SELECT MIN(n) FROM ledger")).scalar()
    start = 1 if first is None else first - len(old)
    for n, row in enumerate(old, start):
        scope = f"build:{row['build_id']}"
        _insert("ledger", _ledger_row(bind, n, row, scope))
        _insert("ledger_bodies", _bodies(n, row))
        # What a budget of this build counted is added up anew from the rows when next needed.
        bind.execute(sa.text("DELETE FROM budget_windows WHERE scope = :s"), {"s": scope})
    op.drop_table("calls")


def downgrade() -> None:
    """Make the old table again, empty: its rows stay in the ledger."""
    op.create_table(
        "calls",
        sa.Column(
            "build_id",
            sa.String(32),
            sa.ForeignKey("builds.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("key", sa.String(120), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("reply", sa.Text),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("bound_usd", sa.Float, nullable=False),
        sa.Column("cost_usd", sa.Float, nullable=False),
        sa.Column("started_at", sa.Float, nullable=False),
        sa.Column("finished_at", sa.Float),
    )


def _ledger_row(bind: Any, n: int, row: Mapping[str, Any], scope: str) -> dict[str, Any]:
    request = json.loads(row["request"])
    reply = json.loads(row["reply"]) if row["reply"] else {}
    usage = reply.get("usage") or {}
    asked = str(request["model"])
    provider, slash, model = asked.partition("/")
    open_ = row["status"] == "sent"
    bound, cost = _nano(row["bound_usd"]), 0 if open_ else _nano(row["cost_usd"])
    return {
        "n": n,
        "id": _hash(f"{row['build_id']}/{row['key']}".encode(), 14),
        "at": row["started_at"],
        "tenant": scope,
        "scope_set": _scope_set(bind, scope),
        "status": "in_doubt" if open_ else row["status"],
        "owner": OWNER,
        "wire": "chat",
        "asked_model": asked,
        "provider": provider,
        "model": model if slash else asked,
        "price_version": OWNER,
        "reserve_nano": bound,
        "held_nano": bound if open_ else 0,
        "call_key": row["key"],
        "superseded": _newer(bind, scope, row["key"]),
        "body_hash": _body_hash(_body(request)),
        "settled_at": row["started_at"] if row["finished_at"] is None else row["finished_at"],
        "fresh_input": usage.get("input_tokens", 0),
        "cache_read": 0,
        "cache_write": 0,
        "cache_write_1h": 0,
        "output": usage.get("output_tokens", 0),
        "reasoning": 0,
        "reported_total": None,
        "estimated": bool(usage.get("estimated", False)),
        "cost_nano": cost,
        "uncertain_nano": 0,
        "used_provider": "",
        "used_model": "",
        "http_status": 200 if row["status"] == "done" else 0,
        "error": FATE_UNKNOWN if open_ else row["error"],
        "attempts": 1,
        "fallbacks": 0,
        "first_byte_s": 0.0,
        "over_bound": not open_ and cost > bound,
    }


def _bodies(n: int, row: Mapping[str, Any]) -> dict[str, Any]:
    reply = json.loads(row["reply"]) if row["reply"] else None
    answer = None if reply is None else _events(reply)
    return {"n": n, "request": _dumped(_body(json.loads(row["request"]))), "answer": answer}


def _insert(table: str, values: dict[str, Any]) -> None:
    columns, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    op.get_bind().execute(sa.text(f"INSERT INTO {table} ({columns}) VALUES ({marks})"), values)  # noqa: S608 - names of ours


def _scope_set(bind: Any, scope: str) -> int:
    find = sa.text("SELECT id FROM scope_sets WHERE scopes = :s")
    found = bind.execute(find, {"s": scope}).scalar()
    if found is None:
        bind.execute(sa.text("INSERT INTO scope_sets (scopes) VALUES (:s)"), {"s": scope})
        found = bind.execute(find, {"s": scope}).scalar()
        member = sa.text("INSERT INTO scope_members (scope, set_id) VALUES (:s, :i)")
        bind.execute(member, {"s": scope, "i": found})
    return int(found)


def _newer(bind: Any, tenant: str, key: str) -> int:
    """Return the row that has taken the key since, or 0: a resumed build may have used it again."""
    find = sa.text("SELECT n FROM ledger WHERE call_key = :k AND tenant = :t AND superseded = 0")
    return int(bind.execute(find, {"k": key, "t": tenant}).scalar() or 0)


def _body(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request in the words of the OpenAI wire, as the ledger keeps those of builds."""
    body: dict[str, Any] = {
        "model": request["model"],
        "messages": [_message(message) for message in request["messages"]],
        "max_tokens": request.get("max_tokens", 4096),
        "temperature": request.get("temperature", 0.0),
        "stream": True,
    }
    if request.get("tools"):
        body["tools"] = [{"type": "function", "function": tool} for tool in request["tools"]]
    return body


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    row = {"role": message["role"], "content": message["content"]}
    if message.get("tool_calls"):
        row["tool_calls"] = _tool_calls(message["tool_calls"])
    if message.get("tool_call_id"):
        row["tool_call_id"] = message["tool_call_id"]
    return row


def _tool_calls(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": call["id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": call["arguments"]},
        }
        for call in calls
    ]


def _events(reply: Mapping[str, Any]) -> bytes:
    delta: dict[str, Any] = {"role": "assistant", "content": reply["text"]}
    if reply.get("tool_calls"):
        calls = _tool_calls(reply["tool_calls"])
        delta["tool_calls"] = [call | {"index": i} for i, call in enumerate(calls)]
    choices = [
        {"index": 0, "delta": delta},
        {"index": 0, "delta": {}, "finish_reason": reply.get("finish_reason", "stop")},
    ]
    head = {"object": "chat.completion.chunk", "model": reply.get("model", "")}
    blocks = [b"data: " + _dumped({**head, "choices": [one]}) + b"\n\n" for one in choices]
    return b"".join(blocks) + b"data: [DONE]\n\n"


def _body_hash(body: dict[str, Any]) -> str:
    import orjson

    return _hash(orjson.dumps(("chat", body), option=orjson.OPT_SORT_KEYS), 16)


def _dumped(value: object) -> bytes:
    import orjson

    return orjson.dumps(value)


def _hash(raw: bytes, size: int) -> str:
    return blake2b(raw, digest_size=size).hexdigest()


def _nano(dollars: float) -> int:
    nano = Decimal(str(dollars)) * 1_000_000_000
    return max(0, int(nano.to_integral_value(rounding=ROUND_CEILING)))
