#!/usr/bin/env bash
# Looks at what others run: workflows, the action, the examples in docs/workflows, and the scripts here. Installs its
# linters from the registries; they ask nobody.
set -euo pipefail
# shellcheck source=scripts/tools.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
cd "$root"
use_tools
use_actionlint

# What `tallylint init` writes is a workflow, too.
mkdir -p "$scratch/.github/workflows"
sed -e 's/{branch}/main/' -e 's/{requirement}/tallylint/' src/cli/init/workflow.yml >"$scratch/.github/workflows/init.yml"
workflows=(.github/workflows/*.yml docs/workflows/github-*.yml "$scratch/.github/workflows/init.yml")
schema=("$tools/check-jsonschema" --regex-variant python)

step "the schemas of those who read them"
"${schema[@]}" --builtin-schema vendor.github-workflows "${workflows[@]}"
"${schema[@]}" --builtin-schema vendor.github-actions action.yml
"${schema[@]}" --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci docs/workflows/gitlab-ci.yml
"${schema[@]}" --builtin-schema vendor.azure-pipelines --data-transform azure-pipelines docs/workflows/azure-pipelines.yml

step "actionlint"
node scripts/actionlint.cjs "$node" "${workflows[@]}"

step "zizmor"
"$tools/zizmor" --offline --quiet --no-progress --strict-collection --persona pedantic --config .github/zizmor.yml \
    "${workflows[@]}" action.yml .pre-commit-hooks.yaml

step "shellcheck"
mkdir "$scratch/blocks"
"$tools/python" scripts/shell_blocks.py "$scratch/blocks" "${workflows[@]}" action.yml docs/workflows/gitlab-ci.yml \
    docs/workflows/azure-pipelines.yml
"$tools/shellcheck" "$scratch"/blocks/*.sh
"$tools/shellcheck" --external-sources scripts/*.sh .ci/run

step "a fault is found"
printf 'on: push\njobs:\n  a:\n    runs-on: nowhere\n    steps:\n      - run: echo ${{ github.event.issue.title }}\n' \
    >"$scratch/bad.yml"
! node scripts/actionlint.cjs "$node" "$scratch/bad.yml" >"$scratch/log" || fail "actionlint likes everything"
says "actionlint" "$(cat "$scratch/log")" 'label "nowhere" is unknown'
cp "$scratch/bad.yml" "$scratch/.github/workflows/bad.yml"
! "$tools/zizmor" --offline --quiet --no-progress "$scratch/.github/workflows/bad.yml" >"$scratch/log" 2>&1 ||
    fail "zizmor likes everything"
says "zizmor" "$(cat "$scratch/log")" 'template-injection'
step "done"
