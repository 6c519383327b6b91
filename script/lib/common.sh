# Sourced by every script: where things are, how to speak, how to build.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
JOBS=$(nproc)
# Debian's own Python, because Debian's python3-* packages belong to it and to no newer one in PATH.
PYTHON=/usr/bin/python3

if [ -t 1 ]; then
  bold=$(printf '\033[1m') red=$(printf '\033[31m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
else
  bold='' red='' dim='' plain=''
fi

say() { printf '%s%s%s\n' "$bold" "$*" "$plain"; }
hint() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }
warn() { printf '%s%s%s\n' "$red" "$*" "$plain" >&2; }
die() {
  warn "$*"
  exit 1
}

# build NAME TARGET... : configures build/NAME, by the preset of that name or BUILD_PRESET, and builds
# there; BUILD_TESTS=OFF: without what only tests need. Ninja's progress line is for a terminal; elsewhere
# only errors are of interest.
build() {
  local name=$1 directory=$ROOT/build/$1 log=$ROOT/build/$1.configure.log
  shift
  mkdir -p "$ROOT/build"
  cmake -S "$ROOT" -B "$directory" --preset "${BUILD_PRESET:-$name}" "-DTIDEGATE_TESTS=${BUILD_TESTS:-ON}" \
    >"$log" 2>&1 || {
    cat "$log" >&2
    die "configuring build/$name failed"
  }
  if [ -t 1 ]; then
    ninja -C "$directory" -j "$JOBS" "$@"
  else
    NINJA_STATUS='[%f/%t] ' ninja -C "$directory" -j "$JOBS" --quiet "$@"
  fi
}

# stop_process PID : asks once a second, and after ten seconds insists.
stop_process() {
  local pid=$1 tries=100
  while kill -0 "$pid" 2>/dev/null; do
    [ $((tries % 10)) -ne 0 ] || kill -TERM "$pid" 2>/dev/null || true
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
      kill -KILL "$pid" 2>/dev/null || true
      break
    fi
    sleep 0.1
  done
  wait "$pid" 2>/dev/null || true
}
