// Looks at what a configuration points to: files and addresses that are only used when the process
// starts to serve. Whoever checks a configuration wants to hear of them then, and not from a
// process that ends.
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "auth/md5.h"
#include "auth/scram.h"
#include "config/complete.h"
#include "config/settings.h"
#include "config/types.h"
#include "net/listen_names.h"

namespace tidegate::config {
namespace {

class FileReview {
 public:
  FileReview(const Places& places, const Sources& sources, Problems& problems, bool ini)
      : places_(places), sources_(sources), problems_(problems), ini_(ini) {}

  void review_listen(const Config& config) {
    if (!sources_.listen_addresses) return;
    std::vector<net::Address> all;
    std::vector<const Listen*> owners;
    for (const auto& listen : config.listen) {
      const auto found = sources_.listen_addresses(listen);
      if (!found) {
        problems_.error(place_of(listen), fmt::format("`{}`: {}", label(listen), found.error()));
        continue;
      }
      all.insert(all.end(), found->begin(), found->end());
      owners.resize(all.size(), &listen);
    }
    for (const auto& listen : config.listen) warn_if_needless(listen, all, owners);
  }

  void review_pid_file(const Config& config) {
    if (config.pid_file.empty() || !sources_.may_write) return;
    const auto writable = sources_.may_write(config.pid_file);
    if (writable) return;
    problems_.error(places_.find("pid_file"),
                    fmt::format("`{}`: `{}` {}", label(process_settings(), "pid_file"),
                                config.pid_file, writable.error()));
  }

  // The process starts without it, and writes to standard error.
  void review_log_file(const Config& config) {
    if (config.log_file.empty() || !sources_.may_write) return;
    const auto writable = sources_.may_write(config.log_file);
    if (writable) return;
    problems_.warning(
        places_.find("log.file"),
        fmt::format("`{}`: `{}` {}: the log goes to standard error", label(log_settings(), "file"),
                    config.log_file, writable.error()));
  }

  void review_client_tls(const Config& config) {
    const auto& tls = config.client_tls;
    const bool used = config.client_ssl_mode != net::SslMode::disable && !tls.cert_file.empty();
    if (used) review_tls(tls_settings(), tls, "tls.", "");
  }

  // Upstreams of one section of a pgbouncer.ini have all the same files: once is enough.
  void review_upstream(const Upstream& upstream) {
    if (upstream.ssl_mode <= net::SslMode::allow) return;
    if (std::ranges::find(seen_, upstream.tls) != seen_.end()) return;
    seen_.push_back(upstream.tls);
    review_tls(upstream_settings(), upstream.tls, "upstream." + upstream.name + ".", "tls_");
  }

 private:
  static bool is_unix(const Listen& listen) {
    return listen.host.starts_with('/') || listen.host.starts_with('@');
  }
  Place place_of(const Listen& listen) const {
    return places_.find(ini_ && is_unix(listen) ? "listen.unix" : "listen");
  }
  std::string_view label(const Listen& listen) const {
    return !ini_ ? "listen" : is_unix(listen) ? "unix_socket_dir" : "listen_addr";
  }

  // The process listens on each address once. Of a name's addresses one may be listened on anyway,
  // and the next not.
  void warn_if_needless(const Listen& listen, const std::vector<net::Address>& all,
                        const std::vector<const Listen*>& owners) {
    const Listen* other = nullptr;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (owners[i] != &listen) continue;
      const auto wide = net::included_in(all, i);
      if (!wide) return;
      other = owners[*wide];
    }
    if (other == nullptr) return;
    const auto text = print_listen(listen), wide = print_listen(*other);
    problems_.warning(place_of(listen),
                      fmt::format("`{}`: {}", label(listen),
                                  text == wide ? fmt::format("`{}` stands there twice", text)
                                               : fmt::format("`{}` has `{}`, too", wide, text)));
  }

  template <typename Owner>
  std::string label(const Table<Owner>& table, const std::string& name) const {
    const auto* setting = table.find(name);
    const bool has_ini_name = setting != nullptr && !setting->ini_name.empty();
    return ini_ && has_ini_name ? std::string(setting->ini_name) : name;
  }

  template <typename Owner>
  void review_tls(const Table<Owner>& table, const net::TlsSettings& tls, const std::string& where,
                  const std::string& prefix) {
    if (!sources_.check_tls || tls.cert_file.empty() != tls.key_file.empty()) return;
    for (const auto& trouble : sources_.check_tls(tls, prefix.empty())) {
      const bool was_said = trouble.setting == "ca_file" && tls.ca_file.empty();
      if (was_said) continue;
      const auto name = prefix + std::string(trouble.setting);
      const auto place = places_.find(where + name);
      auto text = fmt::format("`{}`: {}", label(table, name), trouble.text);
      if (trouble.usable) {
        problems_.warning(place, std::move(text));
      } else {
        problems_.error(place, std::move(text));
      }
    }
  }

  const Places& places_;
  const Sources& sources_;
  Problems& problems_;
  bool ini_;
  std::vector<net::TlsSettings> seen_;
};

}  // namespace

void review_files(const Config& config, const Places& places, const Sources& sources,
                  Problems& problems, bool ini) {
  FileReview files(places, sources, problems, ini);
  files.review_listen(config);
  files.review_pid_file(config);
  files.review_log_file(config);
  files.review_client_tls(config);
  for (const auto& upstream : config.upstreams) files.review_upstream(upstream);
}

std::optional<std::string> damage_of(const User& user) {
  if (auth::secret_form(user.secret) != auth::SecretForm::scram) return std::nullopt;
  const auto parsed = auth::ScramVerifier::parse(user.secret);
  if (parsed) return std::nullopt;
  const auto why = parsed.error() == auth::ScramError::too_expensive
                       ? fmt::format("asks for more than {} iterations", auth::kIterationsMax)
                       : "is damaged";
  return fmt::format(
      "the SCRAM key of user `{}` {}: copy it whole from pg_authid.rolpassword "
      "(SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY), or write the password",
      user.name, why);
}

}  // namespace tidegate::config
