#!/usr/bin/env bash
# Checks that every lock file fits its .in file, carries hashes, and carries no download address.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

complain() {
    printf 'locks: %s\n' "$1" >&2
    failed=1
}

while IFS= read -r lock; do
    if grep -nE 'https?://|--(extra-)?index-url|--find-links' "$lock"; then
        complain "$lock carries an address"
    fi
    grep -q -- '--hash=sha256:' "$lock" || [ ! -s "$lock" ] || complain "$lock carries no hashes"
    pinned=$(grep -oE '^[A-Za-z0-9._-]+(\[[^]]*\])?==' "$lock" | sed -E 's/(\[.*)?==//' | tr '._' '--' | tr '[:upper:]' '[:lower:]' || true)
    while IFS= read -r wanted; do
        grep -qx -- "$wanted" <<<"$pinned" || complain "$lock lacks $wanted: run make lock"
    done < <(grep -hE '^[A-Za-z]' "${lock%.txt}.in" | sed -E 's/[^A-Za-z0-9._-].*//' | tr '._' '--' | tr '[:upper:]' '[:lower:]')
done < <(git ls-files 'requirements/*.txt' 'layers/*/requirements.txt' 'localstack/requirements/*.txt')

# A package in two layers has one version: the one that the developers' lock has.
for lock in layers/*/requirements.txt; do
    while IFS= read -r pin; do
        grep -qF -- "$pin " requirements/dev.txt || complain "$lock has $pin, requirements/dev.txt has another version"
    done < <(grep -oE '^[A-Za-z0-9._-]+==[^ ]+' "$lock")
done
exit "$failed"
