#include "postgres/renamed_error.h"

#include <string>

#include "postgres/message.h"
#include "postgres/messages.h"

namespace tidegate::postgres {

bool write_renamed_error(ByteBuffer& out, Bytes body, std::string_view server_name,
                         std::string_view client_name) {
  if (server_name.empty() || !read_error(body)) return false;
  std::string renamed(as_text(body));
  auto at = renamed.find(server_name);
  if (at == renamed.npos) return false;
  for (; at != renamed.npos; at = renamed.find(server_name, at + client_name.size())) {
    renamed.replace(at, server_name.size(), client_name);
  }
  Message(out, 'E').text(renamed);
  return true;
}

}  // namespace tidegate::postgres
