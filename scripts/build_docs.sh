#!/usr/bin/env bash
# Builds the documentation as a site, in target/site, and checks it: open target/site/index.html in a browser.
#
# The pages keep the places that they have in the repository, so links between them need no rewriting, and a link that works
# on a code host works on the site. It needs no network once scripts/fetch.sh has run.
set -euo pipefail
# shellcheck source=scripts/tools.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
cd "$root"
use_tools
use_iframe_worker

# What the site has beside docs/: whatever its pages link to.
beside=(README.md CHANGELOG.md CONTRIBUTING.md KNOWN_GAPS.md LICENSE-APACHE LICENSE-MIT rules/presets/README.md fixtures/pipeline)
work="$root/target/site-work"
site="$root/target/site"
rm -rf "$work" "$site"
mkdir -p "$work/pages"
cp -R --parents docs "${beside[@]}" "$work/pages"
mv "$work/pages/docs/zensical.toml" "$work"
cp "$iframe_worker" "$work/pages/docs/iframe-worker.js"
step "playground"
rm -rf "$work/pages/docs/playground"
scripts/build_playground.sh "$work/pages/docs/playground"
if [[ -d "$work/pages/docs/playground" ]]; then
    # Only the site has it, so only there the pages of the rules lead to it.
    for page in docs/rules/*.md; do
        rule="$(basename "$page" .md)"
        sed -i "s|^Rule \`$rule\`.*|& [Try its examples](../playground/index.html?rule=$rule) in the playground.|" \
            "$work/pages/$page"
        grep -q "?rule=$rule" "$work/pages/$page" || fail "$page does not lead to the playground"
    done
else
    mkdir "$work/pages/docs/playground"
    echo "<!doctype html><title>tallylint</title>The playground was left out when this site was built." \
        >"$work/pages/docs/playground/index.html"
fi
# Code hosts show what follows the language of a block nowhere, and Markdown within HTML as Markdown; the site must be told.
find "$work/pages" -name '*.md' -exec sed -E -i \
    -e 's/^```([a-z]+) ([a-z]+)$/```\1 title="\2"/' -e 's/^<details>/<details markdown="1">/' {} +

step "pages"
NO_COLOR=1 "$tools/zensical" build --strict --config-file "$work/zensical.toml" >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "the site does not build"; }
# These two hold only where the address of the site is known.
rm "$work/site/404.html" "$work/site/sitemap.xml"
mv "$work/site" "$site"

step "links"
# Of what is on the site; nobody is asked about the rest.
check_links() { "$tools/lychee" --offline --include-fragments --no-progress --format compact "$1"; }
check_links "$site" >"$work/links" 2>&1 || { cat "$work/links"; fail "a link leads nowhere"; }
grep Total "$work/links"

step "nothing comes from elsewhere"
! grep -rnoE '<(script|link|img|iframe)[^>]*(src|href)="(https?:)?//[^"]*"|url\("?(https?:)?//[^)]*|@import[^;]*//[^;]*' \
    "$site" --include='*.html' --include='*.css' || fail "a page loads something from the web"

step "the search knows every rule"
for page in docs/rules/*.md; do
    grep -qF "\"${page%.md}.html" "$site/search.json" || fail "$page is not in the index of the search"
done

step "a fault is found"
cp -R "$site" "$scratch/site"
printf '<a href="README.html">no page</a><a href="index.html#nowhere">no anchor</a>' >"$scratch/site/docs/bad.html"
! check_links "$scratch/site" >"$scratch/log" 2>&1 || fail "lychee likes everything"
says "lychee" "$(cat "$scratch/log")" 'README.html' 'index.html#nowhere'
step "done"
