// What follows from what was written: the last step of reading any configuration.
#pragma once

#include <map>
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
  bool has(const std::string& name) const { return places_.contains(name); }

 private:
  std::string file_;
  std::map<std::string, Place> places_;
};

// Adds the users of config.auth_file. One that is written out in the configuration stays as it is.
void add_auth_file(Config& config, const Sources& sources, const Place& place, Problems& problems);

// Fills in what is implied: a place to listen, how TLS verifies, parameters of an upstream in its
// routes.
void complete(Config& config);

// Contradictions: errors for what cannot work, warnings that say why for what probably should not
// be so.
void review(const Config& config, const Places& places, Problems& problems);

}  // namespace tidegate::config
