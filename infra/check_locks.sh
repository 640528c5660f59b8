#!/usr/bin/env bash
# Checks that every lock file fits its .in file, carries hashes, and carries no download address.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

complain() {
    printf 'locks: %s\n' "$1" >&2
    failed=1
}

normal() { # names as an index compares them; versions stay as they are
    sed -E ':again; s/^([A-Za-z0-9-]*)[._]/\1-/; t again' | sed -E 's/^[^=<>~!]*/\L&/'
}

while IFS= read -r lock; do
    if grep -nE 'https?://|--(extra-)?index-url|--find-links' "$lock"; then
        complain "$lock carries an address"
    fi
    grep -q -- '--hash=sha256:' "$lock" || [ ! -s "$lock" ] || complain "$lock carries no hashes"
    pinned=$(grep -oE '^[A-Za-z0-9._-]+(\[[^]]*\])?==[^ ;]+' "$lock" | sed -E 's/\[[^]]*\]//' | normal || true)
    while IFS= read -r wanted; do
        name=${wanted%%[=<>~!]*}
        found=$(grep -m 1 -- "^$name==" <<<"$pinned" || true)
        # What an .in file asks for is a version, or all of a line of versions (8.19.*): a pattern, as the shell knows it.
        # shellcheck disable=SC2053
        if [ -z "$found" ]; then
            complain "$lock lacks $name: run make lock"
        elif [[ $wanted == *==* && $found != $wanted ]]; then
            complain "$lock has $found, ${lock%.txt}.in asks for $wanted: run make lock"
        elif [[ $wanted == *[\<\>~!]* ]]; then
            complain "${lock%.txt}.in asks for $wanted, which cannot be checked: say == and a version, or a line of them"
        fi
    done < <(grep -hE '^[A-Za-z]' "${lock%.txt}.in" | sed -E 's/\[[^]]*\]//; s/[ ;#].*//' | normal)
done < <(git ls-files 'requirements/*.txt' 'layers/*/requirements.txt' 'localstack/requirements/*.txt')

# A package in two layers has one version: the one that the developers' lock has.
for lock in layers/*/requirements.txt; do
    while IFS= read -r pin; do
        grep -qF -- "$pin " requirements/dev.txt || complain "$lock has $pin, requirements/dev.txt has another version"
    done < <(grep -oE '^[A-Za-z0-9._-]+==[^ ]+' "$lock")
done
exit "$failed"
