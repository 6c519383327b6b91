// A key and a certificate of its own making, for a listener that was given none.
#pragma once

#include <string>

#include "net/tls_context.h"

namespace tidegate::net {

// ECDSA on P-256. Null when OpenSSL fails; its queue says why.
KeyPtr make_p256_key();
CertificatePtr make_self_signed(EVP_PKEY& key, const std::string& common_name);

}  // namespace tidegate::net
