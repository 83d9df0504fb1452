// Handshake messages with any field wrong, sealed with the right seed all the same.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/handshake/initiator.hpp"
#include "core/handshake/messages.hpp"
#include "core/handshake/responder.hpp"
#include "stc/context.hpp"
#include "stt/value.hpp"
#include "tests/unit/codec/seeded.hpp"

namespace stt::handshake {

using test::ByteVector;
using wire::DropReason;
using Dict = Value::Dict;

class SeededRandom final : public stc::RandomSource {
public:
    explicit SeededRandom(std::uint64_t seed) : seeded_(seed) {}
    void fill(MutableBytes output) noexcept override { seeded_.fill(output); }

private:
    test::Seeded seeded_;
};

inline constexpr auto none_in_use = [](const wire::SessionId&) { return false; };
inline constexpr auto all_in_use = [](const wire::SessionId&) { return true; };

// A frame and the view into it, which moves along with it.
class Frame {
public:
    explicit Frame(Bytes bytes) : bytes_(bytes.begin(), bytes.end()) {}
    wire::FrameView view() {
        const auto parsed = wire::parse_frame(bytes_);
        REQUIRE(parsed);
        return *parsed;
    }
    ByteVector& bytes() { return bytes_; }

private:
    ByteVector bytes_;
};

struct Envelope {
    wire::FrameType type = wire::FrameType::handshake;
    wire::SessionId session_id{};
    const stc::Context* hint_of = nullptr;  // null: no hint
};
// Any bytes as the plaintext of a handshake's frame.
Frame seal(const stc::Context& context, const Envelope& envelope, Bytes dict);
// The canonical dict, made as long as it takes for a frame of `frame_size` bytes by zeros under
// `filler`.
ByteVector padded(Dict dict, bool has_hint, const std::string& filler = "padding",
                  std::size_t frame_size = padded_frame_size);
// The entries in the order given, canonical or not.
ByteVector dict_in_order(const std::vector<std::pair<std::string, Value>>& entries);
ByteVector dict_of(const stc::Context& context, Frame frame);

template <class Array>
Value value_of(const Array& bytes) {
    return Value(Bytes(bytes));
}

// A way in which a dict can be no message.
struct Mutation {
    std::string name;
    Dict dict;
    std::string key;  // the field that is wrong
};
// Each field missing, and of every wrong type and size.
std::vector<Mutation> malformed(const Dict& good);

// Two nodes with one seed.
struct World {
    explicit World(std::uint64_t seed = 21);

    ResponderConfig config() const;
    InitiatorConfig initiator_config() const;
    Initiator initiator() { return Initiator(context, initiator_config(), unix_ms, random); }

    // HELLO's fields without padding, the commitment right for what is given.
    struct HelloGiven {
        NodeId node_id{};
        HandshakeNonce nonce{};
        std::int64_t timestamp = 0;
    };
    HelloGiven hello_given();
    Dict hello_dict(const HelloGiven& given) const;
    Frame hello(const Dict& dict, const std::string& filler = "padding") const;
    Frame good_hello() { return hello(hello_dict(hello_given())); }

    // The fields of the RESPONSE to a HELLO, from `responder` and with `nonce_responder`.
    Dict response_dict(const Initiator& initiator, const NodeId& responder,
                       const HandshakeNonce& nonce_responder) const;
    Dict response_dict(const Initiator& initiator) const {
        return response_dict(initiator, responder_id, nonce_responder);
    }
    Frame response(const Initiator& initiator, const Dict& dict,
                   const std::string& filler = "padding") const;
    Parties parties(const Initiator& initiator, const NodeId& responder,
                    const HandshakeNonce& nonce) const;

    stc::Context context;
    stc::Context other_context;
    SeededRandom random;
    NodeId initiator_id{};
    NodeId responder_id{};
    HandshakeNonce nonce_responder{};
    HandshakeId handshake_id{1, 1, 2, 3, 5, 8, 13, 21};
    std::int64_t unix_ms = 1'800'000'000'000;
    Instant now = Instant(Duration(5'000'000));
    Route from{Address::ipv4({192, 0, 2, 1}, 9001)};
    Route elsewhere{Address::ipv4({192, 0, 2, 1}, 9002)};
};

template <class T>
DropReason reason_of(const Result<T, DropReason>& result) {
    REQUIRE(!result.has_value());
    return result.error();
}

}  // namespace stt::handshake
