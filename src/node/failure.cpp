#include <string>
#include <stt/failure.hpp>

namespace stt {
namespace {

class FailureCategory final : public std::error_category {
public:
    const char* name() const noexcept override { return "stt"; }

    std::string message(int value) const override {
        switch (static_cast<Failure>(value)) {
            case Failure::handshake_timeout:
                return "no answer from the other node";
            case Failure::wrong_peer:
                return "another node than the wanted one answered";
            case Failure::incompatible_peer:
                return "the other node speaks another protocol";
            case Failure::no_address:
                return "no address to connect to, or too many";
            case Failure::unknown_seed:
                return "the node has no such seed";
            case Failure::session_limit:
                return "the node has as many sessions as it may";
            case Failure::session_seed_removed:
                return "the session's seed was removed";
            case Failure::seed_size:
                return "a seed has 16 to 4,096 bytes";
            case Failure::seed_limit:
                return "the node has as many seeds as it may";
            case Failure::not_a_node:
                return "what answers there has no WebSocket of STT";
            case Failure::certificate_refused:
                return "its certificate is not to be trusted, or for another name";
            case Failure::path_too_small:
                return "the path cannot carry datagrams of 1,200 bytes";
            case Failure::session_closed:
                return "the session was closed";
            case Failure::session_closed_by_peer:
                return "the other node closed the session";
            case Failure::session_timeout:
                return "nothing was heard from the other node";
            case Failure::session_violation:
                return "the other node broke the protocol";
            case Failure::already_listening:
                return "the node listens on an address of this family already";
            case Failure::node_closed:
                return "the node was closed";
            case Failure::stream_reset:
                return "the other node gave the stream up";
            case Failure::stream_stopped:
                return "the other node wants no more of the stream";
            case Failure::stream_limit:
                return "the other node allows no more streams";
            case Failure::stream_finished:
                return "the stream was finished before";
            case Failure::endpoint_name_size:
                return "an endpoint name has at most 255 bytes";
            case Failure::stream_options:
                return "a stream of this kind cannot have this priority or deadline";
            case Failure::message_too_large:
                return "the message is too large";
            case Failure::message_expired:
                return "the message's deadline passed before there was room for it";
            case Failure::custom_type:
                return "custom frames are of types 0x80 to 0xff";
            case Failure::custom_payload_size:
                return "a custom frame carries at most 1,100 bytes";
            case Failure::ping_limit:
                return "too many pings wait for an answer";
        }
        return "unknown failure";
    }
};

}  // namespace

const std::error_category& failure_category() noexcept {
    static const FailureCategory category;
    return category;
}

}  // namespace stt
