// What follows from what was written: the last step of reading any configuration.
#pragma once

#include <map>
#include <set>
#include <string>

#include "config/config.h"
#include "config/load.h"
#include "config/problems.h"

namespace tidegate::config {

// Where each thing was written, by its full name: "listen", "upstream.main.budget", "route.app".
class Places {
 public:
  explicit Places(std::string file) : file_(std::move(file)) {}
  void set(const std::string& name, Place place) { places_[name] = std::move(place); }
  // The place of the name, else of what it belongs to ("route.app" for "route.app.pool_size").
  Place find(std::string name) const;
  // Something in that section ("upstream.main") is wrong and was said: what it seems to lack may be
  // just that. A section that nobody knows may have been meant for any.
  void spoil(const std::string& section) { spoiled_.insert(section); }
  bool spoiled(const std::string& section) const { return spoiled_.contains(section); }

 private:
  std::string file_;
  std::map<std::string, Place> places_;
  std::set<std::string> spoiled_;
};

// Adds the users of config.auth_file. One that is written out in the configuration stays as it is.
void add_auth_file(Config& config, const Sources& sources, const Place& place, Problems& problems);

// Fills in what is implied: a place to listen, how TLS verifies, parameters of an upstream in its
// routes.
void complete(Config& config);

// Contradictions: errors for what cannot work, warnings that say why for what probably should not
// be so. `ini`: it was PgBouncer's, which starts with less.
void review(const Config& config, const Places& places, Problems& problems, bool ini = false);

// What can be seen of what is used later: addresses, certificates, keys, the pid_file. `ini`:
// settings have PgBouncer's names.
void review_files(const Config& config, const Places& places, const Sources& sources,
                  Problems& problems, bool ini = false);

// What is wrong with a stored SCRAM key, and what it should be; nothing when it is none, or well.
std::optional<std::string> damage_of(const User& user);

}  // namespace tidegate::config
