#include "connect_lines.hpp"

#include <fmt/format.h>

#include <asio/error.hpp>
#include <string>
#include <stt/failure.hpp>

#include "terminal_text.hpp"

namespace stt::cli {
namespace {

// Asio's category of the system's errors does not know that some of them are std::errc's.
bool is(std::error_code error, std::errc code) {
    return error == code || (error.category() == asio::error::get_system_category() &&
                             error.value() == static_cast<int>(code));
}

bool is_of_certificate(std::error_code error) {
    return error == Failure::certificate_refused;
}

// What is wrong with a WebSocket, as the rest of a sentence about it.
std::string websocket_reason(std::error_code error, bool is_secure) {
    if (error == Failure::not_a_node) {
        return "what answers there is no node of STT";
    }
    if (is_of_certificate(error)) return "its certificate is not to be trusted";
    if (is(error, std::errc::connection_reset)) {
        return is_secure ? "the connection ended early; perhaps it is without TLS: ws://"
                         : "the connection ended early; perhaps it is with TLS: wss://";
    }
    return reason_within_sentence(error);
}

std::string advice_for(std::error_code error) {
    if (error == Failure::not_a_node) {
        return "check the port: stt receive, stt web, or a bridge must run there";
    }
    if (is_of_certificate(error)) {
        return "or it is for another name: trust its authority by --authorities FILE, or any "
               "by --insecure, as the seed authenticates all the same";
    }
    if (is(error, std::errc::connection_refused)) {
        return "nothing listens there: check the host and the port";
    }
    return "check the address and the network";
}

std::string no_answer(const std::string& who, double seconds) {
    return fmt::format(
        "no answer from {} within {:g} s: either nothing listens there, its seed "
        "is another, the clocks differ by more than two minutes, or a firewall ",
        who, seconds);
}

std::string of_websocket(const WebSocketTarget& target, std::error_code error, double seconds) {
    const std::string who = to_string(target);
    if (error == Failure::handshake_timeout) return no_answer(who, seconds) + "is in the way";
    if (is(error, std::errc::timed_out)) {
        return fmt::format(
            "no answer from {} within {:g} s: a server that stays silent, or a firewall in the "
            "way; check the host and the port",
            who, seconds);
    }
    return fmt::format("cannot reach {}: {}; {}", who, websocket_reason(error, target.is_secure),
                       advice_for(error));
}

bool is_authentic(std::error_code error) {
    return error == Failure::wrong_peer || error == Failure::incompatible_peer;
}

// UDP is done only when nothing answered there, so the error is its, or the WebSocket's beside.
std::string of_udp(const Target& target, std::error_code error, double seconds) {
    const std::string who = to_string(*target.udp);
    std::string text = no_answer(who, seconds) + "blocks UDP";
    if (!target.websocket || error == Failure::handshake_timeout) return text;
    return text + fmt::format("; and {} does not help: {}", to_string(*target.websocket),
                              websocket_reason(error, target.websocket->is_secure));
}

}  // namespace

Problem connect_problem(const Target& target, std::error_code error, double seconds) {
    const auto problem = [](std::string text) {
        return Problem{ExitCode::network, std::move(text)};
    };
    const std::string who = to_string(target);
    if (std::string_view(error.category().name()) == "asio.ssl") {
        return {ExitCode::usage,
                fmt::format("cannot use --authorities: {}; it is a PEM file of certificates",
                            visible(error.message()))};
    }
    if (error == Failure::path_too_small) {
        return problem(
            fmt::format("the path to {} cannot carry datagrams of 1,200 bytes; try another "
                        "network, or raise the MTU of the tunnel",
                        who));
    }
    const bool is_of_network = is(error, std::errc::network_unreachable) ||
                               is(error, std::errc::host_unreachable) ||
                               is(error, std::errc::address_family_not_supported);
    if (is_authentic(error) || is_of_network) {
        return problem(fmt::format("cannot reach {}: {}; check the address and the network", who,
                                   reason_within_sentence(error)));
    }
    return problem(target.udp ? of_udp(target, error, seconds)
                              : of_websocket(*target.websocket, error, seconds));
}

}  // namespace stt::cli
