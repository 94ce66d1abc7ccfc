#include "tls_server.hpp"

#include <httplib.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace chat::testing {
namespace {

using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using certificate_ptr = std::unique_ptr<X509, decltype(&X509_free)>;

key_ptr make_key() {
    key_ptr key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    if (!key) throw std::runtime_error("no key");
    return key;
}

certificate_ptr make_certificate(EVP_PKEY* key) {
    certificate_ptr certificate(X509_new(), &X509_free);
    X509* const x509 = certificate.get();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key);
    X509_NAME* const name = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<unsigned char const*>("localhost"), -1, -1,
                               0);
    X509_set_issuer_name(x509, name);
    X509_EXTENSION* const alternative = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(x509, alternative, -1);
    X509_EXTENSION_free(alternative);
    if (X509_sign(x509, key, EVP_sha256()) == 0) throw std::runtime_error("no certificate");
    return certificate;
}

std::string write_pem(X509* certificate) {
    char path[] = "/tmp/coir-test-XXXXXX";
    int const fd = mkstemp(path);
    std::FILE* const file = fd < 0 ? nullptr : fdopen(fd, "w");
    if (file == nullptr) throw std::runtime_error("no temporary file");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    return path;
}

} // namespace

struct tls_server::state {
    state() : server(certificate.get(), key.get()) {
        server.Post("/", [this](httplib::Request const&, httplib::Response& response) {
            ++requests;
            response.set_content("fine", "text/plain");
        });
        port = server.bind_to_any_port("127.0.0.1");
        thread = std::thread([this] { server.listen_after_bind(); });
        while (!server.is_running())
            std::this_thread::yield();
    }

    ~state() {
        server.stop();
        thread.join();
        unlink(file.c_str());
    }

    key_ptr key = make_key();
    certificate_ptr certificate = make_certificate(key.get());
    std::string file = write_pem(certificate.get());
    std::atomic<std::size_t> requests{0};
    httplib::SSLServer server;
    int port = 0;
    std::thread thread;
};

tls_server::tls_server() : state_(std::make_unique<state>()) {}
tls_server::~tls_server() = default;
int tls_server::port() const noexcept { return state_->port; }
std::string tls_server::certificate_file() const { return state_->file; }
std::size_t tls_server::requests() const noexcept { return state_->requests; }

} // namespace chat::testing
