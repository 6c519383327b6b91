# Sourced after common.sh: installs what a script needs and the machine lacks.
# shellcheck shell=bash

# Debian 12 packages by purpose. What is built links few of them; tests need the most.
packages_of() {
  case $1 in
    build) # make: g++ optimises in parallel at link time only where it finds one
      # python3: prints the last lines of script/run
      echo g++ make cmake ninja-build ccache mold pkg-config python3 \
        libssl-dev libfmt-dev libtomlplusplus-dev libc-ares-dev libidn-dev libcli11-dev
      ;;
    unit) echo libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev libpg-query-dev python3 ;;
    postgres) echo postgresql-15 postgresql-client-15 openssl python3 ;;
    e2e) echo python3-pytest python3-pytest-timeout python3-pytest-xdist python3-psycopg python3-asyncpg libpq5 ;;
    bench) echo libbenchmark-dev pgbouncer python3 valgrind linux-perf ;;
    regress) echo postgresql-server-dev-15 bzip2 ;;
    lint) echo clang-format-19 git python3 ;;
    fuzz) echo clang-19 libclang-rt-19-dev ;;
    suites) echo python3-pip python3-pytest-asyncio python3-setuptools python3-wheel cython3 ;;
    node) echo nodejs npm ca-certificates ;;
    go) echo golang-go ca-certificates ;;
    *) die "no package group named $1" ;;
  esac
}

# A toolchain that did not come from Debian serves as well: what counts is the command.
command_of() {
  case $1 in
    g++ | make | cmake | ccache | mold | openssl | git) echo "$1" ;;
    ninja-build) echo ninja ;;
    nodejs) echo node ;;
    npm) echo npm ;;
    golang-go) echo go ;;
  esac
}

is_installed() {
  local command
  command=$(command_of "$1")
  if [ -n "$command" ] && command -v "$command" >/dev/null; then return 0; fi
  [ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" = 'install ok installed' ]
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    command -v sudo >/dev/null || die "installing packages needs root or sudo"
    sudo "$@"
  fi
}

# Debian would start a cluster of its own with the server package; nobody here asked for one.
forbid_debian_cluster() {
  local file=/etc/postgresql-common/createcluster.d/tidegate.conf
  [ -e "$file" ] || [ -d /usr/lib/postgresql ] && return 0
  as_root mkdir -p "${file%/*}"
  echo 'create_main_cluster = false' | as_root tee "$file" >/dev/null
}

# need GROUP... : afterwards every package of the groups is there, or the result is not zero.
need() {
  local group package missing=()
  for group in "$@"; do
    for package in $(packages_of "$group"); do
      is_installed "$package" || missing+=("$package")
    done
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null || {
    warn "missing: ${missing[*]} (they are installed by themselves on Debian 12 only)"
    return 1
  }
  mkdir -p "$ROOT/build"
  say "installing ${missing[*]}"
  case " ${missing[*]} " in *' postgresql-15 '*) forbid_debian_cluster ;; esac
  if ! install_packages "${missing[@]}" >"$ROOT/build/install.log" 2>&1; then
    tail -n 5 "$ROOT/build/install.log" >&2
    warn "installing packages failed; all of it is in build/install.log"
    return 1
  fi
}

install_packages() {
  # The lists of a bare machine are empty or old; a second try after refreshing them is cheap.
  apt_install "$@" || { as_root apt-get update -q && apt_install "$@"; }
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "$@"
}
