#include <transport/websocket/tls_context.hpp>

namespace stt::transport {
namespace {

std::shared_ptr<asio::ssl::context> make_context(asio::ssl::context::method method) {
    auto context = std::make_shared<asio::ssl::context>(method);
    context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                         asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                         asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression);
    // Else OpenSSL would ask a terminal.
    context->set_password_callback(
        [](std::size_t, asio::ssl::context::password_purpose) { return std::string(); });
    return context;
}

}  // namespace

Result<std::shared_ptr<asio::ssl::context>, std::error_code> make_server_context(
    const std::string& certificate_file, const std::string& key_file) {
    auto context = make_context(asio::ssl::context::tls_server);
    std::error_code error;
    context->use_certificate_chain_file(certificate_file, error);
    if (error) return Unexpected(error);
    context->use_private_key_file(key_file, asio::ssl::context::pem, error);
    if (error) return Unexpected(error);
    return context;
}

Result<std::shared_ptr<asio::ssl::context>, std::error_code> make_client_context(
    const TlsTrust& trust) {
    auto context = make_context(asio::ssl::context::tls_client);
    std::error_code error;
    if (trust.authorities_file.empty()) {
        context->set_default_verify_paths(error);
    } else {
        context->load_verify_file(trust.authorities_file, error);
    }
    if (error) return Unexpected(error);
    context->set_verify_mode(trust.verifies ? asio::ssl::verify_peer : asio::ssl::verify_none);
    return context;
}

}  // namespace stt::transport
