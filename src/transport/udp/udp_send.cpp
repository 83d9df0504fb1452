#include <sys/socket.h>

#include <cerrno>
#include <transport/udp/udp_socket_state.hpp>

namespace stt::transport {

namespace {

// What an errno of a send says about.
enum class Blame {
    nothing,      // interrupted: do the same again
    full_buffer,  // wait until the socket is writable
    size,         // of the datagram: over what the interface carries
    offload,      // or the datagrams: they have to be tried without it
    destination,  // this message only; so also what memory or a filter refused
    socket,       // no message can go out
};

Blame blame_of(int error, bool used_offload) noexcept {
    switch (error) {
        case EINTR:
            return Blame::nothing;
        case EAGAIN:
            return Blame::full_buffer;
        case EMSGSIZE:
            return Blame::size;
        case EBADF:
        case ENOTSOCK:
        case EOPNOTSUPP:
        case EFAULT:
            return Blame::socket;
        // EIO: the interface cannot compute checksums. EINVAL: what it does not like
        // about the segments; before Linux 6.13 also a segment over the interface's MTU.
        case EIO:
        case EINVAL:
            return used_offload ? Blame::offload : Blame::destination;
        default:
            return Blame::destination;
    }
}

}  // namespace

Result<SendOutcome, SystemError> UdpSocket::send(std::span<Outgoing> messages) {
    State& state = *state_;
    SendOutcome outcome;
    // The kernel blamed offload or the datagrams of the first piece: one of them goes
    // without offload now, to learn which it was.
    bool is_trial = false;
    while (outcome.count < messages.size()) {
        const bool use_offload = state.has_segmentation_offload && !is_trial;
        state.plan.make(messages.subspan(outcome.count),
                        {.socket_family = state.family,
                         .messages = is_trial ? 1 : state.messages_per_call,
                         .segments = use_offload ? segment_count_max : 1});
        const auto pieces = state.plan.pieces();
        if (pieces.empty()) {
            const bool has_data = !messages[outcome.count++].data.empty();
            if (has_data) ++state.counters.datagrams_unreachable;
            continue;
        }
        ++state.counters.send_calls;
        const int sent = ::sendmmsg(state.descriptor.value(), state.plan.headers().data(),
                                    static_cast<unsigned>(pieces.size()), MSG_NOSIGNAL);
        if (sent > 0) {
            for (const SendPiece piece : pieces.first(static_cast<std::size_t>(sent))) {
                state.counters.datagrams_sent += piece.segments;
                state.counters.bytes_sent += piece.size;
                take_from_front(messages, outcome.count, piece);
            }
            if (is_trial) {
                state.has_segmentation_offload = false;
                ++state.counters.offload_failures;
            }
            is_trial = false;
            continue;
        }
        const SendPiece first = pieces.front();
        const Blame blame = blame_of(errno, first.segments > 1);
        if (blame == Blame::nothing) continue;
        if (blame == Blame::socket) return Unexpected(platform::last_system_error());
        if (blame == Blame::full_buffer) {
            outcome.would_block = true;
            return outcome;
        }
        is_trial = blame == Blame::offload;
        if (is_trial) continue;
        auto& counter = blame == Blame::size ? state.counters.datagrams_too_large
                                             : state.counters.datagrams_unreachable;
        counter += first.segments;
        take_from_front(messages, outcome.count, first);
    }
    return outcome;
}

}  // namespace stt::transport
