// Both sides of the opening handshake against any bytes, cut in pieces of a size that the first
// byte gives; its top bits choose the side.
#include <algorithm>
#include <string>

#include "core/websocket/client_handshake.hpp"
#include "core/websocket/server_handshake.hpp"
#include "testing/seeded_random.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace stt;
using namespace stt::websocket;

namespace {

// Gives all, and checks that nothing is taken behind the end. Returns how much was taken.
template <class Handshake>
std::size_t feed(Handshake& handshake, Bytes bytes, std::size_t piece_size) {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
        const Bytes rest = bytes.subspan(taken);
        const Bytes piece = rest.first(std::min(piece_size, rest.size()));
        const bool was_waiting = handshake.state() == Handshake::State::needs_more;
        const std::size_t count = handshake.handle_received(piece);
        STT_CHECK(count <= piece.size() && (was_waiting || count == 0));
        taken += count;
        if (handshake.state() != Handshake::State::needs_more) break;
        STT_CHECK(count == piece.size());
    }
    STT_CHECK(taken <= head_size_max + 1);
    STT_CHECK(handshake.handle_received(bytes.first(0)) == 0);
    return taken;
}

ServerHandshakeConfig server_config() {
    ServerHandshakeConfig config;
    config.allowed_origins = {"https://app.example"};
    return config;
}

void check_request(const HttpRequest& request) {
    STT_CHECK(request.method == "GET" || request.method == "HEAD");
    STT_CHECK(request.target.starts_with(request.path) && request.path.starts_with('/'));
    STT_CHECK(request.headers.size() <= header_count_max);
    for (const HeaderField& field : request.headers) {
        STT_CHECK(is_token(field.name) && request.header(field.name).has_value());
        STT_CHECK(field.value.find_first_of("\r\n") == std::string_view::npos);
    }
}

void run_server(Bytes bytes, std::size_t piece_size) {
    using State = ServerHandshake::State;
    ServerHandshake handshake(server_config());
    const std::size_t taken = feed(handshake, bytes, piece_size);
    const std::string_view response = text_of(handshake.response());
    const bool has_answered =
        handshake.state() == State::upgrade || handshake.state() == State::refused;
    STT_CHECK(has_answered == !response.empty());
    STT_CHECK((handshake.status() == 101) == (handshake.state() == State::upgrade));
    if (handshake.state() == State::refused) STT_CHECK(handshake.status() >= 400);
    if (has_answered) STT_CHECK(response.find("\r\n\r\n") != std::string_view::npos);
    if (handshake.state() == State::upgrade || handshake.state() == State::http_request) {
        check_request(handshake.request());
    }
    // How it is cut makes no difference.
    ServerHandshake whole(server_config());
    STT_CHECK(feed(whole, bytes, bytes.size() + 1) == taken);
    STT_CHECK(whole.state() == handshake.state() && whole.status() == handshake.status());
    STT_CHECK(text_of(whole.response()) == response);
}

void run_client(Bytes bytes, std::size_t piece_size) {
    using State = ClientHandshake::State;
    testing::SeededRandom random(1);
    ClientHandshakeConfig config;
    config.host = "example.com";
    ClientHandshake handshake(config, random);
    feed(handshake, bytes, piece_size);
    STT_CHECK(handshake.failure().has_value() == (handshake.state() == State::failed));
    if (handshake.state() == State::open) STT_CHECK(handshake.status() == 101);
}

// A host, path and origin that a person typed: where they are taken, a server reads the request.
void run_config(fuzz::FuzzInput& input) {
    const auto text = [&input] { return std::string(text_of(input.bytes(input.u8()))); };
    ClientHandshakeConfig config;
    config.host = text();
    config.path = text();
    config.origin = text();
    if (!config.is_valid()) return;
    testing::SeededRandom random(1);
    const ClientHandshake client(config, random);
    ServerHandshakeConfig accepting;
    accepting.path = config.path.substr(0, config.path.find('?'));
    accepting.allowed_origins = {"*"};
    ServerHandshake server(accepting);
    STT_CHECK(server.handle_received(client.request()) == client.request().size());
    STT_CHECK(server.status() == 101 || server.status() == 400);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::FuzzInput input(data, size);
    const std::uint8_t choice = input.u8();
    const std::size_t piece_size = std::size_t{choice & 0x3fu} + 1;
    if (choice >= 0xc0) {
        run_config(input);
    } else if ((choice & 0x80) != 0) {
        run_client(input.rest(), piece_size);
    } else {
        run_server(input.rest(), piece_size);
    }
    return 0;
}
