// A small result set, and the port through which a virtual database (the console) is asked for
// one. The protocols turn tables into their own rows; what stands in them is made in admin/.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::session {

enum class CellType : std::uint8_t { text, int4, int8, numeric, boolean };

struct Table {
  struct Column {
    std::string name;
    CellType type = CellType::text;
  };
  std::vector<Column> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  // text form; nullopt = NULL
};

struct ConsoleReply {
  std::optional<Table> table;  // none for a command
  std::string tag;             // "SHOW", "RELOAD", ...
  std::vector<std::string> notices;
  std::string error;     // not empty: the command failed with this message ...
  std::string sqlstate;  // ... and this SQLSTATE
};

// A database that is not one: SHOW, PAUSE, RELOAD and friends.
class VirtualDatabase {
 public:
  virtual ~VirtualDatabase() = default;
  // `done` is called once, now or in a later turn of the same worker. It must not assume that the
  // client is still there.
  virtual void run(std::string_view user, std::string_view command,
                   std::move_only_function<void(ConsoleReply)> done) = 0;
};

}  // namespace tidegate::session
