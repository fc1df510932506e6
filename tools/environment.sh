#!/bin/sh
# Make .venv: exactly what requirements.txt pins, then qwlib itself, editable.
# Called by the Makefile from the top of the tree.  PYTHON, if set, names the interpreter;
# UV_PIN is the uv to install with where the PATH has none.
# With --find, only print the interpreter that would be used.
set -eu

say() { printf '==> %s\n' "$*"; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Run the interpreter rather than look it up: a version manager's shim can be on the
# PATH and yet fail.  Print "3.11" and the like if it runs and is one we support.
minor_of() {
    "$1" -c 'import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 13): sys.exit(1)
print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}
can_make_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }
no_venv="cannot make a virtual environment: its venv or ensurepip module is missing \
(Debian and Ubuntu: apt install python3-venv)"

[ -f requirements.txt ] || fail "run this from the top of the tree, through make"

# What .venv/ready says when .venv is complete.  The path is part of it because an
# editable install and the scripts of .venv hold it: a moved tree needs a new .venv.
stamp() { printf '%s\n%s\n%s\n' "$1" "$(cksum <requirements.txt)" "$(pwd)"; }
pyproject=$(cksum <pyproject.toml)

# A virtual environment's own interpreter stands for the one behind it: .venv itself may be
# the active one, and it is about to be removed.
behind() {
    "$1" -c 'import os, sys
base = os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2])
print(base if sys.prefix != sys.base_prefix and os.path.exists(base) else sys.executable)'
}

# Print the interpreter to use.  One once chosen stays chosen until PYTHON names another.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        minor_of "$PYTHON" >/dev/null ||
            fail "PYTHON=$PYTHON does not run or is not Python 3.11, 3.12 or 3.13"
        can_make_venv "$PYTHON" || fail "$PYTHON $no_venv"
        behind "$PYTHON"
        return
    fi
    seen=
    for candidate in .venv/bin/python python3.11 python3.12 python3.13 python3; do
        minor_of "$candidate" >/dev/null || continue
        if can_make_venv "$candidate"; then
            behind "$candidate"
            return
        fi
        seen=${seen:-$candidate}
    done
    [ -z "$seen" ] || fail "$seen $no_venv"
    fail "no Python 3.11, 3.12 or 3.13 found; name one: make ... PYTHON=/path/to/python3.11"
}

python=$(find_python)
if [ "${1:-}" = --find ]; then
    printf '%s\n' "$python"
    exit
fi

# The uv of the PATH, whatever its version, or else the pinned one.  It is run rather than looked
# up, as above.
uv=unknown
find_uv() {
    [ "$uv" = unknown ] || return 0
    uv=uv
    uv --version >/dev/null 2>&1 && return
    uv=.venv/bin/uv
    [ -x "$uv" ] || .venv/bin/python -m pip install --disable-pip-version-check --no-input \
        --no-deps "$UV_PIN" >>.venv/install.log 2>&1 || true
}

# Run `pip` as uv has it, which is done in seconds, or pip where $uv is empty.  What they say is
# not the reader's business unless they fail.
pip() {
    if [ -n "$uv" ]; then
        "$uv" pip "$@" --python .venv/bin/python
    else
        .venv/bin/python -m pip "$@" --disable-pip-version-check --no-input
    fi >>.venv/install.log 2>&1
}

# Put exactly what the arguments name into .venv.  uv does not read the settings of pip, which may
# be the only ones that name the index or the proxy of this machine.
install() {
    if [ -n "$uv" ]; then
        pip install --no-deps "$@" && return
        uv=
        say 'uv failed (.venv/install.log says why); trying pip, which takes a minute or two'
    fi
    pip install --no-deps "$@" && return
    cat .venv/install.log >&2
    fail "neither uv nor pip could install $*"
}

# Ctrl-C ends all of it, rather than the one installer.
trap 'exit 130' INT

want=$(stamp "$(minor_of "$python")")
if [ "$(cat .venv/ready 2>/dev/null)" != "$want" ] || ! minor_of .venv/bin/python >/dev/null; then
    say "Making .venv with Python $(minor_of "$python")"
    rm -rf .venv
    "$python" -m venv .venv
    say 'Installing the pinned packages of requirements.txt'
    find_uv
    # What requirements.txt does not pin is not installed, so something may be missing.
    install --requirement requirements.txt
    pip check || { cat .venv/install.log >&2; fail "requirements.txt does not fit together"; }
    printf '%s\n' "$want" >.venv/ready
fi

# qwlib is editable, so only its metadata can go stale: this step alone is redone then.
if [ "$(cat .venv/ready-qwlib 2>/dev/null)" != "$pyproject" ]; then
    say 'Installing qwlib'
    find_uv
    install --editable .
    printf '%s\n' "$pyproject" >.venv/ready-qwlib
fi
