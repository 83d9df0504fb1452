#include "codec/dict_encoder.hpp"

#include <stt/check.hpp>

#include "base/byte_order.hpp"
#include "codec/tlv_primitives.hpp"

namespace stt::codec {

DictEncoder::DictEncoder(MutableBytes bytes) noexcept : writer_(bytes), bytes_(bytes) {
    write_count(writer_, Tag::dict, 0);
}

void DictEncoder::begin(std::string_view key) noexcept {
    STT_CHECK(count_ == 0 || last_key_ < key);
    last_key_ = key;
    ++count_;
    store_big_endian(bytes_.data() + 1, count_);
    write_string(writer_, key);
}

DictEncoder& DictEncoder::integer(std::string_view key, std::int64_t value) noexcept {
    begin(key);
    write_integer(writer_, value);
    return *this;
}

DictEncoder& DictEncoder::unsigned_integer(std::string_view key, std::uint64_t value) noexcept {
    begin(key);
    write_unsigned_integer(writer_, value);
    return *this;
}

DictEncoder& DictEncoder::bytes(std::string_view key, Bytes value) noexcept {
    begin(key);
    write_bytes(writer_, value);
    return *this;
}

DictEncoder& DictEncoder::string(std::string_view key, std::string_view value) noexcept {
    begin(key);
    write_string(writer_, value);
    return *this;
}

DictEncoder& DictEncoder::encoded_value(std::string_view key, Bytes encoded) noexcept {
    begin(key);
    writer_.bytes(encoded);
    return *this;
}

}  // namespace stt::codec
