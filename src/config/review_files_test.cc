// What a configuration points to, and what of it is damaged: said with its place, by whoever reads
// the configuration.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "config/fake_sources.h"
#include "config/load.h"
#include "net/test_certificates.h"

namespace tidegate::config {
namespace {

constexpr std::string_view kMain = "[upstream.main]\nurl = \"postgres://app:pw@db/shop\"\n";

// Files for real, in a folder of their own.
class ReviewFilesTest : public testing::Test {
 protected:
  ReviewFilesTest() {
    char name[] = "/tmp/tidegate_review_XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~ReviewFilesTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
  }
  // The problems of a file named `name`, without its folder.
  std::string problems(const std::string& text, const std::string& name = "t.toml") const {
    write(name, text);
    auto out = format(load_file(path(name), Sources::real()).problems);
    for (auto at = out.find(path("")); at != out.npos; at = out.find(path(""))) {
      out.erase(at, path("").size());
    }
    return out;
  }

  std::filesystem::path folder_;
};

TEST_F(ReviewFilesTest, AFileThatIsNotThereIsAnErrorWhereItIsNamed) {
  const std::string text =
      "[tls]\nsslmode = \"verify-ca\"\ncert_file = \"a.crt\"\nkey_file = "
      "\"a.key\"\nca_file = \"ca.crt\"\n" +
      std::string(kMain) + "sslmode = \"verify-full\"\ntls_ca_file = \"zz\"\n";
  EXPECT_EQ(problems(text),
            "t.toml:3:1: error: `cert_file`: `a.crt` cannot be read: No such file or directory\n"
            "t.toml:4:1: error: `key_file`: `a.key` cannot be read: No such file or directory\n"
            "t.toml:5:1: error: `ca_file`: `ca.crt` cannot be read: No such file or directory\n"
            "t.toml:9:1: error: `tls_ca_file`: `zz` cannot be read: No such file or directory\n");
}

TEST_F(ReviewFilesTest, EveryPlaceThatCannotBeListenedOnIsAnError) {
  const auto said = problems(
      "listen = [\"nowhere.invalid:6432\", \"127.0.0.1:6432\", \"192.0.2.7\", \"/no/folder\"]\n" +
      std::string(kMain));
  EXPECT_NE(said.find("t.toml:1:1: error: `listen`: cannot listen on `nowhere.invalid`: "),
            std::string::npos)
      << said;
  EXPECT_NE(said.find("t.toml:1:1: error: `listen`: cannot listen on `192.0.2.7`: Cannot assign "
                      "requested address\n"
                      "t.toml:1:1: error: `listen`: cannot listen on `/no/folder`: folder "
                      "`/no/folder`: No such file or directory\n"),
            std::string::npos)
      << said;
  EXPECT_EQ(std::ranges::count(said, '\n'), 3) << said;
}

TEST_F(ReviewFilesTest, PgBouncersWordsForWhereToListenAreNamed) {
  write("users.txt", "\"app\" \"secret\"\n");
  const auto said =
      problems("[databases]\na = host=h\n[pgbouncer]\nauth_file = " + path("users.txt") +
                   "\nlisten_addr = localhost, 192.0.2.7\nunix_socket_dir = /no/dir\n",
               "p.ini");
  EXPECT_EQ(said,
            "p.ini:5:15: error: `listen_addr`: cannot listen on `192.0.2.7`: Cannot assign "
            "requested address\n"
            "p.ini:6:19: error: `unix_socket_dir`: cannot listen on `/no/dir`: folder `/no/dir`: "
            "No such file or directory\n");
}

// The process listens there once.
TEST_F(ReviewFilesTest, AnAddressThatAddsNothingIsAWarning) {
  const auto listening_on = [&](const std::string& list) {
    return problems("listen = [" + list + "]\n" + std::string(kMain));
  };
  EXPECT_EQ(listening_on(R"("127.0.0.1:6432", "127.0.0.1:6432", "127.0.0.1:6433")"),
            "t.toml:1:1: warning: `listen`: `127.0.0.1:6432` stands there twice\n");
  EXPECT_EQ(listening_on(R"("127.0.0.1", "*:6432")"),
            "t.toml:1:1: warning: `listen`: `*:6432` has `127.0.0.1:6432`, too\n");
  EXPECT_EQ(listening_on(R"("*", "0.0.0.0")"),
            "t.toml:1:1: warning: `listen`: `*:6432` has `0.0.0.0:6432`, too\n");
  EXPECT_EQ(listening_on(R"("127.0.0.1:0", "127.0.0.1:0", "*:6432", "/tmp")"), "");
}

TEST_F(ReviewFilesTest, AFileOfAnotherKindIsAnError) {
  write("zz", "no certificate\n");
  const auto said =
      problems(std::string(kMain) + "sslmode = \"verify-full\"\ntls_ca_file = \"zz\"\n");
  EXPECT_TRUE(
      said.starts_with("t.toml:4:1: error: `tls_ca_file`: `zz` holds no certificate in PEM"))
      << said;
}

TEST_F(ReviewFilesTest, ACertificateThatIsOutOfDateIsAWarningWithTheDate) {
  const net::TestAuthority authority;
  const auto said_of = [&](const std::string& name, net::TestAuthority::Validity validity) {
    const auto files = authority.issue(name, "DNS:localhost", EVP_sha256(), validity);
    const auto names = "cert_file = \"" + files.cert_file + "\"\n";
    return problems("[tls]\nsslmode = \"allow\"\n" + names + "key_file = \"" + files.key_file +
                    "\"\n" + std::string(kMain));
  };
  constexpr long kDay = 24 * 3600;
  EXPECT_EQ(said_of("good", {-kDay, kDay}), "");
  const auto expired = said_of("old", {-2 * kDay, -kDay});
  EXPECT_TRUE(expired.starts_with("t.toml:3:1: warning: `cert_file`: ")) << expired;
  EXPECT_NE(expired.find("old.crt` expired on 20"), expired.npos) << expired;
  EXPECT_NE(expired.find(" UTC"), expired.npos) << expired;
  const auto early = said_of("new", {kDay, 2 * kDay});
  EXPECT_TRUE(early.starts_with("t.toml:3:1: warning: `cert_file`: ")) << early;
  EXPECT_NE(early.find("new.crt` is not valid before 20"), early.npos) << early;
}

TEST_F(ReviewFilesTest, FilesThatNobodyUsesAreNotLookedAt) {
  EXPECT_EQ(problems("[tls]\nsslmode = \"disable\"\ncert_file = \"a.crt\"\nkey_file = \"a.key\"\n" +
                     std::string(kMain) + "sslmode = \"disable\"\ntls_ca_file = \"zz\"\n"),
            "");
}

TEST_F(ReviewFilesTest, APidFileNeedsItsFolder) {
  EXPECT_EQ(
      problems("pid_file = \"run/tidegate.pid\"\n" + std::string(kMain)),
      "t.toml:1:1: error: `pid_file`: `run/tidegate.pid` cannot be made in the folder `run`: No "
      "such file or directory\n");
  std::filesystem::create_directory(path("run"));
  EXPECT_EQ(problems("pid_file = \"run/tidegate.pid\"\n" + std::string(kMain)), "");
}

TEST_F(ReviewFilesTest, ALogFileNeedsItsFolder) {
  const std::string text = std::string(kMain) + "[log]\nfile = \"log/x.log\"\n";
  EXPECT_EQ(problems(text),
            "t.toml:4:1: warning: `file`: `log/x.log` cannot be made in the folder `log`: No such "
            "file or directory: the log goes to standard error\n");
  std::filesystem::create_directories(path("log/x.log"));
  EXPECT_EQ(
      problems(text),
      "t.toml:4:1: warning: `file`: `log/x.log` is a folder: the log goes to standard error\n");
  const std::string ini =
      "[databases]\na = host=h user=u password=p\n[pgbouncer]\nauth_type = any\n";
  EXPECT_NE(problems(ini + "logfile = " + path("log/x.log") + "\n", "p.ini")
                .find("p.ini:5:11: warning: `logfile`: `log/x.log` is a folder"),
            std::string::npos);
  std::filesystem::remove(path("log/x.log"));
  EXPECT_EQ(problems(text), "");
}

TEST_F(ReviewFilesTest, AnIniHearsItsOwnNames) {
  write("users.txt", "\"u\" \"p\"\n");
  EXPECT_EQ(problems("[databases]\na = host=h user=u password=p\nb = host=g user=u password=p\n"
                     "[pgbouncer]\nauth_file = " +
                         path("users.txt") + "\npidfile = " + path("run/x.pid") +
                         "\nserver_tls_sslmode = verify-ca\n" +
                         "server_tls_ca_file = " + path("zz") + "\n",
                     "p.ini"),
            "p.ini:6:11: error: `pidfile`: `run/x.pid` cannot be made in the folder `run`: No such "
            "file or directory\n"
            "p.ini:8:22: error: `server_tls_ca_file`: `zz` cannot be read: No such file or "
            "directory\n")
      << "once, although there are two upstreams";
}

TEST_F(ReviewFilesTest, TheUrlAloneHearsItToo) {
  const auto loaded = load_upstream_url(
      "postgres://u:p@h/d?sslmode=verify-full&sslrootcert=" + path("zz"), Sources::real());
  EXPECT_EQ(format(loaded.problems), "error: `tls_ca_file`: `" + path("zz") +
                                         "` cannot be read: No such file or directory\n");
}

TEST_F(ReviewFilesTest, ADamagedScramKeyIsAnErrorWhereItIsWritten) {
  const std::string user = std::string(kMain) + "[user.ann]\npassword = \"SCRAM-SHA-256$";
  EXPECT_EQ(
      problems(user + "4096:QUJD$x:y\"\n"),
      "t.toml:4:1: error: the SCRAM key of user `ann` is damaged: copy it whole from "
      "pg_authid.rolpassword (SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY), or write the "
      "password\n");
  const std::string zeros(43, 'A');
  const auto keys = ":QUJD$" + zeros + "=:" + zeros + "=\"\n";
  EXPECT_NE(problems(user + "4000000" + keys).find("asks for more than 1000000 iterations"),
            std::string::npos);
  EXPECT_EQ(problems(user + "4096" + keys).find("error"), std::string::npos);
}

TEST_F(ReviewFilesTest, ADamagedScramKeyOfAnAuthFileKeepsOnlyItsUserOut) {
  write("users.txt", "\"ann\" \"secret\"\n\"bob\" \"SCRAM-SHA-256$4096:x$y:z\"\n");
  const auto said = problems("[auth]\nfile = \"users.txt\"\n" + std::string(kMain));
  EXPECT_TRUE(said.starts_with("users.txt:2:1: warning: the SCRAM key of user `bob` is damaged"))
      << said;
  EXPECT_EQ(said.find("error"), std::string::npos) << said;
}

}  // namespace
}  // namespace tidegate::config
