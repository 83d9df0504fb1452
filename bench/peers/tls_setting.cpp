#include "bench/peers/tls_setting.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdio>

#include "bench/harness/two_ends.hpp"

namespace stt::bench {
namespace {

constexpr long certificate_seconds = 86'400;
constexpr const char* server_name = "bench.invalid";

// The context takes references of its own.
void make_certificate(SSL_CTX* context) {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    if (key == nullptr || certificate == nullptr) give_up_tls("no certificate");
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_set_version(certificate, 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), certificate_seconds);
    X509_set_pubkey(certificate, key);
    X509_NAME* const name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(server_name), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    if (X509_sign(certificate, key, EVP_sha256()) == 0 ||
        SSL_CTX_use_certificate(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, key) != 1) {
        give_up_tls("no certificate");
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
}

TlsContext context_of(const SSL_METHOD* method, const std::string& cipher) {
    TlsContext context(SSL_CTX_new(method));
    if (!context) give_up_tls("no context");
    if (!cipher.empty() && SSL_CTX_set_ciphersuites(context.get(), cipher.c_str()) != 1) {
        give_up_tls("no such cipher: " + cipher);
    }
    // Many records with one call of the system.
    SSL_CTX_set_read_ahead(context.get(), 1);
    SSL_CTX_set_mode(context.get(), SSL_MODE_AUTO_RETRY);
    return context;
}

}  // namespace

TlsContext server_context(const SSL_METHOD* method, const std::string& cipher) {
    TlsContext context = context_of(method, cipher);
    make_certificate(context.get());
    return context;
}

TlsContext client_context(const SSL_METHOD* method, const std::string& cipher,
                          SSL_CTX* server_context) {
    TlsContext context = context_of(method, cipher);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()),
                        SSL_CTX_get0_certificate(server_context));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    return context;
}

void give_up_tls(const std::string& what) {
    ERR_print_errors_fp(stderr);
    give_up(what);
}

}  // namespace stt::bench
