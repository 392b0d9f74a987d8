"""The connection plugin `local`: a module answers as it does in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from modules import play, without

ROOT = Path(__file__).resolve().parents[2]

PLAY = """\
- hosts: localhost
  gather_facts: false
  vars:
    python: "{{ ansible_python_interpreter | default(ansible_playbook_python) }}"
  tasks:
    - ansible.builtin.command:
        argv: [sh, -c, "cat; ps -o args= -p $PPID"]
        stdin: "given: {{ 6 * 7 }}"
      register: process
    - ansible.builtin.command:
        argv: ["{{ python }}", -c, "import os; print(os.environ['OF_THE_TASK'], os.getcwd())"]
        chdir: a folder
      environment: {OF_THE_TASK: "it's {{ 6 * 7 }} = $HOME"}
      register: variable
    - ansible.builtin.command:
        argv: ["{{ python }}", -c, "import os; print(os.environ.get('OF_THE_TASK'), os.getcwd())"]
      register: next
    - ansible.builtin.command: {argv: [sh, -c, "echo out; echo err >&2; exit 3"]}
      register: failed
      ignore_errors: true
    - ansible.builtin.command: /nowhere/at/all
      register: missing
      ignore_errors: true
    - ansible.builtin.command: {argv: [echo, misspelled], chdri: /}
      register: misspelled
      ignore_errors: true
    - ansible.builtin.command: {argv: [touch, made], creates: made}
      check_mode: true
      register: checked
    - ansible.builtin.command: {argv: [echo, "{{ item }}"]}
      loop: [one, two]
      register: looped
    - ansible.builtin.shell: "echo $((6 * 7)); head --bytes=200000 /dev/zero | base64 --wrap=0"
      register: long
    - ansible.builtin.copy: {content: "hello", dest: copied, mode: "0600"}
      register: copied
      diff: true
    - ansible.builtin.copy: {content: "hello", dest: nowhere/copied, mode: "0600"}
      register: refused
      ignore_errors: true
    # It keeps what it fetches in a folder that the module removes when its process ends.
    - ansible.builtin.get_url:
        url: "file://{{ playbook_dir }}/ansible.cfg"
        dest: "{{ playbook_dir }}/fetched"
        mode: "0600"
      register: fetched
    - ansible.builtin.find: {paths: [nowhere]}
      register: warned
    - ansible.builtin.wait_for: {path: copied, search_regex: he(?P<rest>.*), timeout: 9}
      register: waited
    - ansible.builtin.command: {argv: [sh, -c, "ps -o args= -p $PPID"]}
      async: 30
      poll: 1
      register: apart
    - of_the_project: {}
      async: 30
      poll: 1
      register: own
    - ansible.builtin.setup: {gather_subset: ["!all", python]}
      register: facts
    - ansible.builtin.find:
        paths: [temporary]
        patterns: ["ansible-moduletmp-*"]
        file_type: any
      register: left
    - ansible.builtin.copy:
        content: >-
          {{ {'process': process, 'variable': variable, 'next': next, 'failed': failed,
              'missing': missing, 'misspelled': misspelled, 'checked': checked,
              'looped': looped.results, 'long': long, 'copied': copied, 'refused': refused,
              'waited': waited, 'warned': warned, 'fetched': fetched, 'apart': apart,
              'own': own, 'left': left,
              'facts': facts.ansible_facts.ansible_python} | to_json }}
        dest: answers.json
        mode: "0600"
"""
OWN = """\
from ansible.module_utils.basic import AnsibleModule
AnsibleModule(argument_spec={}).exit_json(said="here")
"""
# What differs from run to run.
OF_ITS_OWN = {"start", "end", "delta", "elapsed", "ansible_job_id", "results_file", "exception"}
OF_ITS_OWN |= {"atime", "ctime", "inode", "mtime", "version", "src"}


def played(folder: Path, connection_plugins: Path) -> tuple[dict[str, Any], str]:
    """What the play registers, by name, and what it showed."""
    for name in ("a folder", "temporary"):
        (folder / name).mkdir(parents=True)
    settings: dict[str, Path | str] = {
        "connection_plugins": connection_plugins,
        "remote_tmp": folder / "temporary",
    }
    registered, screen = play(folder, PLAY, {"of_the_project": OWN}, settings)
    text = json.dumps(registered).replace(str(folder), "FOLDER")
    return json.loads(text), screen


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """What is registered in forks of the worker, and in processes of their own."""
    folder = tmp_path_factory.mktemp("play")
    here = played(folder / "here", ROOT / "connection_plugins")
    return here, played(folder / "apart", folder / "none")


@pytest.mark.parametrize(
    "name",
    ["variable", "next", "failed", "missing", "misspelled", "checked", "looped", "long"]
    + ["copied", "refused", "waited", "warned", "own", "facts"],
)
def test_answer_is_that_of_a_process_of_its_own(both: tuple[Any, Any], name: str) -> None:
    (here, _), (apart, _) = both
    assert without(here[name], OF_ITS_OWN) == without(apart[name], OF_ITS_OWN)


def test_it_runs_in_a_fork_but_for_what_must_outlive_it(both: tuple[Any, Any]) -> None:
    (here, _), (apart, _) = both
    assert "ansible-playbook" in here["process"]["stdout"]
    assert "ansible-playbook" not in here["apart"]["stdout"] + apart["process"]["stdout"]


def test_input_and_variables_reach_the_program_they_are_meant_for(both: tuple[Any, Any]) -> None:
    answers, _ = both[0]
    assert answers["process"]["stdout"].startswith("given: 42\n")
    assert answers["variable"]["stdout"] == "it's 42 = $HOME FOLDER/a folder"
    assert answers["next"]["stdout"] == "None FOLDER"
    assert len(answers["long"]["stdout"]) == len("42\n") + -(-200000 // 3) * 4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("failed", "non-zero return code"),
        ("missing", "/nowhere/at/all"),
        ("misspelled", "chdri"),
        ("refused", "nowhere does not exist"),
    ],
)
def test_error_says_what_is_wrong(both: tuple[Any, Any], name: str, message: str) -> None:
    answers, screen = both[0]
    assert message in json.dumps(answers[name])
    assert message in screen


def test_warning_of_a_module_is_shown(both: tuple[Any, Any]) -> None:
    _, screen = both[0]
    assert "[WARNING]: Skipped 'nowhere' path" in screen


def test_temporary_folder_of_a_module_is_gone_after_the_run(both: tuple[Any, Any]) -> None:
    (here, _), (apart, _) = both
    assert here["fetched"]["changed"]
    assert apart["fetched"]["changed"]
    assert here["left"]["files"] == apart["left"]["files"] == []
