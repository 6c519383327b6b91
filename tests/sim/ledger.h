// The book of a run: what was done in the databases, what the clients were promised, and every
// finding. At the end the two columns must agree.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/sim_session.h"

namespace tidegate::sim {

class Ledger final : public Witness {
 public:
  // From the databases.
  void executed(const std::string& tag) override;
  void committed(const std::string& mark) override { ++marks_[mark].committed; }

  // From the clients: a mark whose commit was confirmed; one whose fate the client cannot know.
  void promised(const std::string& mark) { marks_[mark].promised = true; }
  void uncertain(const std::string& mark) { marks_[mark].uncertain = true; }

  void finding(std::string text);
  const std::vector<std::string>& findings() const { return findings_; }

  // Compares the columns; findings for what does not agree.
  void close();
  std::size_t mark_count() const { return marks_.size(); }

 private:
  struct Mark {
    int committed = 0;
    bool promised = false;
    bool uncertain = false;
  };
  std::map<std::string, Mark> marks_;
  std::map<std::string, int> executions_;
  std::map<std::string, long> last_number_;  // by connection: what it ran last
  std::vector<std::string> findings_;
};

// "tag:<client>.<connection>:<number>". Shared statements ("tag:shared:...") are not followed.
std::string make_tag(int client, int connection, long number);

}  // namespace tidegate::sim
