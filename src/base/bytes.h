// Views of bytes, and the two small tools that every codec uses: a reader that cannot run past the
// end, and a writer that appends. A reader that was asked for more than there is stays failed;
// callers decode a whole message and ask `ok()` once.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::uint16_t load_be16(const std::uint8_t* p) {
  return static_cast<std::uint16_t>((p[0] << 8) | p[1]);
}
inline std::uint32_t load_be32(const std::uint8_t* p) {
  return (std::uint32_t{p[0]} << 24) | (std::uint32_t{p[1]} << 16) | (std::uint32_t{p[2]} << 8) |
         std::uint32_t{p[3]};
}
inline void store_be32(std::uint8_t* p, std::uint32_t value) {
  p[0] = static_cast<std::uint8_t>(value >> 24);
  p[1] = static_cast<std::uint8_t>(value >> 16);
  p[2] = static_cast<std::uint8_t>(value >> 8);
  p[3] = static_cast<std::uint8_t>(value);
}

// Reads big-endian numbers and strings from a borrowed span. After a read past the end every
// further read gives zeros and empty views, and ok() is false.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : rest_(bytes) {}

  std::uint8_t u8() {
    if (!take(1)) return 0;
    const auto value = rest_[0];
    rest_ = rest_.subspan(1);
    return value;
  }
  std::uint16_t be16() {
    if (!take(2)) return 0;
    const auto value = load_be16(rest_.data());
    rest_ = rest_.subspan(2);
    return value;
  }
  std::uint32_t be32() {
    if (!take(4)) return 0;
    const auto value = load_be32(rest_.data());
    rest_ = rest_.subspan(4);
    return value;
  }
  // The text up to the next zero byte, which is consumed too.
  std::string_view cstring() {
    const void* zero = rest_.empty() ? nullptr : std::memchr(rest_.data(), 0, rest_.size());
    if (!ok_ || zero == nullptr) {
      ok_ = false;
      return {};
    }
    const auto length =
        static_cast<std::size_t>(static_cast<const std::uint8_t*>(zero) - rest_.data());
    const auto text = as_text(rest_.first(length));
    rest_ = rest_.subspan(length + 1);
    return text;
  }
  Bytes bytes(std::size_t count) {
    if (!take(count)) return {};
    const auto view = rest_.first(count);
    rest_ = rest_.subspan(count);
    return view;
  }

  Bytes rest() const { return rest_; }
  std::size_t remaining() const { return rest_.size(); }
  bool ok() const { return ok_; }
  // True when everything was read and nothing was missing.
  bool finished() const { return ok_ && rest_.empty(); }

 private:
  bool take(std::size_t count) {
    if (!ok_ || rest_.size() < count) {
      ok_ = false;
      return false;
    }
    return true;
  }

  Bytes rest_;
  bool ok_ = true;
};

using ByteBuffer = std::vector<std::uint8_t>;

// Appends big-endian numbers and strings to a buffer that it borrows.
class ByteWriter {
 public:
  explicit ByteWriter(ByteBuffer& out) : out_(out) {}

  ByteWriter& u8(std::uint8_t value) {
    out_.push_back(value);
    return *this;
  }
  ByteWriter& be16(std::uint16_t value) {
    out_.push_back(static_cast<std::uint8_t>(value >> 8));
    out_.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }
  ByteWriter& be32(std::uint32_t value) {
    const auto at = out_.size();
    out_.resize(at + 4);
    store_be32(out_.data() + at, value);
    return *this;
  }
  ByteWriter& bytes(Bytes value) {
    out_.insert(out_.end(), value.begin(), value.end());
    return *this;
  }
  ByteWriter& text(std::string_view value) { return bytes(as_bytes(value)); }
  ByteWriter& cstring(std::string_view value) { return text(value).u8(0); }

  std::size_t size() const { return out_.size(); }
  // Overwrites four bytes written earlier: a length that is known only at the end.
  void patch_be32(std::size_t at, std::uint32_t value) { store_be32(out_.data() + at, value); }

 private:
  ByteBuffer& out_;
};

}  // namespace tidegate
