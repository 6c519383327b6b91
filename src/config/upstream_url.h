// What a connection URL means for an upstream and for the pool in front of it.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/url.h"
#include "config/config.h"
#include "config/problems.h"

namespace tidegate::config {

// Host, user, password, database, TLS, timeouts and limits. The error completes "`url` ...".
std::expected<void, std::string> apply_url(Upstream& upstream, std::string_view text);

// The settings of a pool that stand in the URL: ?pool_size=10&pool_timeout=5s.
std::expected<void, std::string> apply_pool_words(Route& route, const Url& url);

// What the URL asks for and does not get, and what in it must be a mistake, each in one sentence.
// `pool_words_used`: whether apply_pool_words() was called for it.
void review_url(const Url& url, bool pool_words_used, const Place& place, Problems& problems);

}  // namespace tidegate::config
