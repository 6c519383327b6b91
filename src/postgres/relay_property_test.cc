// Random pipelines, against PostgreSQL directly and through the relay: a client must not be able to
// tell the difference, however the stream is cut and whichever server it gets each time.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

struct Pipeline {
  std::vector<std::string> requests;
  std::string text;
};

// A small vocabulary, so that names collide and statements repeat.
std::string a_request(int kind, int name, int text) {
  const std::string names[] = {"", "a", "b"};
  const std::string texts[] = {"select $1", "select 2", "insert x", "fail",
                               "begin",     "commit",   "rollback", "rows"};
  const auto& n = names[name % 3];
  const auto& t = texts[text % 8];
  switch (kind % 9) {
    case 0:
      return parse(n, t);
    case 1:
      return binding("", n, "v");
    case 2:
      return describe('S', n);
    case 3:
      return describe('P', "");
    case 4:
      return execute();
    case 5:
      return close('S', n);
    case 6:
      return query(t == "select $1" ? "select q" : t);
    case 7:
      return flush();
    default:
      return sync();
  }
}

std::string bytes_of(const std::vector<std::tuple<int, int, int>>& plan) {
  std::string bytes;
  for (const auto& [kind, name, text] : plan) bytes += a_request(kind, name, text);
  return bytes;
}

auto plans() {
  const auto small = rc::gen::inRange(0, 72);
  return rc::gen::container<std::vector<std::tuple<int, int, int>>>(
      rc::gen::tuple(small, small, small));
}

// Every plan ends with a Sync, so that everything is answered.
RC_GTEST_PROP(RelayProperty, PipelinesLookAsTheyDoDirectly, ()) {
  const auto plan = *plans();
  const auto bytes = bytes_of(plan) + sync();
  FakeDatabase database;
  DirectClient direct(database);
  direct.send(bytes);
  Rig rig(3);
  rig.piece_bytes = static_cast<std::size_t>(*rc::gen::inRange(1, 200));
  auto& pooled = rig.user();
  RC_ASSERT(pooled.ask(bytes) == direct.answers());
  RC_ASSERT(rig.database.rows == database.rows);
}

// Turn by turn, with other clients in between, so that the servers change under the session.
RC_GTEST_PROP(RelayProperty, TurnsLookAsTheyDoDirectly, ()) {
  FakeDatabase database;
  DirectClient direct(database);
  Rig rig(2);
  auto& pooled = rig.user();
  auto& other = rig.user();
  for (int turn = 0; turn < 6; ++turn) {
    const auto bytes = bytes_of(*plans()) + sync();
    direct.send(bytes);
    RC_ASSERT(pooled.ask(bytes) == direct.answers());
    other.ask(parse("", "select other") + binding("", "") + execute() + sync());
    if (turn % 2 == 0) other.ask(query("select other"));
  }
  RC_ASSERT(rig.database.rows == database.rows);
}

}  // namespace
}  // namespace tidegate::postgres::testing
