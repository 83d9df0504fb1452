#include "cli/transfer/record_reader.hpp"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace stt::cli;
using stt::Bytes;

namespace {

struct Collected {
    std::vector<std::vector<std::uint8_t>> messages;
    std::vector<std::uint8_t> content;

    friend bool operator==(const Collected&, const Collected&) = default;
};

void feed(RecordReader& reader, Bytes input, Collected& collected) {
    while (const auto piece = reader.next(input)) {
        if (piece->kind == Kind::data) {
            collected.content.insert(collected.content.end(), piece->bytes.begin(),
                                     piece->bytes.end());
        } else {
            collected.messages.emplace_back(piece->bytes.begin(), piece->bytes.end());
        }
    }
}

void append(std::vector<std::uint8_t>& stream, Kind kind, std::size_t size) {
    const auto header = record_header(kind, size);
    stream.insert(stream.end(), header.begin(), header.end());
    for (std::size_t i = 0; i < size; ++i) stream.push_back(static_cast<std::uint8_t>(i * 7));
}

std::vector<std::uint8_t> sample() {
    std::vector<std::uint8_t> stream;
    append(stream, Kind::start, 11);
    append(stream, Kind::data, 0);
    append(stream, Kind::data, 3000);
    append(stream, Kind::end, 0);
    append(stream, Kind::offer, message_size_max);
    append(stream, Kind::data, 1);
    return stream;
}

}  // namespace

TEST_CASE("transfer §2.1: records are the same however the stream is cut") {
    const std::vector<std::uint8_t> stream = sample();
    Collected whole;
    RecordReader reader;
    feed(reader, stream, whole);
    CHECK(whole.messages.size() == 3);
    CHECK(whole.content.size() == 3001);
    CHECK(reader.at_boundary());

    std::mt19937 random(2);
    for (int round = 0; round < 300; ++round) {
        RecordReader cut_reader;
        Collected cut;
        Bytes rest = stream;
        while (!rest.empty()) {
            const std::size_t size = std::min<std::size_t>(rest.size(), 1 + random() % 97);
            feed(cut_reader, rest.first(size), cut);
            rest = rest.subspan(size);
        }
        REQUIRE(cut == whole);
    }
}

TEST_CASE("transfer §2.1: a stream that ends inside a record is not at a boundary") {
    const std::vector<std::uint8_t> stream = sample();
    for (std::size_t size = 1; size < 40; ++size) {
        RecordReader reader;
        Collected collected;
        feed(reader, Bytes(stream).first(size), collected);
        CHECK(reader.at_boundary() == (size == 16 || size == 21));
        CHECK_FALSE(reader.fault());
    }
}

TEST_CASE("transfer §2.2: a record over its limit is a fault, at the limit it is none") {
    const auto fault = [](Kind kind, std::size_t size) {
        RecordReader reader;
        const auto header = record_header(kind, size);
        Bytes input = header;
        CHECK_FALSE(reader.next(input));
        return reader.fault().has_value();
    };
    CHECK_FALSE(fault(Kind::data, data_size_max));
    CHECK(fault(Kind::data, data_size_max + 1));
    CHECK_FALSE(fault(Kind::offer, message_size_max));
    CHECK(fault(Kind::offer, message_size_max + 1));
    CHECK(fault(Kind::offer, 0xffffffff));
    CHECK(fault(static_cast<Kind>(99), 0x10000));
}
