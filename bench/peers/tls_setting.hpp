// OpenSSL, set up as its users do, for the peers that speak TLS and DTLS.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "bench/harness/arguments.hpp"

namespace stt::bench {

struct Free {
    void operator()(SSL* object) const noexcept { SSL_free(object); }
    void operator()(SSL_CTX* object) const noexcept { SSL_CTX_free(object); }
};
using TlsContext = std::unique_ptr<SSL_CTX, Free>;
using Tls = std::unique_ptr<SSL, Free>;

// With a certificate of an ECDSA key on P-256, made for the run: TLS_server_method() of TLS 1.3,
// or DTLS_server_method(). `cipher` is a ciphersuite of TLS 1.3, and ignored for DTLS.
TlsContext server_context(const SSL_METHOD* method, const std::string& cipher);
// Takes that certificate as the one root.
TlsContext client_context(const SSL_METHOD* method, const std::string& cipher,
                          SSL_CTX* server_context);

// Ends the program, telling OpenSSL's errors.
[[noreturn]] void give_up_tls(const std::string& what);

}  // namespace stt::bench
