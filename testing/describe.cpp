#include <array>
#include <sstream>

#include "core/wire/frame.hpp"
#include "testing/simulated_network.hpp"

namespace stt::testing {
namespace {

std::string_view name_of(wire::FrameType type) noexcept {
    switch (type) {
        case wire::FrameType::handshake:
            return "HANDSHAKE";
        case wire::FrameType::data:
            return "DATA";
        case wire::FrameType::control:
            return "CONTROL";
        case wire::FrameType::stream_control:
            return "STREAM_CONTROL";
        case wire::FrameType::auth:
            return "AUTH";
        default:
            return "OTHER";
    }
}

constexpr std::array<std::string_view, 7> stream_event_names{
    "opened", "readable", "writable", "acknowledged", "reset", "stopped", "limit_raised"};
constexpr std::array<std::string_view, 7> cause_names{
    "local", "seed_removed", "peer", "violation", "idle", "lost", "unconfirmed"};

std::string describe_session_event(const connection::Event& event) {
    std::ostringstream text;
    if (const auto* stream = std::get_if<stream::StreamEvent>(&event)) {
        text << stream_event_names[static_cast<std::size_t>(stream->kind)] << " stream "
             << stream->key.id << " use " << stream->key.use << " code " << stream->code;
    } else if (std::holds_alternative<connection::Confirmed>(event)) {
        text << "confirmed";
    } else if (const auto* pong = std::get_if<connection::PongReceived>(&event)) {
        text << "pong " << pong->ping << " after " << pong->round_trip.count() << " us";
    } else if (const auto* silent = std::get_if<connection::Silent>(&event)) {
        text << "silent since " << silent->since.time_since_epoch().count() << " us";
    } else if (const auto* unreachable = std::get_if<connection::Unreachable>(&event)) {
        text << "unreachable since " << unreachable->since.time_since_epoch().count() << " us";
    } else if (const auto* observed = std::get_if<connection::AddressObserved>(&event)) {
        text << "seen at " << observed->address.to_string();
    } else if (const auto* taken = std::get_if<connection::PathTaken>(&event)) {
        text << "goes on by " << taken->route.address.to_string();
    } else if (std::holds_alternative<connection::Reachable>(event)) {
        text << "reachable";
    } else if (const auto* closed = std::get_if<connection::Closed>(&event)) {
        text << "closed (" << cause_names[static_cast<std::size_t>(closed->cause)] << ") code "
             << closed->code << " \"" << closed->reason << '"';
    }
    return text.str();
}

}  // namespace

std::string describe(Bytes datagram) {
    std::vector<std::uint8_t> copy(datagram.begin(), datagram.end());
    MutableBytes rest(copy);
    std::ostringstream text;
    text << datagram.size() << " bytes:";
    while (!rest.empty()) {
        const auto frame = wire::parse_frame(rest);
        if (!frame) {
            text << " (" << wire::name_of(frame.error()) << ')';
            break;
        }
        text << ' ' << name_of(frame->type);
        if (frame->kind == wire::MetadataKind::session) {
            text << '(' << frame->stream_id << " #" << frame->sequence << " e" << frame->epoch
                 << " f" << static_cast<unsigned>(frame->flags) << ' ' << frame->payload.size()
                 << ')';
        }
        rest = rest.subspan(frame->size);
    }
    return text.str();
}

std::string describe(const connection::EndpointEvent& event) {
    std::ostringstream text;
    if (const auto* accepted = std::get_if<connection::SessionAccepted>(&event)) {
        text << "session " << accepted->session << " accepted";
    } else if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
        text << "session " << connected->session << " connected after "
             << connected->handshake.count() << " us";
    } else if (const auto* again = std::get_if<connection::SessionReconnected>(&event)) {
        text << "session " << again->new_session << " after " << again->old_session;
    } else if (const auto* failed = std::get_if<connection::ConnectFailed>(&event)) {
        text << "attempt " << failed->attempt << " failed";
    } else if (const auto* session = std::get_if<connection::SessionEvent>(&event)) {
        text << "session " << session->session << ": " << describe_session_event(session->event);
    }
    return text.str();
}

}  // namespace stt::testing
