#include "testing/adversary.hpp"

#include <algorithm>
#include <cstring>

namespace stt::testing {
namespace {

// Chosen: from a handshake to a few round trips of bulk data.
constexpr std::size_t memory_count_max = 64;
constexpr std::size_t datagram_size_max = 1'500;
// Bits that a guessed Sequence is ahead at most: beyond any replay window, and beyond sense.
constexpr std::uint64_t sequence_shift_max = 62;

}  // namespace

Verdict Adversary::intercept(const DatagramView& datagram) {
    if (!watched_.empty() && !watched_.contains({datagram.from, datagram.to})) {
        return Verdict::pass;
    }
    ++counters_.seen;
    const Memory current{datagram.from,        datagram.to,
                         datagram.at,          datagram.source,
                         datagram.destination, {datagram.bytes.begin(), datagram.bytes.end()}};
    memory_.push_back(current);
    while (memory_.size() > memory_count_max ||
           datagram.at - memory_.front().at > options_.memory_age_max) {
        memory_.pop_front();
    }

    if (does(options_.replay)) {
        ++counters_.replayed;
        const Memory& old = remembered();
        send(old, old.source, old.from, old.bytes, options_.replay_after_max);
    }
    if (does(options_.displace)) {
        ++counters_.displaced;
        const Memory& old = random_.chance(always / 2) ? current : remembered();
        send(old, somebody(), old.from, old.bytes, options_.delay_max);
    }
    if (does(options_.reflect)) {
        ++counters_.reflected;
        ++deed_count_;
        network_.inject_at(current.destination, current.source, current.bytes,
                           Duration(random_.below(100'000)));
    }
    damage(current);
    if (does(options_.drop)) {
        ++counters_.dropped;
        ++deed_count_;
        return Verdict::drop;
    }
    if (does(options_.delay)) {
        ++counters_.delayed;
        send(current, current.source, current.from, current.bytes, options_.delay_max);
        return Verdict::drop;
    }
    return Verdict::pass;
}

void Adversary::damage(const Memory& current) {
    if (does(options_.splice)) {
        ++counters_.spliced;
        send(current, current.source, current.from, spliced(), options_.delay_max);
    }
    if (does(options_.truncate)) {
        ++counters_.truncated;
        const Bytes part = Bytes(current.bytes).first(random_.below(current.bytes.size()) + 1);
        send(current, current.source, current.from, part, options_.delay_max);
    }
    if (does(options_.flip)) {
        ++counters_.flipped;
        std::vector<std::uint8_t> bytes = current.bytes;
        for (std::uint64_t flips = random_.between(1, 8); flips > 0; --flips) {
            const std::uint64_t bit = random_.below(bytes.size() * 8);
            bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        }
        send(current, current.source, current.from, bytes, options_.delay_max);
    }
    if (does(options_.forge)) {
        ++counters_.forged;
        const bool is_in_own_name = random_.chance(always / 4);
        send(current, is_in_own_name ? somebody() : current.source,
             is_in_own_name ? nobody : current.from, forged(), options_.delay_max);
    }
}

void Adversary::send(const Memory& like, const Address& source, NodeNumber from, Bytes bytes,
                     Duration delay_max) {
    ++deed_count_;
    const auto delay = Duration(random_.below(static_cast<std::uint64_t>(delay_max.count()) + 1));
    network_.inject_at(source, like.destination, bytes, delay, from);
}

// Nobody's address, or that of a node which then is the victim.
Address Adversary::somebody() {
    if (random_.chance(always / 3)) {
        return network_.address(random_.below(network_.node_count()));
    }
    return Address::ipv4({203, 0, 113, static_cast<std::uint8_t>(random_.between(1, 4))},
                         static_cast<std::uint16_t>(random_.between(1'024, 1'027)));
}

// Up to three frames of a datagram, from one of them on; or bytes cut anywhere.
void Adversary::append_part(std::vector<std::uint8_t>& bytes, const Memory& from) {
    std::vector<std::uint8_t> copy = from.bytes;
    MutableBytes rest(copy);
    if (random_.chance(always / 4)) {
        const std::size_t skipped = random_.below(rest.size());
        rest = rest.subspan(skipped);
        rest = rest.first(random_.below(rest.size()) + 1);
        bytes.insert(bytes.end(), rest.begin(), rest.end());
        return;
    }
    for (int count = 0; count < 3 && !rest.empty(); ++count) {
        const auto frame = wire::parse_frame(rest);
        if (!frame) return;
        const MutableBytes whole = rest.first(frame->size);
        if (random_.chance(always / 2)) bytes.insert(bytes.end(), whole.begin(), whole.end());
        rest = rest.subspan(frame->size);
    }
}

std::vector<std::uint8_t> Adversary::spliced() {
    std::vector<std::uint8_t> bytes;
    for (std::uint64_t parts = random_.between(2, 4); parts > 0; --parts) {
        append_part(bytes, remembered());
    }
    if (bytes.empty()) bytes = remembered().bytes;
    bytes.resize(std::min(bytes.size(), datagram_size_max));
    return bytes;
}

std::vector<std::uint8_t> Adversary::guessed(const wire::FrameView& like) {
    wire::SessionFrameHeader header;
    header.session_id = like.session_id;
    header.type = like.type;
    header.stream_id = random_.chance(always / 2)
                           ? like.stream_id
                           : static_cast<std::uint16_t>(random_.below(wire::stream_id_max + 1));
    header.sequence = like.sequence + (random_.next() >> random_.between(1, sequence_shift_max));
    header.flags =
        random_.chance(always / 2) ? like.flags : static_cast<std::uint8_t>(random_.below(256));
    header.epoch = like.epoch + random_.below(3);
    const std::size_t payload_size = random_.below(1'200);
    std::vector<std::uint8_t> bytes(payload_size +
                                    wire::session_frame_overhead(header, payload_size));
    const auto layout = wire::lay_out_session_frame(header, payload_size, bytes);
    random_.fill(layout.payload);
    random_.fill(layout.tag);
    // Any type, also one that no session's frame has.
    if (random_.chance(always / 2)) bytes[2] = static_cast<std::uint8_t>(random_.below(256));
    return bytes;
}

std::vector<std::uint8_t> Adversary::forged() {
    const Memory& like = remembered();
    std::vector<std::uint8_t> copy = like.bytes;
    const auto frame = wire::parse_frame(copy);
    if (frame && frame->kind == wire::MetadataKind::session && random_.chance(always * 3 / 4)) {
        return guessed(*frame);
    }
    if (frame && frame->kind != wire::MetadataKind::session) {
        // A handshake's header on noise of its size: hints and nonces of others.
        random_.fill(frame->payload);
        if (random_.chance(always / 2)) return copy;
    }
    std::vector<std::uint8_t> noise(random_.between(1, datagram_size_max));
    random_.fill(noise);
    if (noise.size() > 2 && random_.chance(always / 2)) {
        noise[0] = 0x53;
        noise[1] = 0x54;
        noise[2] = static_cast<std::uint8_t>(random_.below(8));
    }
    return noise;
}

}  // namespace stt::testing
