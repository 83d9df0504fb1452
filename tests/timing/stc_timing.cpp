// Spec stc "Code that handles keys": "valgrind's memcheck with the keys marked undefined shows
// no branch or index on a secret". To be run under valgrind; see CMakeLists.txt.
#include <valgrind/memcheck.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "stc/context.hpp"
#include "stc/dsf_backend.hpp"
#include "stc/pcf.hpp"
#include "stc/permutation/backend.hpp"
#include "stc/phe.hpp"

namespace {

using namespace stt;
using namespace stt::stc;

using Buffer = std::vector<std::uint8_t>;

void make_secret(Bytes bytes) {
    (void)VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size());
}
void make_public(Bytes bytes) {
    (void)VALGRIND_MAKE_MEM_DEFINED(bytes.data(), bytes.size());
}

// True when memcheck still takes the bytes for secret: if not, nothing was watched.
bool is_secret(Bytes bytes) {
    Buffer undefined_bits(bytes.size());
    (void)VALGRIND_GET_VBITS(bytes.data(), undefined_bits.data(), bytes.size());
    for (const std::uint8_t bits : undefined_bits) {
        if (bits != 0) return true;
    }
    return false;
}

int failure_count = 0;

void expect(bool is_true, const char* what, const char* where) {
    if (is_true) return;
    std::fprintf(stderr, "stc_timing: %s: not so: %s\n", where, what);
    ++failure_count;
}

Key secret_key() {
    Key key;
    key.mutable_bytes()[3] = 7;
    make_secret(key.bytes());
    return key;
}

constexpr std::size_t job_count = 11;

// Frames of odd lengths: whole blocks, tails, none at all, and enough of them for every kernel.
struct Frames {
    explicit Frames(std::size_t tag_size) {
        for (std::size_t i = 0; i < job_count; ++i) {
            data.emplace_back(i == 4 ? 0 : 160 * (i % 3) + 17 * i, std::uint8_t{0x11});
            make_secret(data.back());
            tags.emplace_back(tag_size);
        }
    }
    std::vector<Buffer> data;
    std::vector<Buffer> tags;
    Buffer prefix = Buffer(200, 0x22);
};

void watch_fold_and_unfold(const Backend& backend, std::size_t tag_size) {
    const FoldKey key{secret_key()};
    Frames frames{tag_size};
    std::vector<FoldJob> jobs;
    std::vector<UnfoldJob> back;
    for (std::size_t i = 0; i < job_count; ++i) {
        const std::array<Bytes, 2> associated_data = {Bytes{frames.prefix}.first(20 * i),
                                                      Bytes{frames.prefix}.first(9)};
        jobs.push_back({&key, associated_data, frames.data[i], frames.tags[i]});
        back.push_back({&key, associated_data, frames.data[i], frames.tags[i]});
    }
    fold_many(backend, jobs);
    expect(is_secret(frames.data[1]) && is_secret(frames.tags[4]), "fold is watched", backend.name);
    // One does not open: that path is watched too.
    frames.tags[2][0] ^= 1;
    unfold_many(backend, back);
    for (std::size_t i = 0; i < job_count; ++i) {
        expect(is_secret(Bytes{reinterpret_cast<std::uint8_t*>(&back[i].is_opened), 1}),
               "unfold is watched", backend.name);
        make_public({reinterpret_cast<std::uint8_t*>(&back[i].is_opened), 1});
        make_public(frames.data[i]);
        expect(back[i].is_opened == (i != 2), "what was folded opens", backend.name);
        const Buffer expected(frames.data[i].size(), i == 2 ? 0x00 : 0x11);
        expect(frames.data[i] == expected, "and gives the plaintext", backend.name);
    }
}

void watch_derivations() {
    const DerivationKey key{secret_key()};
    const DerivationKey other{secret_key()};
    Buffer output(300);
    key.derive({}, output);
    expect(is_secret(output), "derive is watched", "CKE");
    std::array<const DerivationKey*, 9> keys;
    keys.fill(&key);
    keys[4] = &other;
    Buffer many(9 * 8);
    DerivationKey::derive_many(keys, {}, many);
    expect(is_secret(many), "derive_many is watched", "CKE");
    const std::array<std::uint8_t, 32> nonce{};
    expect(is_secret(rotate(secret_key(), nonce, 1).bytes()), "rotate is watched", "PCF");
    Buffer data(1000);
    make_secret(data);
    Buffer digest_output(32);
    keyed_digest(secret_key().bytes(), data, {}, digest_output);
    expect(is_secret(digest_output), "keyed_digest is watched", "PHE");
}

void watch_context() {
    Buffer seed(40);
    make_secret(seed);
    const auto context = Context::create(seed);
    const std::array<std::uint8_t, nonce_size> nonce{};
    Buffer data(333);
    make_secret(data);
    const Metadata metadata = context->encrypt(data, {}, nonce);
    expect(is_secret(data), "encrypt is watched", "Context");
    bool is_opened = context->decrypt(data, {}, metadata);
    make_public({reinterpret_cast<std::uint8_t*>(&is_opened), 1});
    expect(is_opened, "what was encrypted decrypts", "Context");
    expect(is_secret(context->seed_hint(nonce)), "seed_hint is watched", "Context");
}

void watch_comparison() {
    for (const std::size_t size : {16u, 32u, 5u}) {
        Buffer a(size);
        Buffer b(size);
        make_secret(a);
        bool is_equal = equal_constant_time(a, b);
        expect(is_secret({reinterpret_cast<std::uint8_t*>(&is_equal), 1}), "it is watched",
               "equal_constant_time");
        make_public({reinterpret_cast<std::uint8_t*>(&is_equal), 1});
        expect(is_equal, "equal bytes are equal", "equal_constant_time");
    }
}

// What the watch must see.
void leak_branch() {
    const Key key = secret_key();
    if ((key.bytes()[0] & 1) != 0) std::puts("odd");
}
void leak_address() {
    const Key key = secret_key();
    std::array<volatile std::uint64_t, 256> table{};
    if (table[key.bytes()[0]] == 1) std::puts("one");
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (RUNNING_ON_VALGRIND == 0) {
        std::fputs("stc_timing: shows something only under valgrind\n", stderr);
        return 2;
    }
    const std::string_view leak = argument_count > 1 ? arguments[1] : "";
    if (leak == "leaking_branch") leak_branch();
    if (leak == "leaking_address") leak_address();
    if (!leak.empty()) return 0;
    for (const Backend& backend : available_backends()) {
        watch_fold_and_unfold(backend, 16);
        watch_fold_and_unfold(backend, 32);
        std::printf("watched: %s\n", backend.name);
    }
    watch_derivations();
    watch_context();
    watch_comparison();
    return failure_count == 0 ? 0 : 1;
}
