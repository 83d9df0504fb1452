#include "transfer_receiver.hpp"

#include <algorithm>
#include <array>
#include <stt/check.hpp>
#include <utility>

#include "cli/transfer/part_name.hpp"
#include "cli/transfer/path_rules.hpp"

namespace stt::wasm {
namespace {

using cli::EntryKind;
using cli::Kind;

constexpr unsigned times_begun_max = 2;  // Spec transfer §5.6

}  // namespace

TransferReceiver::TransferReceiver() {
    say({.kind = Kind::start, .number = cli::transfer_version});
}

void TransferReceiver::push(Bytes received) {
    if (input_.empty()) input_ = received;
}

void TransferReceiver::end() {
    has_ended_ = true;
}

TransferReceiver::Next TransferReceiver::next() {
    while (failure_.empty()) {
        if (const auto piece = reader_.next(input_)) {
            if (const auto next = handle(*piece)) return *next;
            continue;
        }
        if (const auto fault = reader_.fault()) {
            violation(*fault);
            break;
        }
        leave_folders();
        if (!output_.empty()) return Next::output;
        if (!has_ended_) return Next::wait;
        if (is_finished_ && items_.empty() && reader_.at_boundary()) return Next::complete;
        fail("the stream ended early", "the sender ended early");
    }
    return Next::failed;
}

std::optional<TransferReceiver::Next> TransferReceiver::handle(const cli::RecordPiece& piece) {
    // Spec transfer §3.1: START is first, and comes once.
    if ((piece.kind == Kind::start) == has_started_) {
        violation("START is not in its place");
        return std::nullopt;
    }
    if (is_finished_) {
        violation("a message after FINISH");
        return std::nullopt;
    }
    if (piece.kind == Kind::data) return take_content(piece.bytes);
    if (piece.kind == Kind::offer) {
        const auto offer = cli::parse_offer(piece.bytes);
        if (offer) return handle_offer(*offer);
        violation(offer.error());
        return std::nullopt;
    }
    const auto notice = cli::parse_notice(piece.kind, piece.bytes);
    if (notice) return handle_notice(*notice);
    violation(notice.error());
    return std::nullopt;
}

std::optional<TransferReceiver::Next> TransferReceiver::handle_offer(const cli::Offer& offer) {
    if (offer.item != next_item_ || items_.size() >= cli::outstanding_max) {
        violation("an OFFER out of order, or too many");
        return std::nullopt;
    }
    ++next_item_;
    std::optional<std::string_view> fault = cli::path_fault(offer.path);
    if (!fault && offer.kind == EntryKind::link) fault = "a page does not make links";
    if (fault) {
        ++totals_.files_failed;
        say({.kind = Kind::refused, .item = offer.item, .text = std::string(*fault)});
        return std::nullopt;
    }
    Item& item = items_.emplace(offer.item, Item{.offer = offer}).first->second;
    switch (offer.kind) {
        case EntryKind::file: {
            const Next next = about(item, Next::offer);
            subject_.part = cli::part_name(offer);
            return next;
        }
        case EntryKind::leave:
            item.phase = Phase::leaving;
            return std::nullopt;
        default:
            // Folders are made where a file needs them: an empty one leaves no trace in a page.
            settle(item, false);
            return std::nullopt;
    }
}

std::optional<TransferReceiver::Next> TransferReceiver::handle_notice(const cli::Notice& notice) {
    switch (notice.kind) {
        case Kind::start:
            has_started_ = true;
            if (notice.number != static_cast<std::uint64_t>(cli::transfer_version)) {
                fail("this page speaks version 1 of the transfer protocol",
                     "the sender speaks another version of the transfer protocol");
            }
            return std::nullopt;
        case Kind::hole:
            return take_hole(notice.number);
        case Kind::total:
            totals_.files = notice.count;
            totals_.bytes = notice.number;
            return std::nullopt;
        case Kind::finish:
            leave_folders();
            if (!items_.empty()) violation("FINISH before everything is settled");
            is_finished_ = true;
            // What the sender could not read counts here too.
            totals_.files_failed = std::max(totals_.files_failed, notice.number);
            return std::nullopt;
        default:
            break;
    }
    const auto found = items_.find(notice.item);
    if (found == items_.end()) {
        // What was refused here may have been ended there at the same time.
        const bool is_late = notice.item < next_item_ && notice.kind != Kind::begin;
        if (!is_late) violation("a message about nothing that was offered");
        return std::nullopt;
    }
    Item& item = found->second;
    switch (notice.kind) {
        case Kind::begin:
            return begin(item, notice.number);
        case Kind::end:
            return handle_end(item, notice.digest);
        case Kind::abandon:
            return handle_abandon(item, notice.text);
        case Kind::digest:
            if (item.phase != Phase::comparing || compared_) {
                violation("a digest that nobody asked for");
                return std::nullopt;
            }
            item.digest = notice.digest;
            compared_.emplace().item = notice.item;
            return about(item, Next::compare);
        default:
            violation("a message that only a receiver may send");
            return std::nullopt;
    }
}

std::optional<TransferReceiver::Next> TransferReceiver::begin(Item& item, std::uint64_t offset) {
    if (current_ || item.phase != Phase::waiting || (offset != 0 && offset != item.offset)) {
        violation("BEGIN is not in its place");
        return std::nullopt;
    }
    item.phase = Phase::receiving;
    ++item.times_begun;
    current_.emplace().item = item.offer.item;
    current_->begins_at = offset;
    const Next next = about(item, Next::begin);
    subject_.offset = offset;
    return next;
}

// Of the file that content is coming for, or that is compared.
void TransferReceiver::known(Bytes content) {
    std::optional<Current>& one = compared_ ? compared_ : current_;
    if (!one) return;
    one->digest.update(content);
    one->position += content.size();
    if (!compared_) count(items_.at(one->item), content.size());
}

bool TransferReceiver::has_room(std::uint64_t size) {
    const Item& item = items_.at(current_->item);
    if (size <= item.offer.size - std::min(item.offer.size, current_->position)) return true;
    violation("more content than was offered");
    return false;
}

std::optional<TransferReceiver::Next> TransferReceiver::take_content(Bytes content) {
    if (!current_) {
        violation("content of no file");
        return std::nullopt;
    }
    Item& item = items_.at(current_->item);
    if (item.phase == Phase::discarding || !has_room(content.size())) return std::nullopt;
    current_->digest.update(content);
    current_->position += content.size();
    count(item, content.size());
    piece_ = content;
    return about(item, Next::content);
}

std::optional<TransferReceiver::Next> TransferReceiver::take_hole(std::uint64_t size) {
    if (!current_ || size == 0 || size > cli::hole_size_max) {
        violation("a hole that cannot be");
        return std::nullopt;
    }
    Item& item = items_.at(current_->item);
    if (item.phase == Phase::discarding || !has_room(size)) return std::nullopt;
    static constexpr std::array<std::uint8_t, 65'536> zeros{};
    for (std::uint64_t left = size; left > 0;) {
        const std::size_t part =
            static_cast<std::size_t>(std::min<std::uint64_t>(left, zeros.size()));
        current_->digest.update(Bytes(zeros).first(part));
        left -= part;
    }
    current_->position += size;
    count(item, size);
    const Next next = about(item, Next::hole);
    subject_.size = size;
    return next;
}

std::optional<TransferReceiver::Next> TransferReceiver::handle_end(
    Item& item, const ContentDigest::Output& digest) {
    if (!current_ || current_->item != item.offer.item) {
        violation("END is not in its place");
        return std::nullopt;
    }
    std::optional<Current> current = std::exchange(current_, std::nullopt);
    if (item.phase == Phase::discarding) {
        items_.erase(item.offer.item);  // it was refused
        return std::nullopt;
    }
    if (current->position != item.offer.size) {
        violation("END before all content");
        return std::nullopt;
    }
    if (current->digest.finish() == digest) {
        item.phase = Phase::whole;
        return about(item, Next::commit);
    }
    // Spec transfer §5.6: all of it is discarded, and asked for once more.
    const Next next = about(item, Next::discard);
    subject_.reason = "its content arrived damaged";
    totals_.bytes_done -= std::exchange(item.counted, 0);
    item.phase = Phase::waiting;
    if (item.times_begun >= times_begun_max) {
        refuse(item.offer.item, "its content arrived damaged twice");
        return next;
    }
    subject_.is_again = true;
    item.offset = 0;
    say({.kind = Kind::send, .item = item.offer.item, .number = 0});
    return next;
}

std::optional<TransferReceiver::Next> TransferReceiver::handle_abandon(Item& item,
                                                                       std::string_view reason) {
    if (item.phase == Phase::whole || item.phase == Phase::leaving) {
        violation("ABANDON of what is whole");
        return std::nullopt;
    }
    const bool was_refused = item.phase == Phase::discarding;
    const Next next = about(item, Next::discard);
    subject_.reason = reason;
    if (current_ && current_->item == item.offer.item) current_.reset();
    totals_.bytes_done -= item.counted;
    items_.erase(item.offer.item);
    if (was_refused) return std::nullopt;
    ++totals_.files_failed;
    return next;
}

TransferReceiver::Item* TransferReceiver::find(std::uint64_t number, Phase phase) {
    const auto found = items_.find(number);
    return found == items_.end() || found->second.phase != phase ? nullptr : &found->second;
}

void TransferReceiver::accept(std::uint64_t number, std::uint64_t offset) {
    Item* const item = find(number, Phase::offered);
    if (item == nullptr) return;
    item->offset = std::min(offset, item->offer.size);
    item->phase = Phase::waiting;
    say({.kind = Kind::send, .item = number, .number = item->offset});
}

void TransferReceiver::compare(std::uint64_t number) {
    Item* const item = find(number, Phase::offered);
    if (item == nullptr) return;
    item->phase = Phase::comparing;
    say({.kind = Kind::compare, .item = number});
}

void TransferReceiver::compared(std::uint64_t number) {
    std::optional<Current> one = std::exchange(compared_, std::nullopt);
    Item* const item = find(number, Phase::comparing);
    if (item == nullptr || !one || one->item != number) return;
    const bool is_same = one->position == item->offer.size && one->digest.finish() == item->digest;
    if (is_same) return settle(*item, true);
    refuse(number, "something else has its name");
}

void TransferReceiver::refuse(std::uint64_t number, std::string_view reason) {
    const auto found = items_.find(number);
    if (found == items_.end()) return;
    Item& item = found->second;
    if (item.phase == Phase::discarding || item.phase == Phase::leaving) return;
    ++totals_.files_failed;
    totals_.bytes_done -= std::exchange(item.counted, 0);
    say({.kind = Kind::refused, .item = number, .text = std::string(reason)});
    if (compared_ && compared_->item == number) compared_.reset();
    if (current_ && current_->item == number) {
        // Its content still comes, until END or ABANDON.
        item.phase = Phase::discarding;
    } else {
        items_.erase(found);
    }
}

void TransferReceiver::stored(std::uint64_t number) {
    Item* const item = find(number, Phase::whole);
    if (item != nullptr) settle(*item, false);
}

void TransferReceiver::give_up(std::string_view reason) {
    fail(reason, std::string(reason));
}

void TransferReceiver::settle(Item& item, bool was_present) {
    if (item.offer.kind == EntryKind::file) {
        totals_.bytes_done += item.offer.size - item.counted;
        ++totals_.files_done;
    }
    const std::uint64_t number = item.offer.item;
    say({.kind = Kind::done, .item = number, .number = was_present ? 1u : 0u});
    items_.erase(number);
}

// Everything in a folder was offered before its leaving: that is over once it is the oldest item.
void TransferReceiver::leave_folders() {
    while (!items_.empty() && items_.begin()->second.phase == Phase::leaving) {
        settle(items_.begin()->second, false);
    }
}

TransferReceiver::Next TransferReceiver::about(const Item& item, Next next) {
    subject_ = {};
    subject_.item = item.offer.item;
    subject_.size = item.offer.size;
    subject_.modified = item.offer.modified;
    subject_.path = item.offer.path;
    return next;
}

void TransferReceiver::count(Item& item, std::uint64_t size) {
    item.counted += size;
    totals_.bytes_done += size;
}

void TransferReceiver::violation(std::string_view what) {
    fail("broken transfer protocol: " + std::string(what),
         "the sender broke the transfer protocol: " + std::string(what));
}

void TransferReceiver::fail(std::string_view to_sender, std::string to_person) {
    if (!failure_.empty()) return;
    failure_ = std::move(to_person);
    say({.kind = Kind::failed, .text = std::string(to_sender)});
}

}  // namespace stt::wasm
