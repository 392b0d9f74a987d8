# The thin door to the platform: the work is in site.yml, playbooks/ and tests/.
SHELL := /bin/sh
PYTHON ?= python3
FORCE ?= 0
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
# Compiled forms are kept: Ansible loads a plugin or module once more for each task.
unexport PYTHONDONTWRITEBYTECODE
# Minikube gives its node one of these addresses; no proxy leads there. Programs read either name.
export NO_PROXY := $(if $(NO_PROXY),$(NO_PROXY),$(no_proxy)),localhost,127.0.0.1,192.168.0.0/16
export no_proxy := $(NO_PROXY)

# What people type is text, for make and for the shell: recipes read it from the environment.
typed := Q REQUEST AGENT WINDOW TIME FILE RELEASE TAGS
$(foreach name,$(typed),$(eval override $(name) := $$(value $(name)))$(if $(value $(name)),$(eval export $(name))))
# An extra variable of a playbook with the text of a variable of ours: $(call extra,NAME,OURS).
extra = -e "$$(python -c 'import json, os, sys; print(json.dumps({sys.argv[1]: os.environ.get(sys.argv[2], "")}))' $(1) $(2))"
site := ansible-playbook $(if $(TAGS),--tags="$$TAGS") $(ARGS) site.yml
# The other playbooks have no tags: with one they would do nothing, and say that all is well.
playbook = $(if $(TAGS),$(error TAGS is for `make up` and `make profile`; nothing was done. Remedy: leave it out))ansible-playbook $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help tools up profile status down upgrade rollback rotate backup recover restore sbom reproduce ask kubectl-ai docker-review generate diagnose optimize test lint unit molecule e2e bench lock

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

tools: ## Put the control node's tools into .venv
	@$(PYTHON) tools/bootstrap.py

up: tools ## Bring the whole platform up; TAGS=backend redeploys one service
	@$(site)
	@$(if $(value TAGS)$(value ARGS),:,cat .state/welcome.txt 2>/dev/null || :)

profile: tools ## Bring the platform up and show what each step cost
	@ANSIBLE_CALLBACKS_ENABLED=ansible.posix.profile_tasks $(site)

status: tools ## Show what runs
	@$(playbook) playbooks/status.yml

down: tools ## Remove the cluster; asks first, FORCE=1 does not
	@$(playbook) playbooks/teardown.yml $(if $(filter 1,$(FORCE)),-e teardown_force=true)

upgrade: tools ## Bring a running platform to this version, or back as it was
	@$(playbook) playbooks/upgrade.yml

rollback: tools ## Take one release back, RELEASE=backend
	@$(playbook) playbooks/rollback.yml $(call extra,rollback_release,RELEASE)

rotate: tools ## Generate new passwords, certificates and a new signing key
	@$(playbook) playbooks/rotate_secrets.yml

backup: tools ## Back the database up, into .state/backups
	@$(playbook) playbooks/backup.yml

recover: tools ## Make a backup of a moment, TIME=2026-01-31T18:30:00Z
	@$(playbook) playbooks/recover.yml $(call extra,recover_time,TIME)

restore: tools ## Bring a backup back, FILE=.state/backups/NAME.dump; asks first, FORCE=1 does not
	@$(playbook) playbooks/restore.yml $(call extra,restore_file,FILE) $(if $(filter 1,$(FORCE)),-e restore_force=true)

sbom: tools ## List what the images consist of, as SPDX in .state/sbom
	@$(playbook) playbooks/sbom.yml

kubectl-ai: tools ## Ask kubectl-ai with an account that may only look, Q="which pods restart?"
	@todo-operations kubectl-ai $(ARGS) -- "$$Q"

docker-review: tools ## Review the Dockerfiles and their images, by Gordon or by scanners
	@todo-operations review $(ARGS)

generate: tools ## Draft manifests, REQUEST="hpa for backend max=4"; applies nothing
	@todo-operations generate $(ARGS) -- "$$REQUEST"

diagnose: tools ## Name what is wrong in the cluster, why, and what to do
	@todo-operations diagnose --evidence .state/logs/diagnose/evidence.json \
		--output .state/logs/diagnose/findings.json $(ARGS)

optimize: tools ## Propose requests and limits from measured use, WINDOW=300 seconds of it
	@todo-operations optimize --window="$${WINDOW:-300}" --patch .state/optimize.patch $(ARGS)

ask: tools ## Ask an agent, Q="why is the backend not ready?", AGENT=todo-operator
	@todo-operations ask --agent="$${AGENT:-todo-operator}" $(ARGS) -- "$$Q"

reproduce: tools ## Build the images again without a cache and compare
	@$(playbook) playbooks/reproduce.yml

test: tools ## Every check of the project, the same that CI runs
	@python tests/run.py

lint unit molecule e2e: tools ## One group of the checks
	@python tests/run.py $@

bench: tools ## Measure the application and the platform, print a table; about 15 minutes
	@cd tests && python -m bench $(abspath $(SENTENCES))

lock: tools ## Pin the newest versions that requirements.in and the apps allow
	@python tools/lock.py
