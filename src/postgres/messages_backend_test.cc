#include <gtest/gtest.h>

#include "postgres/login_testing.h"

namespace tidegate::postgres {
namespace {

using namespace std::string_literals;

template <typename Write>
std::string written(Write&& write) {
  ByteBuffer out;
  write(out);
  return std::string(as_text(out));
}

TEST(MessagesBackend, AuthenticationRequests) {
  EXPECT_EQ(written([](auto& out) { write_authentication_ok(out); }), "R\0\0\0\x08\0\0\0\0"s);
  EXPECT_EQ(written([](auto& out) { write_authentication_cleartext(out); }),
            "R\0\0\0\x08\0\0\0\x03"s);
  EXPECT_EQ(written([](auto& out) { write_authentication_md5(out, as_bytes("salt")); }),
            "R\0\0\0\x0c\0\0\0\x05salt"s);
}

TEST(MessagesBackend, SaslOffersPlusFirstAndEndsTheList) {
  EXPECT_EQ(written([](auto& out) { write_authentication_sasl(out, false); }),
            "R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"s);
  EXPECT_EQ(written([](auto& out) { write_authentication_sasl(out, true); }),
            "R\0\0\0\x2a\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"s);
}

TEST(MessagesBackend, SaslDataHasNoZeroAtItsEnd) {
  EXPECT_EQ(written([](auto& out) { write_authentication_sasl_continue(out, "r=1"); }),
            "R\0\0\0\x0b\0\0\0\x0br=1"s);
  EXPECT_EQ(written([](auto& out) { write_authentication_sasl_final(out, "v=1"); }),
            "R\0\0\0\x0b\0\0\0\x0cv=1"s);
}

TEST(MessagesBackend, WhatFollowsALogin) {
  EXPECT_EQ(written([](auto& out) { write_parameter_status(out, "TimeZone", "UTC"); }),
            "S\0\0\0\x11TimeZone\0UTC\0"s);
  EXPECT_EQ(written([](auto& out) { write_backend_key_data(out, 258, 0xdeadbeef); }),
            "K\0\0\0\x0c\0\0\x01\x02\xde\xad\xbe\xef"s);
  EXPECT_EQ(written([](auto& out) { write_ready_for_query(out, 'I'); }), "Z\0\0\0\x05I"s);
}

TEST(MessagesBackend, NegotiationNamesTheNewestVersionAndTheUnknownOptions) {
  EXPECT_EQ(
      written([](auto& out) { write_negotiate_protocol_version(out, kProtocol30, {"_pq_.a"}); }),
      "v\0\0\0\x13\0\x03\0\0\0\0\0\x01_pq_.a\0"s);
  EXPECT_EQ(written([](auto& out) { write_negotiate_protocol_version(out, kProtocol30, {}); }),
            "v\0\0\0\x0c\0\x03\0\0\0\0\0\0"s);
}

TEST(MessagesBackend, AnErrorHasOnlyTheFieldsThatSaySomething) {
  const ErrorText error = {.sqlstate = "26000", .message = "gone"};
  EXPECT_EQ(written([&](auto& out) { write_error(out, error); }),
            "E\0\0\0\x20SERROR\0VERROR\0C26000\0Mgone\0\0"s);
  const ErrorText notice = {
      .severity = "NOTICE", .sqlstate = "00000", .message = "m", .detail = "d", .hint = "h"};
  EXPECT_EQ(written([&](auto& out) { write_notice(out, notice); }),
            "N\0\0\0\x25SNOTICE\0VNOTICE\0C00000\0Mm\0Dd\0Hh\0\0"s);
}

TEST(MessagesBackend, AReasonBecomesItsSqlstateAndAReadableMessage) {
  const auto wire =
      written([](auto& out) { write_error(out, Reason::pool_timeout, "ERROR", "route a"); });
  const auto fields = read_error(as_bytes(wire).subspan(5));
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->severity, "ERROR");
  EXPECT_EQ(fields->sqlstate, info(Reason::pool_timeout).sqlstate);
  EXPECT_EQ(fields->message, std::string(info(Reason::pool_timeout).text) + " (route a)");
  EXPECT_EQ(reason_message(Reason::pool_timeout, ""), info(Reason::pool_timeout).text);
}

struct Told {
  std::string sqlstate, message, detail, hint;
};
Told told(const session::Failure& why) {
  const auto wire = written([&](auto& out) { write_error(out, why, "FATAL"); });
  Told told;
  ByteReader reader(as_bytes(wire).subspan(5));
  while (const auto field = reader.u8()) {
    const auto value = std::string(reader.cstring());
    if (field == 'C') told.sqlstate = value;
    if (field == 'M') told.message = value;
    if (field == 'D') told.detail = value;
    if (field == 'H') told.hint = value;
  }
  return told;
}

TEST(MessagesBackend, WhatTheDatabaseSaidIsPassedOnAsItsAnswer) {
  const auto error = told({.reason = Reason::server_login_failed,
                           .detail = "database \"x\" does not exist",
                           .sqlstate = "3D000",
                           .hint = "look"});
  EXPECT_EQ(error.sqlstate, "3D000");
  EXPECT_EQ(error.message,
            "the database refused the pooler's login: database \"x\" does not exist");
  EXPECT_EQ(error.detail, "The database answered with SQLSTATE 3D000.");
  EXPECT_EQ(error.hint, "look");
}

TEST(MessagesBackend, AWrongPasswordOfOursIsNotTheClients) {
  const auto error = told({.reason = Reason::server_login_failed, .sqlstate = "28P01"});
  EXPECT_EQ(error.sqlstate, info(Reason::server_login_failed).sqlstate);
  EXPECT_EQ(error.message, "the database refused the pooler's login");
  EXPECT_EQ(error.detail, "The database answered with SQLSTATE 28P01.");
}

TEST(MessagesBackend, WhatTheDatabaseDidNotSayIsToldByTheReason) {
  const auto error = told({.reason = Reason::connect_failed, .detail = "db:5432: refused"});
  EXPECT_EQ(error.sqlstate, info(Reason::connect_failed).sqlstate);
  EXPECT_EQ(error.message, std::string(info(Reason::connect_failed).text) + " (db:5432: refused)");
  EXPECT_EQ(error.detail + error.hint, "");
}

TEST(MessagesBackend, AZeroInAMessageCannotForgeAField) {
  const ErrorText error = {.sqlstate = "XX000", .message = "before\0C00000"s};
  const auto wire = written([&](auto& out) { write_error(out, error); });
  const auto fields = read_error(as_bytes(wire).subspan(5));
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->message, "before");
  EXPECT_EQ(fields->sqlstate, "XX000");
}

TEST(MessagesBackend, ProtocolTwoReadsALineAndAZero) {
  EXPECT_EQ(written([](auto& out) { write_error_for_protocol_2(out, "too old"); }),
            "EFATAL:  too old\n\0"s);
}

TEST(MessagesBackend, CompletionsAreBare) {
  EXPECT_EQ(written([](auto& out) { write_parse_complete(out); }), "1\0\0\0\x04"s);
  EXPECT_EQ(written([](auto& out) { write_close_complete(out); }), "3\0\0\0\x04"s);
  EXPECT_EQ(written([](auto& out) { write_empty_query_response(out); }), "I\0\0\0\x04"s);
  EXPECT_EQ(written([](auto& out) { write_command_complete(out, "SHOW"); }), "C\0\0\0\x09SHOW\0"s);
}

TEST(MessagesBackend, EachCellTypeIsAPostgresType) {
  using session::CellType;
  const session::Table table = {.columns = {{"t", CellType::text},
                                            {"i", CellType::int4},
                                            {"l", CellType::int8},
                                            {"n", CellType::numeric},
                                            {"b", CellType::boolean}}};
  const auto column = [](std::string name, std::string oid, std::string bytes) {
    return name + "\0"s + "\0\0\0\0"s + "\0\0"s + oid + bytes + "\xff\xff\xff\xff"s + "\0\0"s;
  };
  EXPECT_EQ(written([&](auto& out) { write_row_description(out, table); }),
            "T\0\0\0\x6a\0\x05"s + column("t", "\0\0\0\x19"s, "\xff\xff"s) +
                column("i", "\0\0\0\x17"s, "\0\x04"s) + column("l", "\0\0\0\x14"s, "\0\x08"s) +
                column("n", "\0\0\x06\xa4"s, "\xff\xff"s) + column("b", "\0\0\0\x10"s, "\0\x01"s));
}

TEST(MessagesBackend, RowsTellNullFromEmpty) {
  const session::Table table = {.columns = {{"a"}, {"b"}, {"c"}},
                                .rows = {{"x", std::nullopt, ""}, {"1", "2", "3"}}};
  EXPECT_EQ(written([&](auto& out) { write_data_rows(out, table); }),
            "D\0\0\0\x13\0\x03\0\0\0\x01x\xff\xff\xff\xff\0\0\0\0"s
            "D\0\0\0\x15\0\x03\0\0\0\x01"s
            "1\0\0\0\x01"s
            "2\0\0\0\x01"s
            "3"s);
}

TEST(MessagesBackend, WritersAppend) {
  EXPECT_EQ(written([](auto& out) {
              write_parse_complete(out);
              write_ready_for_query(out, 'T');
            }),
            "1\0\0\0\x04Z\0\0\0\x05T"s);
}

}  // namespace
}  // namespace tidegate::postgres
