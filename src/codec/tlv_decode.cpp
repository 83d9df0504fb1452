// Bytes to values. Spec protocol §2, Decoding.
#include <string>
#include <stt/value.hpp>
#include <utility>

#include "codec/tlv_decoder.hpp"

namespace stt {
namespace {

struct BuildValue {
    using Item = Value;

    static Value null() { return Value(); }
    static Value boolean(bool value) { return Value(value); }
    static Value integer(std::int64_t value) { return Value(value); }
    static Value unsigned_integer(std::uint64_t value) { return Value(value); }
    static Value floating(double value) { return Value(value); }
    static Value bytes(Bytes value) { return Value(value); }
    static Value string(std::string_view value) { return Value(value); }

    struct List {
        Value::List items;
        List(const BuildValue&, std::size_t, Bytes) {}
        void add(Value&& item) { items.push_back(std::move(item)); }
        Value finish(Bytes) && { return Value(std::move(items)); }
    };
    struct Dict {
        Value::Dict entries;
        Dict(const BuildValue&, std::size_t) {}
        bool contains(std::string_view key) const { return entries.find(key) != entries.end(); }
        void add(std::string_view key, Value&& item) {
            entries.emplace(std::string(key), std::move(item));
        }
        Value finish() && { return Value(std::move(entries)); }
    };
};

}  // namespace

Result<Value, DecodeError> decode(Bytes input) {
    return codec::Decoder<BuildValue>(input, codec::Strictness::lenient).whole();
}

Result<Value, DecodeError> decode_strict(Bytes input) {
    return codec::Decoder<BuildValue>(input, codec::Strictness::strict).whole();
}

}  // namespace stt
