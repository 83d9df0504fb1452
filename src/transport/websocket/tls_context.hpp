// Certificates and who is trusted.
#pragma once

#include <asio/ssl/context.hpp>
#include <memory>
#include <string>
#include <stt/result.hpp>
#include <system_error>

namespace stt::transport {

// TLS 1.2 at the least. The files are PEM: the certificate with those that lead to its root, and
// its key, without a passphrase. Errors are the system's or OpenSSL's, with text for people.
Result<std::shared_ptr<asio::ssl::context>, std::error_code> make_server_context(
    const std::string& certificate_file, const std::string& key_file);

struct TlsTrust {
    std::string authorities_file;  // PEM; empty: the system's
    bool verifies = true;          // false: any certificate will do
};
Result<std::shared_ptr<asio::ssl::context>, std::error_code> make_client_context(
    const TlsTrust& trust);

}  // namespace stt::transport
