#include "codec/dict_encoder.hpp"

#include <cstring>
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

DictEncoder& DictEncoder::padding(std::string_view key) noexcept {
    bytes(key, {});
    padding_at_ = writer_.size();
    return *this;
}

void DictEncoder::fill_up(std::size_t size) noexcept {
    STT_CHECK(padding_at_ != 0 && size >= writer_.size());
    const std::size_t behind = writer_.size() - padding_at_;
    const MutableBytes room = writer_.skip(size - writer_.size());
    std::uint8_t* const place = bytes_.data() + padding_at_;
    std::memmove(place + room.size(), place, behind);
    std::memset(place, 0, room.size());
    store_big_endian(place - sizeof(std::uint32_t), static_cast<std::uint32_t>(room.size()));
    padding_at_ = 0;
}

DictEncoder& DictEncoder::encoded_value(std::string_view key, Bytes encoded) noexcept {
    begin(key);
    writer_.bytes(encoded);
    return *this;
}

}  // namespace stt::codec
