#!/bin/bash
# A private PostgreSQL cluster: nobody else's, on a free port of loopback, gone when stopped.
#
#   postgres.sh start DIR [--tls] [--keep] [--port=N] [name=value ...]
#   postgres.sh follow DIR PRIMARY
#   postgres.sh promote DIR
#   postgres.sh stop DIR [smart|fast|immediate]
#
# start makes the cluster unless DIR has one, waits until it answers, and writes DIR/port; its unix
# socket lies in DIR/socket. The superuser is "postgres" with password "postgres", by scram-sha-256
# over TCP and without a password over the socket. --tls adds a self-signed certificate
# (DIR/server.crt). follow makes DIR a standby of the cluster in PRIMARY, to be started with its limits
# and promoted when wanted. stop deletes DIR, unless it was started with --keep.
. "$(dirname "$0")/common.sh"

# PostgreSQL refuses to run as root. As root it becomes the user postgres, who keeps the right to
# pass through directories, for a checkout under /root is closed to everybody else.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then
    env -C / setpriv --reuid postgres --regid postgres --clear-groups \
      --inh-caps +dac_override --ambient-caps +dac_override "$@"
  else
    env -C / "$@"
  fi
}

free_port() {
  "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

make_cluster() {
  local directory=$1
  mkdir -p "$directory/socket"
  echo postgres >"$directory/password"
  [ "$(id -u)" -ne 0 ] || chown -R postgres: "$directory"
  as_postgres "$BIN/initdb" -D "$directory/data" -U postgres --pwfile "$directory/password" \
    -A scram-sha-256 --auth-local trust -E UTF8 --locale C.UTF-8 --no-sync \
    >"$directory/initdb.log" 2>&1 || {
    cat "$directory/initdb.log" >&2
    die "initdb failed"
  }
}

follow() {
  local directory=$1 primary=$2
  mkdir -p "$directory/socket"
  [ "$(id -u)" -ne 0 ] || chown -R postgres: "$directory"
  as_postgres "$BIN/pg_basebackup" -D "$directory/data" -h "$primary/socket" \
    -p "$(cat "$primary/port")" -U postgres -R -c fast --no-sync
}

make_certificate() {
  local directory=$1
  [ -e "$directory/server.crt" ] && return 0
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
    -keyout "$directory/server.key" -out "$directory/server.crt" 2>/dev/null
  chmod 600 "$directory/server.key"
  [ "$(id -u)" -ne 0 ] || chown postgres: "$directory/server.key" "$directory/server.crt"
}

start() {
  local directory=$1 tls='' keep='' port='' setting settings=()
  shift
  for setting in "$@"; do
    case $setting in
      --tls) tls=1 ;;
      --keep) keep=1 ;;
      --port=*) port=${setting#*=} ;;
      *) settings+=(-c "$setting") ;;
    esac
  done
  [ -e "$directory/data/PG_VERSION" ] || make_cluster "$directory"
  [ -z "$keep" ] || touch "$directory/keep"
  if [ -n "$tls" ]; then
    make_certificate "$directory"
    settings+=(-c ssl=on -c "ssl_cert_file=$directory/server.crt" -c "ssl_key_file=$directory/server.key")
  fi
  start_server "$directory" "$port" "${settings[@]}"
}

# Another process may take the free port before PostgreSQL does, so a few ports are tried.
start_server() {
  local directory=$1 wanted=$2 port attempt options
  shift 2
  for attempt in 1 2 3 4 5; do
    port=${wanted:-$(free_port)}
    printf -v options '%q ' -p "$port" -c listen_addresses=127.0.0.1 \
      -c "unix_socket_directories=$directory/socket" -c fsync=off "$@"
    if as_postgres "$BIN/pg_ctl" -D "$directory/data" -l "$directory/postgres.log" -w -t 60 \
      -o "$options" start >/dev/null; then
      echo "$port" >"$directory/port"
      return 0
    fi
  done
  tail -n 5 "$directory/postgres.log" >&2
  die "the private PostgreSQL did not start ($attempt tries)"
}

promote() {
  as_postgres "$BIN/pg_ctl" -D "$1/data" -w promote >/dev/null
}

stop() {
  local directory=$1 how=${2:-immediate}
  if [ -e "$directory/data/postmaster.pid" ]; then
    as_postgres "$BIN/pg_ctl" -D "$directory/data" -m "$how" -w stop >/dev/null || true
  fi
  [ -e "$directory/keep" ] || rm -rf "$directory"
}

BIN=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$BIN" ] || die "no PostgreSQL server is installed"
case ${1:-} in
  start | stop | promote)
    [ -n "${2:-}" ] || die "usage: postgres.sh start|stop|promote DIR ..."
    "$1" "$(realpath -m "$2")" "${@:3}"
    ;;
  follow)
    [ -n "${3:-}" ] || die "usage: postgres.sh follow DIR PRIMARY"
    follow "$(realpath -m "$2")" "$(realpath -m "$3")"
    ;;
  *) die "usage: postgres.sh start|follow|promote|stop DIR ..." ;;
esac
