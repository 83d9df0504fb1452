// Canonical DICTs of fixed shape: the contexts of STC and the handshake messages. Spec protocol §2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <stt/bytes.hpp>

#include "codec/writer.hpp"

namespace stt::codec {

// Writes one DICT in canonical encoding into borrowed bytes, without allocating.
//
// Keys must come in ascending order of their bytes, each once: anything else
// breaks an STT_CHECK, as does a dict that outgrows the bytes.
class DictEncoder {
public:
    explicit DictEncoder(MutableBytes bytes) noexcept;

    DictEncoder& integer(std::string_view key, std::int64_t value) noexcept;
    DictEncoder& unsigned_integer(std::string_view key, std::uint64_t value) noexcept;
    DictEncoder& bytes(std::string_view key, Bytes value) noexcept;
    DictEncoder& string(std::string_view key, std::string_view value) noexcept;
    // BYTES of zeros, as many as fill_up() is then asked for; at most one of a dict.
    DictEncoder& padding(std::string_view key) noexcept;
    // Makes the whole dict `size` bytes, at least what it is, by its padding.
    void fill_up(std::size_t size) noexcept;
    // A value that is already in canonical encoding.
    DictEncoder& encoded_value(std::string_view key, Bytes encoded) noexcept;

    Bytes encoded() const noexcept { return writer_.written(); }

private:
    void begin(std::string_view key) noexcept;

    Writer writer_;
    MutableBytes bytes_;
    std::string_view last_key_;
    std::uint32_t count_ = 0;
    std::size_t padding_at_ = 0;  // of the padding's bytes; 0: there is none
};

// A DictEncoder with its own storage: a context of STC.
//
// 512 bytes hold the largest context of the protocol, that of the session key
// (five 32-byte values, two numbers and their keys: 264 bytes). Spec stc Context.
class ContextDict {
public:
    static constexpr std::size_t size_max = 512;

    ContextDict() noexcept : encoder_(storage_) {}
    ContextDict(const ContextDict&) = delete;
    ContextDict& operator=(const ContextDict&) = delete;

    ContextDict& integer(std::string_view key, std::int64_t value) noexcept {
        encoder_.integer(key, value);
        return *this;
    }
    ContextDict& unsigned_integer(std::string_view key, std::uint64_t value) noexcept {
        encoder_.unsigned_integer(key, value);
        return *this;
    }
    ContextDict& bytes(std::string_view key, Bytes value) noexcept {
        encoder_.bytes(key, value);
        return *this;
    }
    ContextDict& string(std::string_view key, std::string_view value) noexcept {
        encoder_.string(key, value);
        return *this;
    }

    Bytes encoded() const noexcept { return encoder_.encoded(); }

private:
    std::array<std::uint8_t, size_max> storage_{};
    DictEncoder encoder_;
};

}  // namespace stt::codec
