// Collects what is wrong with one configuration while it is read.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/load.h"

namespace tidegate::config {

// Where something stands; line and column count from 1, 0 means no particular place.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};

class Problems {
 public:
  void error(const Place& place, std::string text) { add(Severity::error, place, std::move(text)); }
  void warning(const Place& place, std::string text) {
    add(Severity::warning, place, std::move(text));
  }
  void add(Problem problem) { problems_.push_back(std::move(problem)); }
  std::size_t errors() const;  // how many there are so far
  bool any_error() const { return errors() > 0; }
  // In the order of the file; what has no place comes last.
  std::vector<Problem> sorted() const;

 private:
  void add(Severity severity, const Place& place, std::string text) {
    problems_.push_back({severity, place.file, place.line, place.column, std::move(text)});
  }

  std::vector<Problem> problems_;
};

}  // namespace tidegate::config
