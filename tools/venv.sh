#!/bin/sh
# Makes the virtual environment .venv with the first Python 3.11 or later that can: tools/venv.sh FOLDER
# Debian splits the venv module into a package of its own; where it is missing, root installs it.
set -eu
folder=$1

able() { "$1" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
candidates="${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3"

for python in $candidates; do
    if able "$python"; then
        exec "$python" -m venv --clear "$folder"
    fi
done
for python in $candidates; do
    if new_enough "$python"; then
        if "$python" -m virtualenv --version >/dev/null 2>&1; then
            exec "$python" -m virtualenv --clear --quiet "$folder"
        fi
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv
            exec "$python" -m venv --clear "$folder"
        fi
        echo "$python lacks the venv module. On Debian or Ubuntu: sudo apt install python3-venv" >&2
        exit 1
    fi
done
echo "Vitrine needs Python 3.11 or later; none was found. Name one with PYTHON=/path/to/python3 make ..." >&2
exit 1
