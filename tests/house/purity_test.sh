#!/bin/sh
# purity.sh finds what it is there for. Usage: purity_test.sh COMPILER
set -eu
compiler=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# library NAME : an object file compiled from standard input.
library() {
  "$compiler" -std=c++20 -x c++ -c - -o "$work/$1.o"
}

echo 'int twice(int n) { return 2 * n; }' | library pure
"$here/purity.sh" "$work/pure.o"

expect_impure() {
  if "$here/purity.sh" "$work/$1.o" 2>/dev/null; then
    echo "purity.sh did not notice: $1" >&2
    exit 1
  fi
}
echo '#include <sys/socket.h>
int f() { return socket(1, 1, 0); }' | library a_socket
echo '#include <chrono>
auto f() { return std::chrono::steady_clock::now(); }' | library a_clock
echo '#include <random>
unsigned f() { return std::random_device{}(); }' | library randomness
echo '#include <thread>
void f() { std::thread([] {}).join(); }' | library a_thread
for impurity in a_socket a_clock randomness a_thread; do expect_impure $impurity; done
