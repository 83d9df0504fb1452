#include <stt/value.hpp>

#include "codec/reader.hpp"
#include "codec/varint.hpp"
#include "codec/writer.hpp"
#include "tests/vectors/vector_files.hpp"

namespace stt::vectors {
namespace {

void run_varint(const Entry& entry, Tally& tally) {
    const std::uint64_t value = entry.number("value");
    const ByteVector bytes = entry.bytes("bytes");
    ByteVector written(codec::varint_size_max);
    codec::Writer writer(written);
    writer.varint(value);
    tally.check(is_equal(writer.written(), bytes), "written differently");
    tally.check(codec::varint_size(value) == bytes.size(), "varint_size");
    codec::Reader reader(bytes);
    const auto read = reader.varint();
    tally.check(read && *read == value && reader.is_at_end(), "read differently");
}

void run_varint_refused(const Json& entry, Tally& tally) {
    const ByteVector bytes = bytes_of_hex(entry.get<std::string>());
    codec::Reader reader(bytes);
    // What stands for a varint alone is refused; a varint with bytes behind it is none.
    const bool is_taken = reader.varint().has_value() && reader.is_at_end();
    tally.check(!is_taken, "taken");
}

// A NaN is not equal to itself, and so is no value that holds one; its encoding is.
bool is_same(const Value& a, const Value& b) {
    return a == b || encode(a) == encode(b);
}

void run_tlv(const Entry& entry, Tally& tally) {
    const Value value = value_of(entry.at("value"));
    const ByteVector bytes = entry.bytes("bytes");
    tally.check(is_equal(encode(value), bytes), "encoded differently");
    const auto lenient = decode(bytes);
    tally.check(lenient && is_same(*lenient, value), "decoded differently");
    const auto strict = decode_strict(bytes);
    tally.check(strict && is_same(*strict, value), "decoded differently by the strict decoder");
}

void run_tlv_refused(const Json& entry, Tally& tally) {
    const ByteVector bytes = bytes_of_hex(entry.get<std::string>());
    tally.check(!decode(bytes), "taken");
    tally.check(!decode_strict(bytes), "taken by the strict decoder");
}

void run_tlv_not_canonical(const Json& entry, Tally& tally) {
    const ByteVector bytes = bytes_of_hex(entry.get<std::string>());
    const auto lenient = decode(bytes);
    tally.check(lenient.has_value(), "refused by the lenient decoder");
    tally.check(!decode_strict(bytes), "taken by the strict decoder");
    if (lenient) tally.check(!is_equal(encode(*lenient), bytes), "written so after all");
}

}  // namespace

void run_codec(const Json& file, Tally& tally) {
    run_sections("codec.json", file,
                 {{"varint", on_object(run_varint)},
                  {"varint_refused", run_varint_refused},
                  {"tlv", on_object(run_tlv)},
                  {"tlv_refused", run_tlv_refused},
                  {"tlv_not_canonical", run_tlv_not_canonical}},
                 tally);
}

}  // namespace stt::vectors
