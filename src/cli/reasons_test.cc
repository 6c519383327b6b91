#include "cli/reasons.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace tidegate::cli {
namespace {

TEST(Manual, docs_reasons_md_is_what_the_table_says) {
  const std::ifstream file(TIDEGATE_SOURCE_DIR "/docs/reasons.md");
  std::stringstream content;
  content << file.rdbuf();
  EXPECT_TRUE(content.str() == manual_of_reasons())
      << "print it anew: tidegate reasons > docs/reasons.md";
}

}  // namespace
}  // namespace tidegate::cli
