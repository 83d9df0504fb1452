#include "core/session/replay_window.hpp"

#include <algorithm>
#include <bit>

namespace stt::session {
namespace {

constexpr std::size_t word_bits = 64;

static_assert(std::has_single_bit(replay_window_size_min));
static_assert(std::has_single_bit(replay_window_size_max));
static_assert(replay_window_size_min % word_bits == 0);

}  // namespace

ReplayWindow::ReplayWindow() : bits_(replay_window_size_min / word_bits) {}

Result<void, wire::DropReason> ReplayWindow::check(std::uint64_t sequence) const noexcept {
    if (!highest_ || sequence > *highest_) return {};
    if (sequence < low_edge_) return Unexpected(wire::DropReason::sequence_too_old);
    if (sequence == *highest_ || is_marked(sequence)) {
        return Unexpected(wire::DropReason::sequence_repeated);
    }
    return {};
}

Result<void, wire::DropReason> ReplayWindow::accept(std::uint64_t sequence) noexcept {
    STT_TRY_VOID(check(sequence));
    if (highest_ && sequence < *highest_) {
        mark(sequence);
        return {};
    }
    const std::uint64_t edge = sequence > size() ? sequence - size() : 0;
    const std::uint64_t former_end = highest_ ? *highest_ : 0;
    const std::uint64_t low_edge = std::max(low_edge_, edge);
    // What enters the window from above was not seen, but for the former highest.
    clear(std::max(former_end, low_edge), sequence);
    low_edge_ = low_edge;
    if (highest_ && *highest_ >= low_edge_) mark(*highest_);
    highest_ = sequence;
    return {};
}

void ReplayWindow::set_size(std::size_t size_wanted) {
    const std::size_t grown_size =
        std::bit_ceil(std::clamp(size_wanted, replay_window_size_min, replay_window_size_max));
    if (grown_size <= size()) return;
    ReplayWindow grown;
    grown.bits_.assign(grown_size / word_bits, 0);
    for (std::uint64_t sequence = low_edge_; highest_ && sequence < *highest_; ++sequence) {
        if (is_marked(sequence)) grown.mark(sequence);
    }
    bits_ = std::move(grown.bits_);
}

bool ReplayWindow::is_marked(std::uint64_t sequence) const noexcept {
    const auto place = static_cast<std::size_t>(sequence % size());
    return ((bits_[place / word_bits] >> (place % word_bits)) & 1) != 0;
}

void ReplayWindow::mark(std::uint64_t sequence) noexcept {
    const auto place = static_cast<std::size_t>(sequence % size());
    bits_[place / word_bits] |= std::uint64_t{1} << (place % word_bits);
}

// At most size() Sequences, a word at a time where a whole one is meant: a jump must not cost
// an attacker's victim 65,536 steps.
void ReplayWindow::clear(std::uint64_t first, std::uint64_t end) noexcept {
    while (first < end) {
        const auto place = static_cast<std::size_t>(first % size());
        const std::uint64_t bit = place % word_bits;
        const std::uint64_t count = std::min(end - first, word_bits - bit);
        const std::uint64_t ones =
            count == word_bits ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
        bits_[place / word_bits] &= ~(ones << bit);
        first += count;
    }
}

}  // namespace stt::session
