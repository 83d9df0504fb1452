#include "core/connection/statistics.hpp"

#include "core/connection/connection.hpp"

namespace stt::connection {

SessionStatistics Connection::statistics(Instant now) const {
    SessionStatistics result;
    const recovery::PathRecovery& used = path();
    result.has_rtt_sample = used.rtt().has_sample();
    result.rtt_minimum = used.rtt().minimum();
    result.rtt_smoothed = used.rtt().smoothed();
    result.rtt_latest = used.rtt().latest();
    result.rtt_variation = used.rtt().variation();
    result.path_mtu = used.mtu().current();
    result.controller = used.controller().name();
    result.controller_state = used.controller().state();
    result.congestion_window = used.controller().window();
    result.bytes_in_flight = used.bytes_in_flight();
    result.pacing_rate = used.pacing_rate();
    result.delivery_rate = used.delivery_rate();
    result.congestion_events = used.congestion_events();
    result.probe_timeouts = totals_.probe_timeouts;
    result.ecn = ecn_state_of(used.ecn());
    result.ecn_reported = loss_.ecn_counts();
    result.ecn_received = acks_.ecn_counts();

    result.frames_sent = totals_.frames_sent;
    result.frames_received = totals_.frames_received;
    result.bytes_sent = totals_.bytes_sent;
    result.bytes_received = totals_.bytes_received;
    result.datagrams_sent = totals_.datagrams_sent;
    result.datagrams_received = totals_.datagrams_received;
    result.send_rate = send_rate_.bytes_per_second(now);
    result.receive_rate = receive_rate_.bytes_per_second(now);
    result.acks_sent = totals_.acks_sent;
    result.acks_received = totals_.acks_received;
    result.frames_lost = totals_.frames_lost;
    result.bytes_lost = totals_.bytes_lost;
    result.losses_spurious = totals_.losses_spurious;
    result.frames_retransmitted = totals_.frames_retransmitted;
    result.bytes_retransmitted = totals_.bytes_retransmitted;

    const stream::CreditUse credit = streams_.credit_use();
    result.send_credit_limit = credit.send_limit;
    result.send_credit_used = credit.sent;
    result.receive_credit_limit = credit.receive_limit;
    result.receive_credit_used = credit.received;
    result.bytes_unread = streams_.unread();
    result.streams_open = streams_.open_count();
    result.streams_opened = credit.opened;
    result.streams_opened_limit = credit.opened_limit;
    result.streams_accepted = credit.accepted;
    result.streams_accepted_limit = credit.accepted_limit;

    result.send_epoch = keys_.send.epoch();
    result.receive_epoch = keys_.receive.epoch();
    result.is_rotating = keys_.send.is_rotating();
    result.drops = drops_;
    return result;
}

}  // namespace stt::connection
