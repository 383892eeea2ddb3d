# Sourced by run and test: finds a Python >= 3.11, makes .venv beside the checkout's files, installs into it what
# pyproject.toml asks for, and does nothing when that is done already. Sets $python.
# usage: extras=[dev] (or empty), then: . venv.sh

root=$(cd -- "$(dirname -- "$0")/.." && pwd -P) || exit 1
venv=$root/.venv

say() { printf '%s\n' "$*" >&2; }

good() { # is this a Python that is new enough and can make environments?
  "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11) or sys.version_info >= (4,))' >/dev/null 2>&1
}

find_python() {
  if [ -n "${PYTHON:-}" ]; then
    good "$PYTHON" && { printf '%s\n' "$PYTHON"; return; }
    say "PYTHON=$PYTHON is not a Python 3.11 or newer with the venv module."
    return 1
  fi
  # An older minor version first: every dependency has wheels for it.
  for name in python3.13 python3.12 python3.11 python3 python python3.14 python3.15; do
    # A shim of a version manager can stand on the path and not run; the next folder may hold one that does.
    old_ifs=$IFS; IFS=:
    for folder in $PATH; do
      IFS=$old_ifs
      candidate=${folder:-.}/$name
      if [ -x "$candidate" ] && [ ! -d "$candidate" ] && good "$candidate"; then
        printf '%s\n' "$candidate"
        return
      fi
      IFS=:
    done
    IFS=$old_ifs
  done
  say "No Python 3.11 or newer with the venv module found on the path."
  say "Install one (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python), or set PYTHON."
  return 1
}

wanted="$root $extras $(cksum < "$root/pyproject.toml")"
if [ "$(cat "$venv/.ready$extras" 2>/dev/null)" != "$wanted" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
  base=$(find_python) || exit 1
  say "Setting up $venv with $("$base" --version 2>&1) (once; needs the network) ..."
  if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    "$base" -m venv --clear "$venv" || exit 1
  fi
  # What pip does is shown, a line for each package; what it says about files and caches is not.
  {
    "$venv/bin/python" -m pip --disable-pip-version-check install --progress-bar off --editable "$root$extras" 2>&1 ||
      : > "$venv/.failed"
  } | while IFS= read -r line; do
    case $line in
      Collecting*|*"Downloading "*|Installing*|Building*|*rror*|*arning*|*ould\ not*) say "  $line" ;;
    esac
  done
  if [ -e "$venv/.failed" ]; then
    rm -f "$venv/.failed"
    say "The packages could not be installed; the lines above say why. Try again: what is done is kept."
    exit 1
  fi
  printf '%s\n' "$wanted" > "$venv/.ready$extras"
fi
python=$venv/bin/python
