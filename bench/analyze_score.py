"""Scoring of one analysis against its labels; how things are matched is told in analyze.py."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from buildwright.core.requirements import Analysis, Entity, Field, Priority
from buildwright.design.words import singular

Table = dict[str, str]
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ENDINGS = ("ation", "ing", "ion", "ed", "al")
_SPLIT = re.compile(r"[^a-z0-9]+")
_MARK = re.compile(r"(optional|m2m|terms):\s*([^;()]+)")
_NEGATION = re.compile(r"^(?:no|not|never|without|nothing|stores nothing)\b")
_MOMENTS = ("date", "datetime", "time")


@dataclass(frozen=True, slots=True)
class Counts:
    """Hits among the predicted, recalled among the labelled."""

    hits: int = 0
    predicted: int = 0
    recalled: int = 0
    labelled: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.hits + other.hits,
            self.predicted + other.predicted,
            self.recalled + other.recalled,
            self.labelled + other.labelled,
        )

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 1 where there was nothing to find."""
        precision = self.hits / self.predicted if self.predicted else float(not self.labelled)
        recall = self.recalled / self.labelled if self.labelled else float(not self.predicted)
        both = precision + recall
        return round(2 * precision * recall / both, 3) if both else 0.0

    def row(self) -> str:
        """`hits/predicted of labelled`."""
        return f"{self.hits:2}/{self.predicted:2} of {self.labelled:2}"


@dataclass(slots=True)
class Score:
    """Figures of one record."""

    id: str
    kind: str
    kind_wanted: str
    taken_ms: float
    entities: Counts = Counts()
    fields: Counts = Counts()
    belongs_to: Counts = Counts()
    many_to_many: Counts = Counts()
    must_items: Counts = Counts()
    typed: int = 0
    types_right: int = 0
    misses: list[str] = field(default_factory=list)

    @property
    def kind_right(self) -> bool:
        """Kind as labelled."""
        return self.kind == self.kind_wanted

    @property
    def relations(self) -> Counts:
        """Both sorts of relation together."""
        return self.belongs_to + self.many_to_many


def synonyms(path: Path) -> Table:
    """`{word: canonical}` from a YAML mapping of a canonical word to its synonyms."""
    groups: dict[str, list[str]] = yaml.safe_load(path.read_text("utf-8"))
    return {word: head for head, words in groups.items() for word in words}


def canonical(name: str, table: Table) -> tuple[str, ...]:
    """Words of a name, singular and by their canonical synonym, filler words dropped."""
    spaced = _CAMEL.sub(" ", name).lower()
    words = [table.get(w, table.get(singular(w), singular(w))) for w in _SPLIT.split(spaced) if w]
    kept = [_stem(word) for word in words if word not in ("of", "the", "is", "has", "-")]
    return tuple(sorted(kept)) or tuple(words)


def _stem(word: str) -> str:
    """ "watered", "watering" -> "water": nouns and participles of a verb name the same property."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word.removesuffix("e") if len(word) > 4 else word


def score_record(record: dict[str, Any], analysis: Analysis, table: Table, ms: float) -> Score:
    """Compare one analysis with its labelled record."""
    score = Score(record["id"], analysis.kind, record["kind"], ms)
    marks = _marks(record.get("notes") or "")
    optional = {canonical(n, table) for n in marks.get("optional", [])}
    pairs = _match_entities(record, analysis, table)
    matched = {id(entity) for entity in pairs.values()}
    wanted = {e["name"] for e in record["entities"] if canonical(e["name"], table) not in optional}
    extra = [
        e
        for e in analysis.entities
        if id(e) not in matched and canonical(e.name, table) not in optional
    ]
    hits = sum(name in wanted for name in pairs)
    score.entities = Counts(hits, hits + len(extra), hits, len(wanted))
    missing = sorted(wanted - set(pairs))
    if missing or extra:
        score.misses.append(f"entities missed {missing}, wrong {[e.name for e in extra]}")
    _score_fields(score, record, pairs, extra, wanted, table)
    names = {entity.name: name for name, entity in pairs.items()}
    _score_relations(score, record, analysis, names, wanted, marks)
    _score_must(score, record, analysis)
    return score


def _marks(notes: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in _MARK.findall(notes):
        found.setdefault(name, []).extend(v.strip() for v in value.split(",") if v.strip())
    return found


def _match_entities(record: dict[str, Any], analysis: Analysis, table: Table) -> dict[str, Entity]:
    left = list(analysis.entities)
    pairs: dict[str, Entity] = {}
    for loose in (False, True):
        for label in record["entities"]:
            if label["name"] in pairs:
                continue
            wanted = canonical(label["name"], table)
            found = next((e for e in left if _same_entity(e, wanted, table, loose=loose)), None)
            if found:
                pairs[label["name"]] = found
                left.remove(found)
    return pairs


def _same_entity(entity: Entity, wanted: tuple[str, ...], table: Table, *, loose: bool) -> bool:
    words = canonical(entity.name, table)
    if words == wanted or not loose:
        return words == wanted
    head = canonical(_CAMEL.sub(" ", entity.name).split()[-1], table)
    return len(words) + len(wanted) == 3 and set(head) <= set(wanted) & set(words)


def _score_fields(
    score: Score,
    record: dict[str, Any],
    pairs: dict[str, Entity],
    extra: list[Entity],
    wanted: set[str],
    table: Table,
) -> None:
    total = Counts(predicted=sum(len(_scored(entity)) for entity in extra))
    for label in record["entities"]:
        entity = pairs.get(label["name"])
        if label["name"] not in wanted:
            continue
        fields = _scored(entity) if entity else []
        matched = _match_fields(label["fields"], fields, table)
        total += Counts(len(matched), len(fields), len(matched), len(label["fields"]))
        for index, found in matched.items():
            score.typed += 1
            right = _same_type(label["fields"][index], found)
            score.types_right += right
            if not right:
                kind = label["fields"][index]["type"]
                score.misses.append(f"type {label['name']}.{found.name}: {found.type}, not {kind}")
        missed = [f["name"] for i, f in enumerate(label["fields"]) if i not in matched]
        wrong = [f.name for f in fields if not any(f is m for m in matched.values())]
        if missed or wrong:
            score.misses.append(f"fields of {label['name']}: missed {missed}, wrong {wrong}")
    score.fields = total


def _scored(entity: Entity) -> list[Field]:
    return [found for found in entity.fields if not found.assumed]


def _match_fields(
    labels: list[dict[str, str]], fields: list[Field], table: Table
) -> dict[int, Field]:
    left = list(fields)
    matched: dict[int, Field] = {}
    for test in (_exact, _same_words, _same_core, _moment):
        for index, label in enumerate(labels):
            if index in matched:
                continue
            found = next((f for f in left if test(label, f, table)), None)
            if found:
                matched[index] = found
                left.remove(found)
    return matched


def _exact(label: dict[str, str], found: Field, table: Table) -> bool:
    return label["name"] == found.name


def _same_words(label: dict[str, str], found: Field, table: Table) -> bool:
    return canonical(label["name"], table) == canonical(found.name, table)


_LOOSE = frozenset({"date", "time", "on", "at", "day", "number", "count", "name", "url"})


def _same_core(label: dict[str, str], found: Field, table: Table) -> bool:
    left = [w for w in canonical(label["name"], table) if w not in _LOOSE]
    right = [w for w in canonical(found.name, table) if w not in _LOOSE]
    return left == right != []


def _moment(label: dict[str, str], found: Field, table: Table) -> bool:
    if label["type"] not in _MOMENTS or found.type not in _MOMENTS:
        return False
    bare = set(_SPLIT.split(found.name)) <= {"date", "time", "day", "occurred", "at", "on"}
    return bare and label["name"].endswith(("_on", "_at"))


def _same_type(label: dict[str, str], found: Field) -> bool:
    wanted = label["type"]
    if wanted.startswith("enum("):
        values = [v.strip().lower() for v in wanted[5:-1].split("|")]
        return found.type == "enum" and [v.lower() for v in found.values] == values
    return wanted.split("(")[0] == found.type


def _score_relations(
    score: Score,
    record: dict[str, Any],
    analysis: Analysis,
    names: dict[str, str],
    wanted: set[str],
    marks: dict[str, list[str]],
) -> None:
    known = {e["name"] for e in record["entities"]}
    free = known - wanted
    single = {(e["name"], t) for e in record["entities"] for t in e["belongs_to"]}
    single = {pair for pair in single if not free & set(pair)}
    both = {frozenset(m.split("-")) for m in marks.get("m2m", [])}
    both = {pair for pair in both if pair <= wanted}
    found_single: set[tuple[str, str]] = set()
    found_both: set[frozenset[str]] = set()
    for relation in analysis.relations:
        ends = (names.get(relation.source, "?" + relation.source), names.get(relation.target, "?"))
        if free & set(ends):
            continue
        if relation.kind == "belongs_to":
            found_single.add(ends)
        else:
            found_both.add(frozenset(ends))
    hits = len(found_single & single)
    score.belongs_to = Counts(hits, len(found_single), hits, len(single))
    hits = len(found_both & both)
    score.many_to_many = Counts(hits, len(found_both), hits, len(both))
    if found_single != single or found_both != both:
        score.misses.append(
            f"relations missed {sorted(single - found_single)} {both - found_both}, "
            f"wrong {sorted(found_single - single)} {found_both - both}"
        )


_STOP_WORDS = """
a an the of for to in on at by with and or is are be it its from as per that this one within
below under than least most all any only each every can must
"""
_STOP = frozenset(_STOP_WORDS.split())


def _stems(text: str) -> set[str]:
    return {w[:5] for w in re.findall(r"[a-z0-9.]+|[^\x00-\x7f]", text.lower()) if w not in _STOP}


def _score_must(score: Score, record: dict[str, Any], analysis: Analysis) -> None:
    demanded = [_stems(i.text) for i in analysis.items if i.priority is not Priority.WONT]
    ruled_out = [_stems(i.text) for i in analysis.items if i.priority is Priority.WONT]
    found = 0
    for label in record["must_items"]:
        words = _stems(label)
        pool = demanded + ruled_out if _NEGATION.match(label) else demanded
        if any(len(words & item) * 2 >= len(words) for item in pool):
            found += 1
        else:
            score.misses.append(f"must missed: {label}")
    total = len(record["must_items"])
    score.must_items = Counts(found, total, found, total)
