#!/bin/sh
# A pure library asks nobody for sockets, clocks, threads or randomness: none of these symbols may
# be undefined in it. Usage: purity.sh LIBRARY
set -eu
library=$1
banned='socket|connect|accept4?|send|sendto|sendmsg|recv|recvfrom|recvmsg|read|write|writev|poll|epoll_[a-z_0-9]+|open|open64|fopen|fopen64|clock_gettime|gettimeofday|time|nanosleep|usleep|getrandom|getentropy|rand|random|arc4random|pthread_[a-z_]+|RAND_[a-z_]+|EVP_PKEY_keygen|EVP_PKEY_generate|_ZNSt6chrono3_V2[a-z0-9_]*3nowEv|_ZNSt13random_device.*|_ZNSt6thread.*|getaddrinfo|fork|execve?'
found=$(nm -u "$library" 2>/dev/null | awk '{print $NF}' | sed 's/@.*//' | grep -xE "$banned" | sort -u || true)
if [ -n "$found" ]; then
  echo "$library must be pure, and asks for:" >&2
  echo "$found" >&2
  exit 1
fi
echo "$library is pure"
