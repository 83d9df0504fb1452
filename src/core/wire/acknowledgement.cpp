// ACK and CREDITS: messages that hold lists. Spec protocol §8.1, RFC 9000 §19.3.1.
#include <algorithm>
#include <stt/check.hpp>

#include "codec/varint.hpp"
#include "core/wire/control.hpp"
#include "core/wire/control_kinds.hpp"

namespace stt::wire {
namespace {

using codec::varint_size;
using codec::Writer;

static_assert(varint_size(ack_range_count_max) == 1, "write_ack counts one byte for the count");

// From the range above to this one, as the wire has it.
struct GapAndRange {
    std::uint64_t gap = 0;
    std::uint64_t range = 0;
};

GapAndRange gap_and_range(const SequenceRange& above, const SequenceRange& below) noexcept {
    STT_CHECK(below.first <= below.last && below.last < above.first &&
              above.first - below.last >= 2);
    return {above.first - below.last - 2, below.last - below.first};
}

std::size_t ecn_size(const std::optional<EcnCounts>& ecn) noexcept {
    if (!ecn) return 0;
    return varint_size(ecn->ect0) + varint_size(ecn->ect1) + varint_size(ecn->ce);
}

std::size_t message_size(std::size_t body_size) noexcept {
    return 1 + varint_size(body_size) + body_size;
}

}  // namespace

std::size_t write_ack(Writer& writer, std::span<const SequenceRange> descending,
                      std::uint64_t delay_us, const std::optional<EcnCounts>& ecn,
                      std::size_t room) noexcept {
    STT_CHECK(!descending.empty() && descending.front().first <= descending.front().last);
    const SequenceRange& newest = descending.front();
    const std::uint64_t first_range = newest.last - newest.first;
    std::size_t body_size = varint_size(newest.last) + varint_size(delay_us) +
                            varint_size(first_range) + 1 + ecn_size(ecn);
    room = std::min(room, writer.room());
    if (message_size(body_size) > room) return 0;

    std::size_t count = 1;
    while (count < std::min(descending.size(), ack_range_count_max)) {
        const auto [gap, range] = gap_and_range(descending[count - 1], descending[count]);
        const std::size_t larger = body_size + varint_size(gap) + varint_size(range);
        if (message_size(larger) > room) break;
        body_size = larger;
        ++count;
    }

    writer.varint(static_cast<std::uint64_t>(ecn ? ControlKind::ack_ecn : ControlKind::ack));
    writer.varint(body_size);
    writer.varint(newest.last);
    writer.varint(delay_us);
    writer.varint(first_range);
    writer.varint(count - 1);
    for (std::size_t i = 1; i < count; ++i) {
        const auto [gap, range] = gap_and_range(descending[i - 1], descending[i]);
        writer.varint(gap);
        writer.varint(range);
    }
    if (ecn) {
        writer.varint(ecn->ect0);
        writer.varint(ecn->ect1);
        writer.varint(ecn->ce);
    }
    return count;
}

AckRanges::AckRanges(const Ack& ack) noexcept
    : reader_(ack.ranges),
      rest_(ack.range_count),
      current_(SequenceRange{ack.largest - ack.first_range, ack.largest}) {}

std::optional<SequenceRange> AckRanges::next() noexcept {
    const std::optional<SequenceRange> given = current_;
    current_.reset();
    if (given && rest_ > 0) {
        --rest_;
        // Parsing has gone over them: they decode, and stay above zero.
        const std::uint64_t gap = *reader_.varint();
        const std::uint64_t range = *reader_.varint();
        const std::uint64_t last = given->first - gap - 2;
        current_ = SequenceRange{last - range, last};
    }
    return given;
}

std::optional<CreditsEntry> CreditsEntries::next() noexcept {
    if (reader_.is_at_end()) return std::nullopt;
    CreditsEntry entry;
    entry.stream = *reader_.varint();
    entry.use = *reader_.varint();
    entry.limit = *reader_.varint();
    return entry;
}

}  // namespace stt::wire
