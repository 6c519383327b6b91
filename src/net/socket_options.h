// What sockets are told, and what their errors mean.
#pragma once

#include <string>

#include "net/address.h"
#include "net/reactor.h"

namespace tidegate::net {

// TCP_NODELAY, keepalive and TCP_USER_TIMEOUT; nothing on a unix socket. Set on a listener, Linux
// hands them on to every accepted socket.
void apply_tcp_options(int fd, const ConnectOptions& options);

// For a listener: a connection is accepted once its first bytes are there, or a second has passed.
void set_defer_accept(int fd);

Address local_address_of(int fd);
Address peer_address_of(int fd);

// Takes the error that waits on the socket, 0 if none.
int pending_error(int fd);
CloseReason close_reason_of(int error, bool connecting);
std::string describe_error(int error);

}  // namespace tidegate::net
