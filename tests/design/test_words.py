"""Singular and plural of nouns."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildwright.design.words import plural, singular

IRREGULAR = {
    "goose": "geese",
    "ox": "oxen",
    "mouse": "mice",
    "leaf": "leaves",
    "loaf": "loaves",
    "shelf": "shelves",
    "tooth": "teeth",
    "diagnosis": "diagnoses",
    "thesis": "theses",
    "syllabus": "syllabi",
    "curriculum": "curricula",
    "child": "children",
    "person": "people",
    "alumnus": "alumni",
    "series": "series",
    "species": "species",
    "bus": "buses",
    "status": "statuses",
    "address": "addresses",
    "company": "companies",
    "quiz": "quizzes",
    "hero": "heroes",
    "photo": "photos",
    "movie": "movies",
    "cache": "caches",
    "monarch": "monarchs",
    "woman": "women",
    "stock item": "stock items",
    "bookshelf": "bookshelves",
    "lens": "lenses",
    "city": "cities",
    "key": "keys",
}

NOUN_TEXT = """
account activity address agent airline album animal answer apple appointment archive article
artist asset audience author badge bakery base bear bench bicycle bill boat book booking box
branch bridge brush bus business cable cactus camera campus car case castle cat category chair
child church city class clinic coach coat company contract copy country course cow crash
currency customer database day deer delivery department dish doctor dog donor dress driver drug
duty elf employee entry essay event exercise expense face family farm fee field fish fix flag
flower foot fox galaxy garage gas glass goal goose grade group guest half hall hero hobby horse
hospital hotel house hypothesis image index invoice issue item journey key kitchen knife lake
lamp language lease lecture lens library licence life loaf loan lunch machine match matrix meal
medicine member message mouse museum name need nurse object office order orchestra ox page
parish parcel party patient pencil penny person phase phone photo piano piece place plane plant
play player policy potato prize process product project purchase quality quiz radio ray recipe
region release response review role room rose route rule sample school science sensor series
service shelf shoe size skill song species stadium staff stage status story student studio
survey tag task tax teacher theory thesis ticket tomato tooth tour toy tray tree tribe trip
truck type university vehicle venue video village virus visit voice vote waltz warehouse watch
wave wife wish witch wolf woman zone
"""
NOUNS = NOUN_TEXT.split()


@pytest.mark.parametrize(("one", "many"), IRREGULAR.items())
def test_irregular_nouns_are_known_both_ways(one: str, many: str) -> None:
    assert plural(one) == many
    assert singular(many) == one


@given(st.sampled_from(NOUNS))
def test_the_singular_of_a_plural_is_the_noun(noun: str) -> None:
    assert singular(plural(noun)) == noun


@given(st.sampled_from(NOUNS))
def test_a_singular_stays_as_it_is(noun: str) -> None:
    assert singular(noun) == noun


@given(st.sampled_from(NOUNS), st.sampled_from(NOUNS))
def test_of_two_words_only_the_last_changes(first: str, last: str) -> None:
    assert plural(f"{first} {last}") == f"{first} {plural(last)}"


@given(st.text(alphabet=string.ascii_lowercase + " -_", max_size=30))
def test_any_lower_case_text_gives_lower_case_text(word: str) -> None:
    assert plural(word).lower() == plural(word)
    assert singular(word).lower() == singular(word)


@pytest.mark.parametrize(
    ("many", "one"), [("indexes", "index"), ("persons", "person"), ("formulae", "formula")]
)
def test_second_plurals_are_read_too(many: str, one: str) -> None:
    assert singular(many) == one
