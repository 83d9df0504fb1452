// A certificate that nobody vouches for, in files.
#pragma once

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>

#include "tests/unit/cli/temporary_folder.hpp"

namespace stt::node_test {

// For `localhost` and 127.0.0.1, from a minute ago for a day; it is its own authority.
class Certificate {
public:
    Certificate() {
        const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                      EVP_PKEY_free);
        const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
        REQUIRE((key && certificate));
        X509_set_version(certificate.get(), X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86'400);
        X509_NAME* const name = X509_get_subject_name(certificate.get());
        const unsigned char common_name[] = "localhost";
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
        X509_set_issuer_name(certificate.get(), name);
        X509_set_pubkey(certificate.get(), key.get());
        add(certificate.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
        add(certificate.get(), NID_basic_constraints, "CA:TRUE");
        REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
        write(certificate_file(),
              [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()); });
        write(key_file(), [&](std::FILE* file) {
            return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
    }
    std::string certificate_file() const { return folder_.path() / "certificate.pem"; }
    std::string key_file() const { return folder_.path() / "key.pem"; }

private:
    static void add(X509* certificate, int nid, const char* value) {
        X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
        REQUIRE(extension != nullptr);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
    template <class Write>
    static void write(const std::string& path, const Write& write_to) {
        const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"),
                                                                   std::fclose);
        REQUIRE(file);
        REQUIRE(write_to(file.get()) == 1);
    }

    cli::TemporaryFolder folder_;
};

}  // namespace stt::node_test
