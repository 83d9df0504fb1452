#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "samples.hpp"
#include "stc/dsf_backend.hpp"
#include "stc/permutation/backend.hpp"
#include "stc/permutation/reference.hpp"

using namespace stt;
using namespace stt::stc;
using namespace stt::stc::test;

namespace {

// Plaintexts, A and keys of a batch, and what the reference makes of them one by one.
struct Case {
    FoldKey key;
    Buffer associated_data;
    std::size_t split;
    Buffer plain;
    Buffer cipher;
    Buffer tag;

    std::array<Bytes, 2> pieces() const {
        return {Bytes{associated_data}.first(split), Bytes{associated_data}.subspan(split)};
    }
};

Case make_case(Samples& samples, std::size_t size, std::size_t associated_data_size,
               std::size_t split) {
    const Buffer key = samples.bytes(32);
    Case made{.key = FoldKey{Key{std::span<const std::uint8_t, 32>{key.data(), 32}}},
              .associated_data = samples.bytes(associated_data_size),
              .split = split,
              .plain = samples.bytes(size),
              .cipher = {},
              .tag = Buffer(samples.number(0, 1) == 0 ? 16 : 32)};
    made.cipher = made.plain;
    FoldJob job{&made.key, {made.associated_data, {}}, made.cipher, made.tag};
    fold_many(permutation::reference_backend, std::span{&job, 1});
    return made;
}

void check_batch(const Backend& backend, const std::vector<Case>& cases) {
    CAPTURE(std::string(backend.name));
    std::vector<Buffer> data;
    std::vector<Buffer> tags;
    for (const Case& one : cases) {
        data.push_back(one.plain);
        tags.emplace_back(one.tag.size());
    }
    std::vector<FoldJob> jobs;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        jobs.push_back({&cases[i].key, cases[i].pieces(), data[i], tags[i]});
    }
    fold_many(backend, jobs);
    for (std::size_t i = 0; i < cases.size(); ++i) {
        CHECK(data[i] == cases[i].cipher);
        CHECK(tags[i] == cases[i].tag);
    }
    // Every third does not open.
    std::vector<UnfoldJob> back;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        if (i % 3 == 2) tags[i][i % tags[i].size()] ^= 1;
        back.push_back({&cases[i].key, cases[i].pieces(), data[i], tags[i]});
        // An old outcome must not stand.
        back.back().is_opened = i % 2 == 0;
    }
    unfold_many(backend, back);
    for (std::size_t i = 0; i < cases.size(); ++i) {
        CHECK(back[i].is_opened == (i % 3 != 2));
        CHECK(data[i] == (i % 3 != 2 ? cases[i].plain : Buffer(cases[i].plain.size())));
    }
}

void check_batch_everywhere(const std::vector<Case>& cases) {
    for (const Backend& backend : available_backends()) check_batch(backend, cases);
}

}  // namespace

TEST_CASE("stc DSF (d): a batch gives the same bytes as one by one, for ragged lengths") {
    Samples samples{10};
    for (std::size_t count = 0; count <= 20; ++count) {
        for (int repeat = 0; repeat < 6; ++repeat) {
            std::vector<Case> cases;
            for (std::size_t i = 0; i < count; ++i) {
                const std::size_t associated_data_size = samples.number(1, 400);
                cases.push_back(make_case(samples, samples.number(0, 2000), associated_data_size,
                                          samples.number(0, associated_data_size)));
            }
            check_batch_everywhere(cases);
        }
    }
}

TEST_CASE("stc DSF (d): a batch of like lengths gives the same bytes, for every length of a tail") {
    Samples samples{11};
    for (std::size_t size = 0; size <= 330; ++size) {
        std::vector<Case> cases;
        for (std::size_t i = 0; i < 9; ++i) cases.push_back(make_case(samples, size, 40, 20));
        check_batch_everywhere(cases);
    }
}

TEST_CASE("stc DSF (a): A may be 1 to 400 bytes, with data and without") {
    Samples samples{12};
    for (std::size_t size = 1; size <= 400; ++size) {
        std::vector<Case> cases;
        for (std::size_t i = 0; i < 5; ++i) {
            cases.push_back(make_case(samples, i == 0 ? 0 : 100 * i, size, size / (i + 1)));
        }
        check_batch_everywhere(cases);
    }
}

TEST_CASE("stc DSF (a): where the two pieces of A meet does not matter") {
    Samples samples{13};
    for (std::size_t size : {1u, 2u, 40u, 160u, 161u, 321u}) {
        const Case base = make_case(samples, 50, size, 0);
        for (const Backend& backend : available_backends()) {
            for (std::size_t split = 0; split <= size; ++split) {
                Buffer data = base.plain;
                Buffer tag(base.tag.size());
                FoldJob job{&base.key,
                            {Bytes{base.associated_data}.first(split),
                             Bytes{base.associated_data}.subspan(split)},
                            data,
                            tag};
                fold_many(backend, std::span{&job, 1});
                CHECK(data == base.cipher);
                CHECK(tag == base.tag);
            }
        }
    }
}

TEST_CASE("stc DSF (d): one long message among short ones goes on when those are done") {
    Samples samples{14};
    for (std::size_t place : {0u, 3u, 7u, 12u}) {
        std::vector<Case> cases;
        for (std::size_t i = 0; i < 13; ++i) {
            cases.push_back(make_case(samples, i == place ? 20000 : 30, 20, 10));
        }
        check_batch_everywhere(cases);
    }
}

TEST_CASE("stc DSF (d): batches leave the bytes beside a message alone") {
    Samples samples{15};
    for (const Backend& backend : available_backends()) {
        CAPTURE(std::string(backend.name));
        for (std::size_t size : {1u, 100u, 159u, 160u, 161u, 1400u}) {
            const Case base = make_case(samples, size, 20, 20);
            constexpr std::size_t margin = 64;
            std::vector<Buffer> buffers(8, Buffer(size + 2 * margin, 0x5a));
            std::vector<Buffer> tags(8, Buffer(base.tag.size()));
            std::vector<FoldJob> jobs;
            for (std::size_t i = 0; i < buffers.size(); ++i) {
                const auto place = MutableBytes{buffers[i]}.subspan(margin, size);
                std::copy(base.plain.begin(), base.plain.end(), place.begin());
                jobs.push_back({&base.key, base.pieces(), place, tags[i]});
            }
            fold_many(backend, jobs);
            for (const Buffer& buffer : buffers) {
                CHECK(hex(Bytes{buffer}.subspan(margin, size)) == hex(base.cipher));
                CHECK(std::all_of(buffer.begin(), buffer.begin() + margin,
                                  [](std::uint8_t byte) { return byte == 0x5a; }));
                CHECK(std::all_of(buffer.end() - margin, buffer.end(),
                                  [](std::uint8_t byte) { return byte == 0x5a; }));
            }
        }
    }
}
