// Checks stay on in release. TG_CHECK is for the invariants of the whole process (accounting,
// memory): when one is broken nothing can be trusted, so it prints the last events and aborts.
// A broken conversation is not a check: it costs one session and is an ordinary Reason.
#pragma once

namespace tidegate {

[[noreturn]] void check_failed(const char* expression, const char* file, int line);

// Called by check_failed before it aborts, on the thread that failed: it must neither lock nor
// allocate. main has it print the last events (last_events.h). Null: nothing.
using LastWords = void (*)(const void* context);
void set_last_words(LastWords last_words, const void* context);

}  // namespace tidegate

#define TG_CHECK(expression) \
  ((expression) ? static_cast<void>(0) : ::tidegate::check_failed(#expression, __FILE__, __LINE__))
