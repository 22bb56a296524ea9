#!/usr/bin/env bash
# Fuzzes one target, or all of them one after the other, each for so many seconds.
#
#   scripts/fuzz.sh [TARGET|all] [SECONDS]
#
# Needs a nightly toolchain and cargo-fuzz (`cargo install cargo-fuzz`). The corpus starts with the
# fixtures and is kept in fuzz/corpus. An input that fails is kept in fuzz/artifacts; what it shows
# becomes a test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

targets=(python rust outline config ignores sql messages)
wanted=${1:-all}
seconds=${2:-60}
[[ $wanted == all ]] || targets=("$wanted")

# Copies fixtures as seeds: TARGET EXTENSION, and what is put before each.
seed() {
    local folder=fuzz/corpus/$1 file
    mkdir -p "$folder"
    while IFS= read -r -d '' file; do
        { printf '%s' "${3:-}"; cat "$file"; } > "$folder/seed-$(printf '%s' "$file" | tr -c 'a-zA-Z0-9' '-')"
    done < <(find tests/fixtures fixtures tests/cfg_snapshots -name "*.$2" -not -path '*/target/*' -print0)
}

for target in "${targets[@]}"; do
    case $target in
        python | outline) seed "$target" py ;;
        rust) seed rust rs ;;
        ignores) seed ignores py 0; seed ignores rs 1 ;;
        config) python3 scripts/fuzz_seeds.py toml fuzz/corpus/config ;;
        sql | messages) python3 scripts/fuzz_seeds.py "$target" "fuzz/corpus/$target" ;;
        *) echo "no such target: $target" >&2; exit 2 ;;
    esac
    # Nothing here is unsafe, so no sanitizer is needed to see what goes wrong.
    cargo +nightly fuzz run --sanitizer none "$target" -- \
        -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -max_len=20000 -print_final_stats=1
done
