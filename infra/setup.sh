#!/usr/bin/env bash
# Makes .venv from the hash-pinned lock. Needs Python 3.11 with venv; as root on Debian it installs what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    printf 'souk: %s\n' "$1" >&2
    exit 1
}

# Debian's own first: it is built with profile-guided optimisation, which others that are in the path often are not.
find_python() { # what it must be able to import
    for name in /usr/bin/python3.11 python3.11 python3; do
        if command -v "$name" >/dev/null && "$name" -c "import $1; sys.exit(sys.version_info[:2] != (3, 11))" 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
}

install_or_name() { # why, packages...
    why=$1
    shift
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "$why; please type: sudo apt-get install --yes $*"
    fi
    apt-get update -qq || true # what is there may do
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@" >/dev/null ||
        fail "$why; apt-get can't install $* (its message is above)"
}

python=$(find_python "sys, ensurepip, venv")
[ -n "$python" ] || python=$(find_python sys)
if [ -z "$python" ]; then
    needed="Python 3.11 is needed, and no other: it is what the functions run on"
    install_or_name "$needed" python3.11 python3.11-venv
    python=$(find_python sys)
    [ -n "$python" ] || fail "$needed"
fi
"$python" -c 'import ensurepip, venv' 2>/dev/null || install_or_name "Python's venv is missing" python3.11-venv

if ! [ -x .venv/bin/python ] || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    echo "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
fi
echo "installing the packages of requirements/dev.txt (a minute on the first run)"
.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt ||
    fail "the Python packages could not be installed; does the package registry answer? (pip's message is above)"
.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
touch .venv/.installed
