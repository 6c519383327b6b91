// Telling others that the service is ready, or stopping: systemd's notification socket, and a file
// for scripts that start us on a free port.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::cli {

// One datagram to $NOTIFY_SOCKET ("READY=1", "STOPPING=1"); nothing when it is not set.
void notify_systemd(std::string_view state);
// The addresses, one per line, in a file that appears whole or not at all. False: errno says why.
bool write_ready_file(const std::string& path, const std::vector<std::string>& addresses);

}  // namespace tidegate::cli
