#include "postgres/digest.h"

#include <openssl/sha.h>

namespace tidegate::postgres {

Sha256 digest(std::initializer_list<Bytes> parts) {
  ByteBuffer input;
  ByteWriter writer(input);
  for (const Bytes part : parts) {
    writer.be32(static_cast<std::uint32_t>(part.size())).bytes(part);
  }
  Sha256 sha{};
  SHA256(input.data(), input.size(), sha.data());
  return sha;
}

}  // namespace tidegate::postgres
