#include "node/session_statistics.hpp"

namespace stt::detail {

SessionStatistics statistics_of(const connection::SessionStatistics& engine) {
    SessionStatistics statistics;
    statistics.rtt_min = engine.rtt_minimum;
    statistics.datagram_size = engine.path_mtu;
    statistics.rtt_smoothed = engine.rtt_smoothed;
    statistics.rtt_latest = engine.rtt_latest;
    statistics.rtt_variation = engine.rtt_variation;
    statistics.controller = engine.controller;
    statistics.controller_state = engine.controller_state;
    statistics.congestion_window = engine.congestion_window;
    statistics.bytes_in_flight = engine.bytes_in_flight;
    statistics.pacing_rate = engine.pacing_rate;
    statistics.delivery_rate = engine.delivery_rate;
    statistics.congestion_events = engine.congestion_events;
    statistics.probe_timeouts = engine.probe_timeouts;
    statistics.frames_sent = engine.frames_sent;
    statistics.frames_received = engine.frames_received;
    statistics.bytes_sent = engine.bytes_sent;
    statistics.bytes_received = engine.bytes_received;
    statistics.datagrams_sent = engine.datagrams_sent;
    statistics.datagrams_received = engine.datagrams_received;
    statistics.send_rate = engine.send_rate;
    statistics.receive_rate = engine.receive_rate;
    statistics.acks_sent = engine.acks_sent;
    statistics.acks_received = engine.acks_received;
    statistics.frames_lost = engine.frames_lost;
    statistics.bytes_lost = engine.bytes_lost;
    statistics.losses_spurious = engine.losses_spurious;
    statistics.send_credit_limit = engine.send_credit_limit;
    statistics.send_credit_used = engine.send_credit_used;
    statistics.receive_credit_limit = engine.receive_credit_limit;
    statistics.receive_credit_used = engine.receive_credit_used;
    statistics.bytes_unread = engine.bytes_unread;
    statistics.streams_open = engine.streams_open;
    statistics.streams_opened = engine.streams_opened;
    statistics.streams_opened_limit = engine.streams_opened_limit;
    statistics.streams_accepted = engine.streams_accepted;
    statistics.streams_accepted_limit = engine.streams_accepted_limit;
    statistics.send_epoch = engine.send_epoch;
    statistics.receive_epoch = engine.receive_epoch;
    for (std::size_t i = 0; i < engine.drops.size(); ++i) {
        if (engine.drops[i] == 0) continue;
        statistics.frames_dropped += engine.drops[i];
        statistics.drops.push_back(
            {wire::name_of(static_cast<wire::DropReason>(i)), engine.drops[i]});
    }
    return statistics;
}

}  // namespace stt::detail
