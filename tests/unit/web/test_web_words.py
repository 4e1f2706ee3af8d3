"""Catalogues: every text in every language, and every key that is used."""

import json
import re
from importlib import resources
from pathlib import Path

import pytest

from gridrush.case.load import load_case
from gridrush.policy.fiscal import LINES, PARTIES
from gridrush.web.controls import controls

FOLDER = resources.files("gridrush.i18n")
FRONTEND = Path(__file__).resolve().parents[3] / "frontend" / "src"
OTHERS = ("ru", "kk", "vi")
FORMS = {"en": {"one", "other"}, "ru": {"one", "few", "many", "other"}, "kk": {"other"}, "vi": {"other"}}
SAME = re.compile(r"^(unit\.|take\.(nc|xlsx|json)$|control\.plant$)")
"""Keys whose text may be the same in every language: signs of units, names of formats, names alone."""


def words(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(FOLDER.joinpath(f"{language}.json").read_text(encoding="utf-8"))
    return found


def stem(key: str) -> str:
    """Key of a text without its plural form."""
    return re.sub(r"^(panel\.more|net\.more|week\.days)\.\w+$", r"\1", key)


@pytest.mark.parametrize("language", OTHERS)
def test_no_key_is_missing_or_too_many(language: str) -> None:
    assert {stem(k) for k in words(language)} == {stem(k) for k in words("en")}


@pytest.mark.parametrize("language", ["en", *OTHERS])
def test_a_plural_has_every_form_of_its_language(language: str) -> None:
    found = words(language)
    for head in ("panel.more", "net.more", "week.days"):
        assert {k.rpartition(".")[2] for k in found if k.startswith(head + ".")} == FORMS[language]


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_and_fills_in_the_same_values(language: str) -> None:
    english, found = words("en"), words(language)
    for key, text in found.items():
        assert text.strip(), key
        other = english.get(key, english.get(f"{stem(key)}.other", ""))
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", other)), key
        assert text != other or SAME.match(key), f"{language}: {key} is not translated"


def test_every_key_the_page_asks_for_is_there() -> None:
    have = {stem(k) for k in words("en")} | set(words("en"))
    code = "\n".join(p.read_text(encoding="utf-8") for p in FRONTEND.rglob("*.ts*"))
    asked = set(re.findall(r"""\bt\(\s*"([\w.-]+)\"""", code))
    assert not {k for k in asked if k not in have}
    for head in set(re.findall(r"\bt\(`([\w.]+)\.\$\{", code)):
        assert any(k.startswith(head + ".") for k in have), head


def test_every_lever_line_party_scenario_and_zone_has_a_text() -> None:
    have, case = words("en"), load_case("kazakhstan")
    for c in controls(case):
        if c.kind != "project":
            assert f"control.{c.key.split(':')[0]}" in have
        for choice in c.choices:
            assert f"choice.{c.key}.{choice}" in have
    assert {f"ledger.{k}" for k in LINES} <= have.keys()
    assert {f"party.{k}" for k in PARTIES} <= have.keys()
    assert {f"zone.{z}" for z in case.zone_names} <= have.keys()
    assert {f"{what}.{s}" for s in case.scenarios for what in ("scenario", "story")} <= have.keys()


def test_every_control_and_story_of_a_network_has_a_text() -> None:
    from gridrush.study.networks import system_of
    from gridrush.web.network_controls import moves_of, stories

    have, system = words("en"), system_of(load_case("kazakhstan"), year=2022)
    moves = moves_of(system)
    for c in moves.controls:
        assert f"control.{c.key.split(':')[0]}" in have
        assert f"net.group.{c.group}" in have
    told = {"as", *(s["name"] for s in stories(system, moves))}
    assert {f"net.{what}.{s}" for s in told for what in ("story", "about")} <= have.keys()


def test_formats_name_every_month_and_day() -> None:
    formats = json.loads(FOLDER.joinpath("formats.json").read_text(encoding="utf-8"))
    assert set(formats) == {"en", *OTHERS}
    for f in formats.values():
        assert f.keys() == formats["en"].keys()
        assert len(set(f["months"])) == 12
        assert len(set(f["months_short"])) == 12
        assert len(set(f["days_short"])) == 7
