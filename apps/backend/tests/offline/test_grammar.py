"""Every rule fires for its own examples, in every case, spacing and politeness."""

import time

import pytest
from todo_backend.assistant.offline.grammar import RULES, Rule, parse
from todo_backend.assistant.offline.sentence import read

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def fired(sentence: str) -> str:
    return parse(read(sentence)).reason


def test_rules_have_names_of_their_own_and_examples() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert all(rule.examples for rule in RULES)


@each_rule
def test_examples_fire_their_rule(rule: Rule) -> None:
    assert {example: fired(example) for example in rule.examples} == dict.fromkeys(
        rule.examples, rule.name
    )


@each_rule
def test_case_and_blanks_do_not_matter(rule: Rule) -> None:
    changed = [
        changed
        for e in rule.examples
        for changed in (e.upper(), e.title(), f"  {e.replace(' ', '   ')}\t")
    ]
    assert {sentence: fired(sentence) for sentence in changed} == dict.fromkeys(changed, rule.name)


@each_rule
def test_courtesy_does_not_matter(rule: Rule) -> None:
    for example in rule.examples:
        plain = parse(read(example))
        if plain.talk is not None:
            continue
        for wrapper in ("please {}", "can you {}", "{} please", "hey, could you {}?"):
            polite = wrapper.format(example.rstrip("?!."))
            assert parse(read(polite)).tool == plain.tool, polite


@pytest.mark.parametrize(
    ("misspelt", "rule"),
    [
        ("delte task 3", "delete_task"),
        ("compelte task 3", "complete_task"),
        ("shwo my tasks", "list_question"),
        ("ad milk to my list", "add_to_list"),
    ],
)
def test_misspelt_command_words_are_mended(misspelt: str, rule: str) -> None:
    assert fired(misspelt) == rule


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("show my taks", "show my tasks"),
        ("what are all my TSAKS?", "what are all my tasks?"),
        ("delete taks #3", "delete task #3"),
        ("mark tsk 3 as done", "mark task 3 as done"),
        ("add a taks to buy milk", "add a task to buy milk"),
        ("add milk to my lsit", "add milk to my list"),
    ],
)
def test_misspelt_nouns_are_mended(misspelt: str, meant: str) -> None:
    assert parse(read(misspelt)) == parse(read(meant))


@pytest.mark.parametrize(
    ("sentence", "title"),
    [
        ("add 'show my taks' to my list", "show my taks"),
        ("add ask Taks about the lsit to my list", "ask Taks about the lsit"),
    ],
)
def test_what_looks_misspelt_in_a_title_stays(sentence: str, title: str) -> None:
    (found,) = parse(read(sentence)).titles
    assert found.lower() == title.lower()


def test_words_that_are_no_misspelling_stay() -> None:
    # "clean" is one letter from "clear", and must not empty a list.
    assert parse(read("clean my tasks")).tool != "delete_task"


@pytest.mark.parametrize("words", ["list ", "show list of ", "of ", "is "])
def test_a_longer_sentence_takes_longer_in_proportion(words: str) -> None:
    def seconds(length: int) -> float:
        sentence = read("call " + words * (length // len(words)) + "hear of x")
        times = []
        for _ in range(3):
            start = time.process_time()
            parse(sentence)
            times.append(time.process_time() - start)
        return min(times)

    seconds(100)
    # Four times as long; squared time is sixteen times as much.
    assert seconds(1400) < 9 * max(seconds(350), 0.001)
