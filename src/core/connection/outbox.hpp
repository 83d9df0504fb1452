// Handshake datagrams that wait to leave.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stt/bytes.hpp>
#include <utility>
#include <vector>

#include "base/fifo.hpp"
#include "base/route.hpp"

namespace stt::connection {

// Chosen: a burst of as many HELLOs as one coalesced receive can bring, a few times over; 1,200
// bytes each.
inline constexpr std::size_t outbox_count_max = 256;

// Whole datagrams, each to one place. When it is full the newest is lost, as on the network:
// what matters is sent again.
class Outbox {
public:
    struct Datagram {
        Route to;
        std::vector<std::uint8_t> bytes;
    };

    // False: there was no room.
    bool push(const Route& to, Bytes bytes) {
        if (datagrams_.size() >= outbox_count_max) return false;
        spare_.assign(bytes.begin(), bytes.end());
        datagrams_.push_back({to, std::exchange(spare_, {})});
        return true;
    }
    bool empty() const noexcept { return datagrams_.empty(); }
    const Datagram& front() const noexcept { return datagrams_.front(); }
    void pop() {
        spare_ = std::move(datagrams_.front().bytes);
        datagrams_.pop_front();
    }

private:
    Fifo<Datagram> datagrams_;
    std::vector<std::uint8_t> spare_;  // storage of one that has left
};

}  // namespace stt::connection
