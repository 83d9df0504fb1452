#include "core/wire/faults.hpp"

namespace stt::wire {

std::string_view name_of(DropReason reason) noexcept {
    switch (reason) {
        case DropReason::frame_malformed:
            return "frame_malformed";
        case DropReason::frame_refused:
            return "frame_refused";
        case DropReason::session_unknown:
            return "session_unknown";
        case DropReason::sequence_repeated:
            return "sequence_repeated";
        case DropReason::sequence_too_old:
            return "sequence_too_old";
        case DropReason::epoch_unknown:
            return "epoch_unknown";
        case DropReason::not_authentic:
            return "not_authentic";
        case DropReason::handshake_unexpected:
            return "handshake_unexpected";
        case DropReason::handshake_seed_unknown:
            return "handshake_seed_unknown";
        case DropReason::handshake_malformed:
            return "handshake_malformed";
        case DropReason::handshake_version:
            return "handshake_version";
        case DropReason::handshake_timestamp:
            return "handshake_timestamp";
        case DropReason::handshake_commitment:
            return "handshake_commitment";
        case DropReason::handshake_replayed:
            return "handshake_replayed";
        case DropReason::handshake_own_node:
            return "handshake_own_node";
        case DropReason::handshake_wrong_peer:
            return "handshake_wrong_peer";
        case DropReason::handshake_wrong_address:
            return "handshake_wrong_address";
        case DropReason::handshake_half_open_limit:
            return "handshake_half_open_limit";
        case DropReason::handshake_nonce_limit:
            return "handshake_nonce_limit";
        case DropReason::handshake_repeat_limit:
            return "handshake_repeat_limit";
        case DropReason::handshake_rate:
            return "handshake_rate";
        case DropReason::handshake_source_rate:
            return "handshake_source_rate";
        case DropReason::session_limit:
            return "session_limit";
        case DropReason::handshake_session_id_in_use:
            return "handshake_session_id_in_use";
        case DropReason::data_beyond_initial_credit:
            return "data_beyond_initial_credit";
        case DropReason::stream_closed:
            return "stream_closed";
        case DropReason::queue_full:
            return "queue_full";
        case DropReason::no_handler:
            return "no_handler";
        case DropReason::count_:
            break;
    }
    return "unknown";
}

}  // namespace stt::wire
