"""The action plugin `normal`: a module answers as it does in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from modules import play, without

ROOT = Path(__file__).resolve().parents[2]

MODULE = """\
import os
import sys
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.shared import SHARED


def main():
    module = AnsibleModule(
        argument_spec={
            "does": {"type": "str", "required": True},
            "items": {"type": "list", "elements": "int", "default": []},
            "password": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    does = module.params["does"]
    if does == "crash":
        raise RuntimeError("a mistake of the module")
    if does == "fail":
        module.fail_json(msg="it cannot be done", rc=3)
    if does == "end":
        print("not an answer")
        sys.exit(4)
    module.warn("careful")
    with open(os.path.join(module.tmpdir, "a file"), "w") as file:
        file.write("for this run")
    module.exit_json(
        changed=True,
        items=module.params["items"],
        told=f"the password is {module.params['password']}",
        check=module.check_mode,
        shared=SHARED,
        variable=os.environ.get("OF_THE_TASK", ""),
        stdout="one\\ntwo",
        # What came of a template must not become one.
        braces="{" + "{ 1 + 1 }" + "}",
        process=os.getpid(),
        parent=os.getppid(),
        folder=module.tmpdir,
    )


main()
"""
PLAY = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - tried: {does: well, items: ["1", 2], password: "hunter2-{{ 1 + 1 }}"}
      register: well
      environment: {OF_THE_TASK: "{{ 6 * 7 }}"}
    - tried: {does: well}
      check_mode: true
      register: checked
    - tried: {does: "{{ item }}"}
      loop: [well, fail]
      register: looped
      ignore_errors: true
    - tried: {does: fail}
      register: failed
      ignore_errors: true
    - tried: {does: crash}
      register: crashed
      ignore_errors: true
    - tried: {does: end}
      register: ended
      ignore_errors: true
    - tried: {does: well, dose: well}
      register: misspelled
      ignore_errors: true
    - tried: {does: well}
      async: 30
      poll: 1
      register: apart
    - ansible.builtin.file: {path: made/here, state: directory, mode: "0700"}
      register: file
    - ansible.builtin.stat: {path: "{{ item }}", get_checksum: false}
      loop: [tried.yml, made/here]
      register: stat
    - ansible.builtin.slurp: {path: nowhere}
      register: slurp
      ignore_errors: true
    - ansible.builtin.find: {paths: [library], patterns: ["*.py"]}
      register: find
    - ansible.builtin.lineinfile: {path: new, line: first, create: true, mode: "0600"}
      register: lineinfile
      diff: true
    - ansible.builtin.copy:
        content: >-
          {{ {'well': well, 'checked': checked, 'looped': looped.results, 'failed': failed,
              'crashed': crashed, 'ended': ended, 'misspelled': misspelled, 'apart': apart,
              'file': file, 'stat': stat.results, 'slurp': slurp, 'find': find.files,
              'lineinfile': lineinfile} | to_json }}
        dest: answers.json
        mode: "0600"
"""
# What differs from run to run, and how a broken module is shown.
OF_ITS_OWN = {"process", "parent", "folder", "exception", "module_stdout", "module_stderr", "msg"}
OF_ITS_OWN |= {"ansible_job_id", "results_file"}
# Of a file, likewise.
OF_ITS_OWN |= {"atime", "birthtime", "ctime", "inode", "mtime", "version"}


def played(folder: Path, action_plugins: Path) -> tuple[dict[str, Any], str]:
    """What the play registers, by name, and what it showed."""
    (folder / "module_utils").mkdir(parents=True)
    (folder / "module_utils" / "shared.py").write_text("SHARED = 'by all modules'\n")
    settings: dict[str, Path | str] = {
        "module_utils": "module_utils",
        "action_plugins": action_plugins,
    }
    return play(folder, PLAY, {"tried": MODULE}, settings)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """What is registered in Ansible's worker, and in processes of their own."""
    folder = tmp_path_factory.mktemp("play")
    here = played(folder / "here", ROOT / "action_plugins")
    return here, played(folder / "apart", folder / "none")


@pytest.mark.parametrize(
    "name",
    ["well", "checked", "looped", "failed", "crashed", "ended", "misspelled", "apart"]
    + ["file", "stat", "slurp", "find", "lineinfile"],
)
def test_answer_is_that_of_a_process_of_its_own(both: tuple[Any, Any], name: str) -> None:
    (here, _), (apart, _) = both
    assert without(here[name], OF_ITS_OWN) == without(apart[name], OF_ITS_OWN)


def test_it_runs_in_the_worker_but_for_what_must_outlive_it(both: tuple[Any, Any]) -> None:
    (here, _), (apart, _) = both
    assert here["well"]["parent"] == here["checked"]["parent"]
    assert apart["well"]["parent"] != apart["checked"]["parent"]
    assert here["apart"]["parent"] != here["well"]["parent"]


def test_temporary_folder_is_gone_after_the_run(both: tuple[Any, Any]) -> None:
    for answers, _ in both:
        folders = {answers[name]["folder"] for name in ("well", "checked")}
        assert len(folders) == 2
        assert not any(Path(folder).exists() for folder in folders)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("failed", "it cannot be done"),
        ("crashed", "a mistake of the module"),
        ("misspelled", "Unsupported parameters for (tried) module: dose"),
    ],
)
def test_error_says_what_is_wrong(both: tuple[Any, Any], name: str, message: str) -> None:
    answers, screen = both[0]
    told = json.dumps(answers[name])
    assert message in told
    assert message in screen


def test_secrets_and_templates_of_a_module_stay_what_they_are(both: tuple[Any, Any]) -> None:
    answers, screen = both[0]
    assert "hunter2" not in json.dumps(answers) + screen
    assert answers["well"]["braces"] == "{{ 1 + 1 }}"
    assert answers["well"]["variable"] == "42"
    assert answers["checked"]["variable"] == ""
