// The engine's flat functions. `engine` is what stt_engine_new() returned.
#include <algorithm>
#include <memory>

#include "engine.hpp"
#include "export.hpp"

using stt::wasm::Engine;
using stt::wasm::integer;
using stt::wasm::number;

// `identity`: 32 bytes, or null.
STT_EXPORT(stt_engine_new) Engine* stt_engine_new(const std::uint8_t* identity) {
    std::optional<Engine::Identity> kept;
    if (identity != nullptr) std::copy_n(identity, kept.emplace().size(), kept->begin());
    return std::make_unique<Engine>(kept).release();
}
STT_EXPORT(stt_engine_delete) void stt_engine_delete(Engine* engine) {
    const std::unique_ptr<Engine> owned(engine);
}
STT_EXPORT(stt_set_time) void stt_set_time(Engine* engine, double now_ms, double unix_ms) {
    engine->set_time(now_ms, unix_ms);
}

STT_EXPORT(stt_buffer) std::uint8_t* stt_buffer(Engine* engine) {
    return engine->buffer().data();
}
STT_EXPORT(stt_buffer_size) std::size_t stt_buffer_size(Engine* engine) {
    return engine->buffer().size();
}
STT_EXPORT(stt_message) const std::uint8_t* stt_message(Engine* engine) {
    return engine->message().data();
}
STT_EXPORT(stt_record_numbers) const double* stt_record_numbers(Engine* engine) {
    return engine->record().numbers.data();
}
STT_EXPORT(stt_record_text) const char* stt_record_text(Engine* engine) {
    return engine->record().text.data();
}
STT_EXPORT(stt_record_text_size) std::size_t stt_record_text_size(Engine* engine) {
    return engine->record().text.size();
}

STT_EXPORT(stt_add_seed) double stt_add_seed(Engine* engine, std::size_t size) {
    return number(engine->add_seed(size));
}
STT_EXPORT(stt_connect)
double stt_connect(Engine* engine, double seed, double websocket, std::size_t peer_size) {
    return number(engine->connect(integer(seed), integer(websocket), peer_size));
}
STT_EXPORT(stt_cancel) void stt_cancel(Engine* engine, double attempt) {
    engine->cancel(integer(attempt));
}
// As text of the record; empty while no answer has come.
STT_EXPORT(stt_handshake_fault) void stt_handshake_fault(Engine* engine) {
    const auto fault = engine->handshake_fault();
    stt::wasm::Record& record = engine->fresh_record();
    if (fault != stt::connection::ConnectError::timeout) record.text = name_of(fault);
}
STT_EXPORT(stt_receive) void stt_receive(Engine* engine, double websocket, std::size_t size) {
    engine->receive(integer(websocket), size);
}
STT_EXPORT(stt_route_closed) void stt_route_closed(Engine* engine, double websocket) {
    engine->close_route(integer(websocket));
}
STT_EXPORT(stt_move_to) void stt_move_to(Engine* engine, double session, double websocket) {
    engine->move_to(integer(session), integer(websocket));
}
STT_EXPORT(stt_timeout) void stt_timeout(Engine* engine) {
    engine->handle_timeout();
}
STT_EXPORT(stt_transmit) std::size_t stt_transmit(Engine* engine) {
    return engine->transmit();
}
STT_EXPORT(stt_next_event) int stt_next_event(Engine* engine) {
    return static_cast<int>(engine->next_event());
}
STT_EXPORT(stt_next_timeout) double stt_next_timeout(Engine* engine) {
    return engine->next_timeout();
}
