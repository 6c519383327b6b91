// An auth_file is read or refused with a line; limits on names and secrets hold.

#include "base/bytes.h"
#include "base/check.h"
#include "config/load.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto users =
      tidegate::config::parse_auth_file(tidegate::as_text({data, size}), "users.txt");
  if (!users) {
    TG_CHECK(users.error().line >= 1 && users.error().column >= 1);
    return 0;
  }
  for (const auto& user : *users) {
    TG_CHECK(!user.name.empty() && user.name.size() <= 128 && user.secret.size() <= 2048);
    TG_CHECK(!user.trust);
  }
  return 0;
}
