#include "core/stream/message_assembly.hpp"

#include <algorithm>
#include <array>

#include "codec/reader.hpp"
#include "codec/varint.hpp"

namespace stt::stream {
namespace {

Unexpected<wire::Violation> misplaced(std::string_view text) {
    return Unexpected(wire::Violation{ErrorCode::flow_control, text});
}

bool is_whole_message(std::uint64_t back, Bytes bytes) noexcept {
    codec::Reader reader(bytes);
    const auto length = reader.varint();
    return back == 0 && length && *length == reader.remaining().size();
}

}  // namespace

// Spec protocol §7.2: a STREAM_END inside a message is error 5.
Result<void, wire::Violation> MessageAssembly::check_end(std::uint64_t end) const {
    auto at = partial_.lower_bound(end);
    if (at == partial_.begin()) return {};
    --at;
    if (!at->second.end || *at->second.end <= end) return {};
    return misplaced("STREAM_END inside a message");
}

// A message that is new here may lie over no other.
Result<void, wire::Violation> MessageAssembly::check_free(const ReceiveBuffer& buffer,
                                                          std::uint64_t begin,
                                                          std::uint64_t end) const {
    const auto next = partial_.upper_bound(begin);
    const bool runs_into_next = next != partial_.end() && next->first < end;
    if (runs_into_next || intersects(ready_, begin, end) || buffer.is_any_consumed(begin, end)) {
        return misplaced("messages overlap");
    }
    return {};
}

Result<void, wire::Violation> MessageAssembly::measure(const ReceiveBuffer& buffer,
                                                       std::uint64_t begin, Partial& partial) {
    std::array<std::uint8_t, codec::varint_size_max> field;
    std::size_t size = 0;
    while (size < field.size() && buffer.contains(begin + size, begin + size + 1)) ++size;
    buffer.copy(begin, MutableBytes(field).first(size));
    codec::Reader reader(Bytes(field).first(size));
    const auto length = reader.varint();
    if (!length) {
        if (size == field.size() || length.error() != DecodeError::truncated) {
            return Unexpected(wire::Violation{length.error()});
        }
        begun_end_ = std::max(begun_end_, begin + field.size());
        return {};
    }
    const std::size_t field_size = size - reader.remaining().size();
    if (*length > size_max_ - field_size) {
        is_too_long_ = true;
        return {};
    }
    const std::uint64_t end = begin + field_size + *length;
    if (partial.highest_end > end) return misplaced("bytes beyond their message");
    STT_TRY_VOID(check_free(buffer, begin, end));
    if (buffer.final_offset() && *buffer.final_offset() < end) {
        return misplaced("STREAM_END inside a message");
    }
    partial.end = end;
    begun_end_ = std::max(begun_end_, end);
    return {};
}

Result<MessageAssembly::Outcome, wire::Violation> MessageAssembly::receive(ReceiveBuffer& buffer,
                                                                           std::uint64_t offset,
                                                                           std::uint64_t back,
                                                                           Bytes bytes, bool is_end,
                                                                           bool may_grow) {
    const std::uint64_t end = offset + bytes.size();
    if (is_end) {
        STT_TRY_VOID(check_end(end));
    }
    if (bytes.empty() && back != 0) return misplaced("an empty STREAM_END inside a message");
    // The end alone, or what is known already.
    if (buffer.contains(offset, end)) return buffer.receive(offset, bytes, is_end);

    const std::uint64_t begin = offset - back;
    auto at = partial_.lower_bound(begin);
    const bool is_new = at == partial_.end() || at->first != begin;
    if (at != partial_.begin() && std::prev(at)->second.known_end() > begin) {
        return misplaced("messages overlap");
    }
    if (!is_new && at->second.end && end > *at->second.end) {
        return misplaced("bytes beyond their message");
    }
    STT_TRY_VOID(check_free(buffer, is_new ? begin : offset, end));
    if (is_new && !is_whole_message(back, bytes)) {
        const bool is_first = begin == buffer.read_end();
        const bool has_room = may_grow && partial_.size() < partial_message_count_max;
        if (!is_first && !has_room) return Outcome::not_taken;
    }
    STT_TRY(const Outcome outcome, buffer.receive(offset, bytes, is_end, may_grow));
    if (outcome == Outcome::not_taken) return outcome;

    Partial partial = is_new ? Partial{} : at->second;
    partial.highest_end = std::max(partial.highest_end, end);
    if (!partial.end) {
        STT_TRY_VOID(measure(buffer, begin, partial));
    }
    if (is_end && partial.end && *partial.end != end) {
        return misplaced("STREAM_END inside a message");
    }
    if (partial.end && buffer.contains(begin, *partial.end)) {
        if (!is_new) partial_.erase(at);
        ready_.insert(begin, *partial.end);
    } else if (is_new) {
        partial_.emplace_hint(at, begin, partial);
    } else {
        at->second = partial;
    }
    return outcome;
}

Result<MessageAssembly::Outcome, wire::Violation> MessageAssembly::skip(ReceiveBuffer& buffer,
                                                                        std::uint64_t from,
                                                                        std::uint64_t to,
                                                                        bool may_grow) {
    if (from > to) return misplaced("SKIP ends before it begins");
    const auto first = partial_.lower_bound(from);
    if (first != partial_.begin() && std::prev(first)->second.known_end() > from) {
        return misplaced("SKIP cuts a message");
    }
    const auto last = partial_.lower_bound(to);
    if (last != first && std::prev(last)->second.known_end() > to) {
        return misplaced("SKIP cuts a message");
    }
    STT_TRY(const Outcome outcome, buffer.skip(from, to, may_grow));
    if (outcome == Outcome::not_taken) return outcome;
    partial_.erase(first, last);
    std::uint64_t begin = from;
    const auto& ready = ready_.intervals();
    auto complete = std::lower_bound(
        ready.begin(), ready.end(), from,
        [](const Interval& interval, std::uint64_t value) { return interval.end <= value; });
    for (; complete != ready.end() && complete->begin < to; ++complete) {
        buffer.consume(begin, std::max(begin, complete->begin));
        begin = complete->end;
    }
    buffer.consume(begin, to);
    return outcome;
}

void MessageAssembly::take(ReceiveBuffer& buffer, std::vector<std::uint8_t>& output) {
    const Interval ready = ready_.front();
    std::array<std::uint8_t, message_length_size_max> field;
    const auto field_room =
        static_cast<std::size_t>(std::min<std::uint64_t>(field.size(), ready.size()));
    buffer.copy(ready.begin, MutableBytes(field).first(field_room));
    codec::Reader reader(Bytes(field).first(field_room));
    const auto length = reader.varint();
    STT_CHECK(length.has_value());
    const std::uint64_t bytes_begin = ready.begin + field_room - reader.remaining().size();
    output.resize(static_cast<std::size_t>(*length));
    buffer.copy(bytes_begin, output);
    const std::uint64_t end = bytes_begin + *length;
    STT_CHECK(end <= ready.end);
    ready_.erase(ready.begin, end);
    buffer.consume(ready.begin, end);
}

void MessageAssembly::clear() {
    partial_.clear();
    ready_.clear();
}

}  // namespace stt::stream
