#!/bin/sh
# Makes .venv in the checkout and installs the locked packages into it, once.
#   deploy/bootstrap.sh runtime   what `make demo` needs
#   deploy/bootstrap.sh test      the same and what the tests need, a Chromium included
#   deploy/bootstrap.sh bench     another engine to compare with, in .venv-bench, where it cannot meet the service
# Nothing is written outside the checkout; the one exception is Debian's Chromium, and only for root.
set -eu
cd "$(dirname "$0")/.."
group=${1:?say which: runtime, test or bench}
case $group in bench) venv=.venv-bench ;; *) venv=.venv ;; esac

say() { printf '%s\n' "workflow-service: $*"; }
fail() { printf '%s\n' "workflow-service: $*" >&2; exit 1; }

# A child in the background and `wait` let SIGTERM reach us while pip runs; else pip would outlive us.
child=
trap 'trap - TERM INT; if [ -n "$child" ]; then kill "$child" 2>/dev/null || true; wait "$child" || true; fi; exit 143' TERM INT
run() {
    "$@" &
    child=$!
    progress
    status=0
    wait "$child" || status=$?
    child=
    return "$status"
}

# Every few seconds a line on a pipe, or one moving line on a terminal, so that nobody takes a slow network for a hang.
progress() {
    beats=0
    while kill -0 "$child" 2>/dev/null; do
        sleep 0.3
        beats=$((beats + 1))
        if [ -t 2 ]; then
            printf '\r  %s s, %s packages looked at ' $((beats * 3 / 10)) "$(grep -c '^Collecting' "${log:-/dev/null}" || :)" >&2
        elif [ $((beats % 33)) -eq 0 ]; then
            say "still at it: $((beats * 3 / 10)) s" >&2
        fi
    done
    if [ -t 2 ]; then printf '\r%40s\r' '' >&2; fi
}

find_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            printf '%s\n' "$name"
            return
        fi
    done
    fail "no Python 3.11 or later was found. Install one, or name it: make demo PYTHON=/path/to/python3.12"
}

stamp_of() {  # what the group's installation depends on; a change of any part installs again
    { cat "requirements/$1.txt" pyproject.toml; "$venv/bin/python" -V; pwd; } 2>/dev/null | cksum
}
installed() { [ -f "$venv/stamp-$1" ] && [ "$(cat "$venv/stamp-$1")" = "$(stamp_of "$1")" ]; }

make_venv() {
    python=$(find_python)
    "$python" -c 'import venv, ensurepip' 2>/dev/null || fail \
        "$("$python" -V) has no venv module. On Debian or Ubuntu: apt-get install python3-venv. Then call make again."
    say "making $venv with $("$python" -V) …"
    run "$python" -m venv --clear "$venv" || fail "$python -m venv $venv did not work (its message stands above)"
}

pip() {
    run "$venv/bin/python" -m pip install --no-cache-dir --disable-pip-version-check --no-input --progress-bar off \
        "$@" >>"$log" 2>&1
}

packages() {
    case $group in
        bench) pip --require-hashes --only-binary :all: -r requirements/bench.txt ;;
        runtime) pip --require-hashes --only-binary :all: -r requirements/runtime.txt && project ;;
        # One package of the tests comes as source only. It is built with the setuptools that the first line brought,
        # since an isolated build would fetch one whose hash nobody pinned.
        test) pip --require-hashes --only-binary :all: -r requirements/runtime.txt &&
            pip --require-hashes --only-binary :all: --no-binary lunar-python --no-build-isolation \
                -r requirements/test.txt && project ;;
    esac
}

project() { pip --no-deps --no-build-isolation --config-settings editable_mode=compat -e .; }

install() {
    # A checkout that was moved, or a Python that was removed, leaves a venv that starts nothing.
    "$venv/bin/python" -c 'import pip' >/dev/null 2>&1 && [ "$(cat "$venv/place" 2>/dev/null)" = "$(pwd)" ] || make_venv
    pwd >"$venv/place"
    rm -f "$venv"/stamp-*
    say "installing the locked packages ($(grep -c '==' "requirements/$group.txt"), group $group); the first time takes a minute or so …"
    mkdir -p .cache/tmp
    TMPDIR="$(pwd)/.cache/tmp"
    export TMPDIR
    log=.cache/pip.log
    : >"$log"
    packages || {
        tail -n 15 "$log" >&2
        fail "the packages could not be installed; all that pip said is in $log"
    }
    stamp_of "$group" >"$venv/stamp-$group"
    say "installed."
}

browser() {
    for name in chromium chromium-browser google-chrome; do
        if command -v "$name" >/dev/null; then return; fi
    done
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        say "installing Debian's Chromium and a Chinese font for the browser tests …"
        mkdir -p .cache
        # shellcheck disable=SC2016
        if run sh -c 'apt-get -q update && DEBIAN_FRONTEND=noninteractive \
            apt-get -q -y --no-install-recommends install chromium fonts-wqy-zenhei' >.cache/apt.log 2>&1; then
            return
        fi
        tail -n 5 .cache/apt.log >&2
    fi
    say "NO CHROMIUM: the browser tests will not run. As root on Debian they get one; else install chromium yourself."
}

case $group in
    runtime) installed runtime || installed test || install ;;
    test) installed test || install; browser ;;
    bench) installed bench || install ;;
    *) fail "unknown group $group: runtime, test or bench" ;;
esac
