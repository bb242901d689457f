#!/bin/sh
# Makes .venv from requirements/$1.txt (hash-checked) and adds this project to it.
set -eu
set_name=$1
python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "error: $python is missing or older than 3.11" >&2
    echo "  next: install Python 3.11 or newer, or name one: make setup PYTHON=/path/to/python3.12" >&2
    exit 2
fi
if ! [ -x .venv/bin/python ]; then
    if ! "$python" -m venv .venv 2>/dev/null; then
        rm -rf .venv
        echo "error: $python cannot make a virtual environment" >&2
        echo "  next: install its venv module (Debian and Ubuntu: apt-get install python3-venv)" >&2
        exit 2
    fi
fi
echo "installing the locked environment ($set_name) ..."
.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
# Compiled here, because where PYTHONDONTWRITEBYTECODE is set every start would do it again: 2 to 4 s.
# uv is several times faster; where it cannot reach an index that pip is configured for, pip does it.
if ! VIRTUAL_ENV="$PWD/.venv" .venv/bin/uv pip install -q --require-hashes --compile-bytecode -r "requirements/$set_name.txt" 2>.venv/uv.log; then
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "requirements/$set_name.txt"
fi
# A .pth file and a script: an editable install without a build step, so no unpinned build tool is fetched.
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$PWD/src" > "$site/buildwright.pth"
cat > .venv/bin/buildwright <<'S'
#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/python" -m buildwright "$@"
S
chmod +x .venv/bin/buildwright
touch ".venv/.$set_name"
[ "$set_name" = core ] || touch .venv/.core
