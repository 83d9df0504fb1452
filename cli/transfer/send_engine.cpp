#include "send_engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stt/check.hpp>
#include <system_error>
#include <utility>

#include "../terminal_text.hpp"

namespace stt::cli {
namespace {

constexpr std::size_t message_room = record_header_size + message_size_max;
// Bytes hashed without anything to send, in one step: about 10 ms, so that answers and
// Ctrl-C are not kept waiting.
constexpr std::uint64_t hashed_max = 16u << 20;
constexpr std::size_t scratch_size = 256u * 1024;
// Spec transfer §5.6: content that arrived damaged is sent once more, and no more.
constexpr unsigned times_sent_max = 2;

}  // namespace

SendEngine::SendEngine(std::vector<SourceRoot> roots, SourceTree::Report report, Counters& counters)
    : tree_(std::move(roots),
            [this](SourceTree::Severity severity, std::string text) {
                if (severity == SourceTree::Severity::failure) {
                    report_failure(std::move(text));
                } else {
                    report_(severity, std::move(text));
                }
            }),
      report_(std::move(report)),
      counters_(counters) {}

void SendEngine::fail(std::string reason) {
    if (failure_.empty()) failure_ = std::move(reason);
}

void SendEngine::report_failure(std::string text) {
    ++counters_.files_failed;
    report_(SourceTree::Severity::failure, std::move(text));
}

void SendEngine::count(Item& item, std::uint64_t bytes, bool skipped) {
    item.counted += bytes;
    counters_.bytes_done += bytes;
    if (skipped) counters_.bytes_skipped += bytes;
}

void SendEngine::uncount(Item& item) {
    counters_.bytes_done -= item.counted;
    item.counted = 0;
}

void SendEngine::copy_out(Bytes message) {
    STT_CHECK(message.size() <= room());
    std::memcpy(buffer_.data() + filled_, message.data(), message.size());
    filled_ += message.size();
}

void SendEngine::write_message(const Notice& notice) {
    std::vector<std::uint8_t> message;
    append_notice(message, notice);
    copy_out(message);
}

SendEngine::Step SendEngine::step(Bytes received, MutableBytes buffer) {
    STT_CHECK(buffer.size() >= 2 * message_room);
    buffer_ = buffer;
    filled_ = 0;
    hashed_ = 0;
    if (!std::exchange(started_, true)) {
        write_message({.kind = Kind::start, .number = transfer_version});
    }
    while (const auto piece = reader_.next(received)) handle(piece->kind, piece->bytes);
    if (const auto fault = reader_.fault()) fail(std::string(*fault));

    if (!total_sent_ && counters_.total_is_known && room() >= message_room) {
        total_sent_ = true;
        write_message(
            {.kind = Kind::total, .number = counters_.bytes_total, .count = counters_.files_total});
    }
    offer_entries();
    while (failure_.empty() && room() >= message_room && hashed_ < hashed_max) {
        if (current_) {
            read_piece();
        } else if (!ready_.empty()) {
            start_next_item();
        } else {
            break;
        }
    }
    const Next next = next_step();
    return {filled_, next};
}

SendEngine::Next SendEngine::next_step() {
    if (!failure_.empty()) return Next::failed;
    if (all_offered_ && items_.empty() && room() >= message_room) {
        write_message({.kind = Kind::finish, .number = counters_.files_failed});
        return Next::finished;
    }
    if (filled_ > 0 || current_ || !ready_.empty()) return Next::produce;
    return all_offered_ || items_.size() >= outstanding_max ? Next::receive : Next::produce;
}

void SendEngine::handle(Kind kind, Bytes body) {
    const auto notice = parse_notice(kind, body);
    if (!notice) return fail(std::string(notice.error()));
    if (kind == Kind::start) {
        if (notice->number == transfer_version) return;
        return fail(
            fmt::format("the receiver speaks version {} of the transfer protocol, and this "
                        "stt version {}",
                        notice->number, transfer_version));
    }
    if (kind == Kind::failed) return fail(visible(notice->text));
    const auto position = items_.find(notice->item);
    if (position != items_.end()) return handle_answer(*notice, position);
    // An item that was abandoned here may have been refused there at the same time.
    if (notice->item >= item_count_) fail("an answer to nothing that was offered");
}

void SendEngine::handle_answer(const Notice& notice, ItemMap::iterator position) {
    Item& item = position->second;
    const Offer& offer = item.entry.offer;
    const bool is_current = current_ && current_item_ == notice.item;
    const bool is_file = offer.kind == EntryKind::file;
    switch (notice.kind) {
        case Kind::done:
            if (is_current) return fail("a file was confirmed before it was sent");
            uncount(item);
            if (is_file) {
                counters_.bytes_done += offer.size;
                ++counters_.files_done;
                if (notice.number != 0) ++counters_.files_present;
            }
            items_.erase(position);
            return;
        case Kind::refused:
            report_failure(fmt::format("the receiver did not take {}: {}", quoted(offer.path),
                                       visible(notice.text)));
            uncount(item);
            // Content that is under way must come to an end for the receiver. Spec transfer §5.5.
            if (is_current) {
                current_.reset();
                write_message({.kind = Kind::abandon, .item = notice.item, .text = "refused"});
            }
            items_.erase(position);
            return;
        case Kind::send:
        case Kind::compare:
            if (!is_file || is_current || notice.number > offer.size ||
                item.times_sent >= times_sent_max ||
                std::find(ready_.begin(), ready_.end(), notice.item) != ready_.end()) {
                return fail("an answer that does not fit what was offered");
            }
            uncount(item);
            item.compare = notice.kind == Kind::compare;
            item.offset = notice.number;
            ready_.push_back(notice.item);
            return;
        default:
            return fail("a message that only a sender may send");
    }
}

void SendEngine::offer_entries() {
    std::vector<std::uint8_t> message;
    while (failure_.empty() && !all_offered_ && items_.size() < outstanding_max &&
           room() >= 2 * message_room) {
        std::optional<SourceEntry> entry = tree_.next();
        if (!entry) {
            all_offered_ = true;
            return;
        }
        entry->offer.item = item_count_++;
        message.clear();
        append_offer(message, entry->offer);
        copy_out(message);
        items_.emplace(entry->offer.item, Item{.entry = std::move(*entry)});
    }
}

void SendEngine::start_next_item() {
    current_item_ = ready_.front();
    ready_.pop_front();
    const auto position = items_.find(current_item_);
    if (position == items_.end()) return;  // refused meanwhile
    Item& item = position->second;
    auto file = tree_.open_file(item.entry);
    if (!file) {
        const int error = file.error();
        return leave_current(error == ENOENT ? "it is not there any more"
                                             : std::generic_category().message(error));
    }
    auto source = SourceFile::open(*std::move(file), item.entry.offer);
    if (!source) return leave_current(source.error());
    current_.emplace(*std::move(source));
    if (item.compare) return;
    ++item.times_sent;
    count(item, item.offset, true);
    write_message({.kind = Kind::begin, .item = current_item_, .number = item.offset});
}

void SendEngine::read_piece() {
    if (current_->at_end()) return end_current();
    Item& item = items_.at(current_item_);
    const std::uint64_t position = current_->position();
    if (item.compare || position < item.offset) {
        // The receiver has these bytes; they only go into the digest.
        if (scratch_.empty()) scratch_.resize(scratch_size);
        const std::uint64_t end = item.compare ? item.entry.offer.size : item.offset;
        const auto piece = current_->read(scratch_, end - position);
        if (!piece) return leave_current(piece.error());
        hashed_ += piece->size;
        if (item.compare) count(item, piece->size, true);
        return;
    }
    MutableBytes space = buffer_.subspan(filled_ + record_header_size);
    space = space.first(std::min(space.size(), data_size_max));
    const auto piece = current_->read(space, hole_size_max);
    if (!piece) return leave_current(piece.error());
    count(item, piece->size, false);
    if (piece->is_hole) {
        hashed_ += piece->size;
        return write_message({.kind = Kind::hole, .number = piece->size});
    }
    const auto size = static_cast<std::size_t>(piece->size);
    copy_out(record_header(Kind::data, size));
    filled_ += size;  // read() put the content there
    counters_.bytes_content += size;
}

void SendEngine::end_current() {
    const auto digest = current_->finish();
    if (!digest) return leave_current(digest.error());
    current_.reset();
    const Kind kind = items_.at(current_item_).compare ? Kind::digest : Kind::end;
    write_message({.kind = kind, .item = current_item_, .digest = *digest});
}

void SendEngine::leave_current(std::string_view reason) {
    current_.reset();
    const auto position = items_.find(current_item_);
    Item& item = position->second;
    uncount(item);
    report_failure(fmt::format("not sent: {}: {}", quoted(item.entry.offer.path), reason));
    write_message({.kind = Kind::abandon, .item = current_item_, .text = std::string(reason)});
    items_.erase(position);
}

}  // namespace stt::cli
