# Sourced after common.sh: PostgreSQL's own regression tests, from Debian's source package, into $work.
# shellcheck shell=bash

# Debian's sources, wherever this machine gets its packages from.
download_source() {
  local lists=$work/apt file version
  mkdir -p "$lists/parts" "$lists/lists/partial"
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ ! -e "$file" ] || sed -E 's/^deb /deb-src /; s/^Types: .*/Types: deb-src/' "$file" >"$lists/parts/${file##*/}"
  done
  local options=(-q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$lists/parts"
    -o "Dir::State::lists=$lists/lists")
  {
    apt-get "${options[@]}" update
    # That of the installed version where it is still to be had; the tests hardly change.
    for version in $(dpkg-query -W -f '${Version}' postgresql-15) \
      $(apt-cache "${options[@]}" showsrc postgresql-15 | sed -n 's/^Version: //p'); do
      (cd "$work" && apt-get "${options[@]}" source --download-only "postgresql-15=$version") && break
    done
  } >"$work/download.log" 2>&1 || die "no source package; see build/regress/download.log"
  tar -xf "$work"/postgresql-15_*.orig.tar.* -C "$work" --strip-components 3 --wildcards '*/src/test/regress'
}

build_library() {
  mkdir -p "$work/library"
  cc -O1 -fPIC -shared -I/usr/include/postgresql/15/server -I/usr/include/postgresql/internal \
    "$work/regress/regress.c" -o "$work/library/regress.so"
  cp /usr/lib/postgresql/15/lib/{refint,autoinc}.so "$work/library"
}

# The same tests in the same order, one test a line: nobody else works while one runs.
make_serial_schedule() {
  sed -n 's/^test: *//p' "$work/regress/parallel_schedule" | tr -s ' ' '\n' | sed '/^$/d; s/^/test: /' \
    >"$work/serial_schedule"
}
