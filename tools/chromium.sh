#!/bin/sh
# Sees to it that there is a Chromium for the browser tests: tools/chromium.sh VENV
# One on the PATH is used; else root installs Debian's, with a Chinese font; else Playwright fetches its own.
set -eu
venv=$1

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then
        exit 0
    fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null
else
    "$venv/bin/python" -m playwright install chromium
fi
