"""`buildwright keys`: a key is shown once, and bad input makes none."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.cli.conftest import Told

from buildwright.core.keys import well_formed


def listed(told: Told) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(told("keys", "list", "--json")[1])
    return rows


def test_a_key_is_printed_once_and_its_rights_are_kept(told: Told) -> None:
    rights = ("--org", "acme", "--user", "ann", "--models", "a,b/*", "--rpm", "5", "--tpm", "900")
    code, out, err = told("keys", "create", "ci", *rights, "--expires", "30d")
    key = out.strip()
    assert code == 0
    assert well_formed(key)
    assert "shown this once" in err
    (row,) = listed(told)
    assert (row["org"], row["user"], row["models"]) == ("acme", "ann", ["a", "b/*"])
    assert (row["requests_per_minute"], row["tokens_per_minute"]) == (5, 900)
    assert row["expires_at"] - row["created_at"] == pytest.approx(30 * 86_400, abs=1)
    assert (row["tail"], row["state"], row["scopes"]) == (key[-4:], "active", ["gateway"])
    shown = told("keys", "list")[1]
    assert "ci" in shown
    assert key not in shown
    assert key not in json.dumps(row)


def test_json_holds_the_key_and_nothing_else_is_printed(told: Told) -> None:
    _, out, err = told("keys", "create", "ci", "--scope", "admin", "--scope", "gateway", "--json")
    made = json.loads(out)
    assert (err, made["scopes"]) == ("", ["admin", "gateway"])
    assert well_formed(made["key"])


def test_a_revoked_key_stays_in_the_list_and_its_name_is_free(told: Told) -> None:
    told("keys", "create", "ci")
    code, out, _ = told("keys", "revoke", "ci")
    assert code == 0
    assert re.fullmatch(r"key ci \(key_[0-9a-f]{12}\) is revoked\n", out)
    assert [row["state"] for row in listed(told)] == ["revoked"]
    assert told("keys", "create", "ci")[0] == 0


def test_rotation_keeps_the_id_and_lets_both_live_for_a_while(told: Told) -> None:
    old = told("keys", "create", "ci")[1].strip()
    code, out, err = told("keys", "rotate", "ci", "--overlap", "2h")
    assert code == 0
    assert out.strip() != old
    assert "the old one works for 2h more" in err
    first, second = sorted(listed(told), key=lambda row: row["expires_at"] is None)
    assert first["id"] == second["id"]
    assert (first["state"], second["state"], second["expires_at"]) == ("active", "active", None)


def test_rotation_without_overlap_ends_the_old_one_now(told: Told) -> None:
    told("keys", "create", "ci")
    told("keys", "rotate", "ci", "--overlap", "0")
    assert sorted(row["state"] for row in listed(told)) == ["active", "expired"]


def test_no_keys_tells_how_to_make_one(told: Told) -> None:
    assert "buildwright keys create NAME" in told("keys", "list")[1]


BAD: list[tuple[tuple[str, ...], str]] = [
    (("create", ""), "NAME is empty"),
    (("create", "  "), "NAME is empty"),
    (("create", "a\x1b[2J"), "is not usable"),
    (("create", "taken"), "a key named 'taken' is in use"),
    (("create", "x", "--expires", "30"), "--expires is '30'; expected a number above 0"),
    (("create", "x", "--expires", "0d"), "--expires is '0d'"),
    (("create", "x", "--expires", "-1d"), "--expires is '-1d'"),
    (("create", "x", "--expires", "999999999w"), "--expires is '999999999w'"),
    (("create", "x", "--rpm", "0"), "--rpm is 0; expected 1 to"),
    (("create", "x", "--tpm", "-5"), "--tpm is -5; expected 1 to"),
    (("create", "x", "--models", "a,,b"), "--models names an empty model"),
    (("create", "x", "--org", "a b"), "--org is 'a b'"),
    (("create", "x", "--scope", "admn"), "unknown scope 'admn': did you mean 'admin'?"),
    (("revoke", "takn"), "unknown key 'takn': did you mean 'taken'?"),
    (("rotate", "takn"), "unknown key 'takn': did you mean 'taken'?"),
    (("rotate", "taken", "--overlap", "soon"), "--overlap is 'soon'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_error_and_makes_no_key(
    told: Told, arguments: tuple[str, ...], message: str
) -> None:
    told("keys", "create", "taken")
    code, out, err = told("keys", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert [row["name"] for row in listed(told)] == ["taken"]
