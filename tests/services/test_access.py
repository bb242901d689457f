"""Who is answered without a key: programs of this machine, or whom the user lets in."""

from __future__ import annotations

import pytest

from buildwright.core.keys import ApiKey
from buildwright.gateway.call import LOCAL
from buildwright.gateway.errors import GatewayError
from buildwright.services.access import Access, Auth


class Ring:
    """A ring without keys."""

    def lookup(self, plaintext: str) -> ApiKey | None:
        return None

    def empty(self) -> bool:
        return True


def access(auth: Auth, *, local: bool) -> Access:
    return Access(Ring(), auth, local=local)


def test_by_auth_none_beyond_this_machine_every_name_leads_here() -> None:
    assert access("none", local=False).caller({b"host": b"gw.lan:4000"}) is LOCAL


@pytest.mark.parametrize("auth", ["auto", "none"])
def test_on_this_machine_a_foreign_name_is_a_web_page_in_disguise(auth: Auth) -> None:
    with pytest.raises(GatewayError) as told:
        access(auth, local=True).caller({b"host": b"gw.lan:4000"})
    assert told.value.error_code == "foreign_page"


@pytest.mark.parametrize("local", [True, False])
def test_a_page_of_somebody_else_is_refused_whatever_auth_says(*, local: bool) -> None:
    headers = {b"host": b"127.0.0.1:4000", b"origin": b"https://elsewhere.example"}
    with pytest.raises(GatewayError, match="no web pages"):
        access("none", local=local).caller(headers)


def test_beyond_this_machine_auto_asks_for_a_key() -> None:
    with pytest.raises(GatewayError) as told:
        access("auto", local=False).caller({b"host": b"gw.lan:4000"})
    assert told.value.status == 401


def test_nobody_administers_from_elsewhere_without_a_key() -> None:
    with pytest.raises(GatewayError) as told:
        access("none", local=False).admin({b"host": b"127.0.0.1:4000"})
    assert told.value.status == 401
