#include "core/websocket/base64.hpp"
#include "core/websocket/close_code.hpp"
#include "core/websocket/frame.hpp"
#include "core/websocket/handshake_fields.hpp"
#include "core/websocket/server_handshake.hpp"
#include "tests/vectors/vector_files.hpp"

namespace stt::vectors {
namespace {

using websocket::FrameHeader;
using websocket::FrameParser;
using End = websocket::Role;

void run_accept(const Entry& entry, Tally& tally) {
    static_cast<void>(entry.text("what"));
    const std::string key = entry.text("key");
    tally.check(websocket::base64_encode(entry.bytes("nonce")) == key, "another key");
    tally.check(websocket::base64_decode(key) == entry.bytes("nonce"), "another nonce");
    tally.check(websocket::accept_of(key) == entry.text("accept"), "another accept value");
}

ByteVector repeated(const ByteVector& bytes, std::uint64_t count) {
    ByteVector all;
    for (std::uint64_t i = 0; i < count; ++i) all.insert(all.end(), bytes.begin(), bytes.end());
    return all;
}

void run_websocket_frame(const Entry& entry, Tally& tally) {
    static_cast<void>(entry.text("what"));
    const std::uint64_t repeat = entry.number("repeat");
    const ByteVector payload = repeated(entry.bytes("payload"), repeat);
    FrameHeader header;
    header.opcode = static_cast<websocket::Opcode>(number_of(entry.at("opcode")));
    header.is_final = entry.at("final").get<bool>();
    header.payload_size = payload.size();
    const ByteVector key = entry.bytes("key");
    if (!key.empty()) header.key = Entry::exactly<4>(key);

    ByteVector wire(websocket::frame_header_size_max);
    wire.resize(websocket::write_frame_header(header, wire));
    tally.check(is_equal(wire, entry.bytes("header")), "another header");
    const ByteVector masked = repeated(entry.bytes("wire"), repeat);
    ByteVector body = payload;
    if (header.key) websocket::mask(body, *header.key, 0);
    tally.check(is_equal(body, masked), "masked differently");

    wire.insert(wire.end(), masked.begin(), masked.end());
    FrameParser parser(header.key ? End::server : End::client);
    MutableBytes rest = wire;
    FrameParser::Piece piece;
    const auto has_piece = parser.next(rest, piece);
    const bool is_whole = has_piece && *has_piece && piece.is_first && piece.is_last;
    tally.check(is_whole && rest.empty(), "not read as a whole frame");
    if (!is_whole) return;
    tally.check(is_equal(piece.data, payload), "another payload read");
    tally.check(piece.header->opcode == header.opcode && piece.header->key == header.key &&
                    piece.header->is_final == header.is_final,
                "another header read");
}

void run_websocket_frame_refused(const Entry& entry, Tally& tally) {
    static_cast<void>(entry.text("what"));
    const End receiver = entry.text("receiver") == "server" ? End::server : End::client;
    FrameHeader header;
    tally.check(!websocket::parse_frame_header(entry.bytes("bytes"), receiver, header), "taken");
}

void run_close_code(const Entry& entry, Tally& tally) {
    const auto code = static_cast<std::uint16_t>(entry.number("code"));
    tally.check(websocket::is_close_code_for_wire(code) == entry.at("wire").get<bool>(),
                "judged differently");
}

void run_opening(const Entry& entry, Tally& tally) {
    static_cast<void>(entry.text("what"));
    websocket::ServerHandshakeConfig config;
    config.path = entry.text("path");
    config.subprotocol = entry.text("subprotocol");
    config.allowed_origins = {entry.text("allowed_origin")};
    websocket::ServerHandshake handshake(config);
    const std::string request = entry.text("request");
    tally.check(handshake.handle_received(bytes_of(request)) == request.size(), "not read whole");
    tally.check(text_of(handshake.response()) == entry.text("response"), "answered differently");
}

}  // namespace

void run_websocket(const Json& file, Tally& tally) {
    run_sections("websocket.json", file,
                 {{"accept", on_object(run_accept)},
                  {"frame", on_object(run_websocket_frame)},
                  {"frame_refused", on_object(run_websocket_frame_refused)},
                  {"close_code", on_object(run_close_code)},
                  {"handshake", on_object(run_opening)}},
                 tally);
}

}  // namespace stt::vectors
