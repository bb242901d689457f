"""German and Chinese texts give the same model as English ones, in English names."""

from __future__ import annotations

from buildwright.core.requirements import Analysis
from buildwright.design.analysis import analyze

GERMAN = (
    "Wir brauchen eine REST-API für einen Fahrradladen. Zu jedem Fahrrad speichern wir Modell, "
    "Farbe und Kaufdatum. Kunden haben Vorname, Nachname und Telefonnummer. Eine Buchung gehört "
    "zu einem Kunden und einem Fahrrad und hat Beginn, Ende und Status (offen, bezahlt)."
)
CHINESE = (
    "做一个宠物医院的接口。每只宠物有名称、品种和出生日期。业主有姓名、手机号。宠物属于业主。"
    "每次预约记录预约时间和原因。"
)


def fields(analysis: Analysis) -> dict[str, list[str]]:
    return {e.name: [f"{f.name} {f.type}" for f in e.fields] for e in analysis.entities}


def test_a_german_text_is_read_in_english_words() -> None:
    analysis = analyze(GERMAN)
    assert fields(analysis) == {
        "Bicycle": ["model string", "colour string", "purchase_date date"],
        "Customer": ["first_name string", "last_name string", "phone_number phone"],
        "Booking": ["start datetime", "end datetime", "status enum"],
    }
    assert [(r.source, r.target) for r in analysis.relations] == [
        ("Booking", "Customer"),
        ("Booking", "Bicycle"),
    ]
    assert analysis.entities[2].fields[2].values == ("offen", "bezahlt")


def test_a_chinese_text_is_read_in_english_words() -> None:
    analysis = analyze(CHINESE)
    assert fields(analysis) == {
        "Pet": ["name string", "breed string", "birth_date date"],
        "Owner": ["name string", "phone phone"],
        "Booking": ["booking_time datetime", "reason text"],
    }
    assert [(r.source, r.target) for r in analysis.relations] == [("Pet", "Owner")]


def test_an_entity_names_the_word_of_the_text_it_comes_from() -> None:
    analysis = analyze(GERMAN)
    assert analysis.entities[0].term == "Fahrrad"
    assert analysis.text[analysis.entities[0].span.start :].startswith("Fahrrad")


def test_no_capability_is_claimed_for_a_text_that_was_only_glossed() -> None:
    for text in (GERMAN, CHINESE):
        analysis = analyze(text)
        assert all(item.needs == () for item in analysis.items)
        assert any("another language" in question.text for question in analysis.questions)


def test_unknown_words_of_another_language_name_nothing() -> None:
    assert analyze("做一个接口。每龘有靐。").entities == ()
