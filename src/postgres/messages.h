// The messages that Tidegate itself writes or reads whole, one function each. Everything else is
// forwarded byte for byte and never takes shape here.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/reason.h"
#include "postgres/binary_cells.h"
#include "session/failure.h"
#include "session/table.h"

namespace tidegate::postgres {

inline constexpr std::uint32_t kProtocol30 = 0x00030000;
inline constexpr std::uint32_t kSslRequest = 80877103;
inline constexpr std::uint32_t kGssEncRequest = 80877104;
inline constexpr std::uint32_t kCancelRequest = 80877102;
inline constexpr std::size_t kStartupBytesMax = 10000;  // PostgreSQL's MAX_STARTUP_PACKET_LENGTH
inline constexpr std::string_view kScram = "SCRAM-SHA-256";
inline constexpr std::string_view kScramPlus = "SCRAM-SHA-256-PLUS";

using Parameters = std::vector<std::pair<std::string, std::string>>;

// --- To a client (each appends one message) ---
void write_authentication_ok(ByteBuffer& out);
void write_authentication_cleartext(ByteBuffer& out);
void write_authentication_md5(ByteBuffer& out, Bytes salt);
void write_authentication_sasl(ByteBuffer& out, bool offer_plus);
void write_authentication_sasl_continue(ByteBuffer& out, std::string_view data);
void write_authentication_sasl_final(ByteBuffer& out, std::string_view data);
void write_parameter_status(ByteBuffer& out, std::string_view name, std::string_view value);
void write_backend_key_data(ByteBuffer& out, std::uint32_t pid, std::uint32_t key);
void write_ready_for_query(ByteBuffer& out, char status);
void write_negotiate_protocol_version(ByteBuffer& out, std::uint32_t newest,
                                      const std::vector<std::string>& unknown_options);
struct ErrorText {
  std::string_view severity = "ERROR";  // FATAL, ERROR, WARNING, NOTICE
  std::string_view sqlstate;
  std::string message;
  std::string detail;
  std::string hint;
  std::string_view routine = {};
};
void write_error(ByteBuffer& out, const ErrorText& error);
void write_notice(ByteBuffer& out, const ErrorText& notice);
// The reason's SQLSTATE and text; `detail` says more about this case.
void write_error(ByteBuffer& out, Reason reason, std::string_view severity,
                 std::string_view detail = {});
// "text (detail)", as it stands in such an error's message.
std::string reason_message(Reason reason, std::string_view detail);
// Why there is no server. What the database itself said is passed on as its answer to the pooler.
void write_error(ByteBuffer& out, const session::Failure& why, std::string_view severity);
// A client that asked for protocol 2 reads an error that has no length and no fields.
void write_error_for_protocol_2(ByteBuffer& out, std::string_view message);
void write_parse_complete(ByteBuffer& out);
void write_close_complete(ByteBuffer& out);
void write_empty_query_response(ByteBuffer& out);
void write_command_complete(ByteBuffer& out, std::string_view tag);
void write_row_description(ByteBuffer& out, const session::Table& table,
                           const ResultFormats& formats = {});
void write_data_rows(ByteBuffer& out, const session::Table& table,
                     const ResultFormats& formats = {});

// --- To a server ---
void write_startup(ByteBuffer& out, const Parameters& parameters);
void write_ssl_request(ByteBuffer& out);
void write_cancel_request(ByteBuffer& out, std::uint32_t pid, Bytes key);
void write_password(ByteBuffer& out, std::string_view password);
void write_sasl_initial(ByteBuffer& out, std::string_view mechanism, std::string_view data);
void write_sasl_response(ByteBuffer& out, std::string_view data);
void write_query(ByteBuffer& out, std::string_view sql);
void write_parse(ByteBuffer& out, std::string_view name, Bytes text_and_types);
void write_close_statement(ByteBuffer& out, std::string_view name);
void write_sync(ByteBuffer& out);
void write_terminate(ByteBuffer& out);

// --- Read whole ---
// The body of ErrorResponse / NoticeResponse; unknown fields are skipped, missing ones are "".
struct ErrorFields {
  std::string_view severity = "";  // not localised (V), else S
  std::string_view sqlstate = "";
  std::string_view message = "";
  std::string_view routine = "";
};
std::optional<ErrorFields> read_error(Bytes body);
// The same of one that may be cut short: what lies whole in it.
ErrorFields read_error_head(Bytes body);

struct Startup {
  std::uint32_t protocol = 0;
  std::string user;
  std::string database;  // = user when the client named none
  std::string
      replication;        // "database", "true", ... as sent; empty = none, also when sent as false
  Parameters parameters;  // all others, `options` already taken apart (-c k=v, --k=v), in order,
                          // names lower case, each once, later values win
  std::vector<std::string> protocol_options;  // names beginning with _pq_.
  std::string bad_option;                     // the word of `options` that was not understood
};
enum class StartupRead : std::uint8_t { ok, malformed, no_user, bad_option };
// `body` is what follows the length and the protocol number; out.protocol stays as it is.
StartupRead read_startup(Bytes body, Startup& out);
// PostgreSQL's rules for the options string: blanks separate, a backslash takes the next
// character as it is. An error is the word that was not understood (an unknown switch).
std::expected<Parameters, std::string> read_startup_options(std::string_view options);

}  // namespace tidegate::postgres
