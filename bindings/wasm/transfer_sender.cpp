#include "transfer_sender.hpp"

#include <algorithm>
#include <stt/check.hpp>
#include <utility>

#include "cli/transfer/path_rules.hpp"

namespace stt::wasm {
namespace {

using cli::EntryKind;
using cli::Kind;

constexpr unsigned times_sent_max = 2;  // Spec transfer §5.6
// Of files that a page has nobody knows the permissions.
constexpr std::uint32_t file_mode = 0644;
constexpr std::uint32_t folder_mode = 0755;

std::string_view folder_of(std::string_view path) noexcept {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

bool is_within(std::string_view path, std::string_view folder) noexcept {
    return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

// By components, so that whatever is in one folder stands together.
bool is_before(std::string_view left, std::string_view right) noexcept {
    return std::lexicographical_compare(
        left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
            const auto rank = [](char each) {
                return each == '/' ? 0 : 1 + static_cast<unsigned char>(each);
            };
            return rank(a) < rank(b);
        });
}

}  // namespace

TransferSender::TransferSender() {
    say({.kind = Kind::start, .number = cli::transfer_version});
}

std::optional<std::string_view> TransferSender::add(std::string path, std::uint64_t size,
                                                    cli::Timestamp modified) {
    if (const auto fault = cli::path_fault(path)) return fault;
    sources_.push_back({std::move(path), size, modified, sources_.size()});
    ++totals_.files;
    totals_.bytes += size;
    return std::nullopt;
}

void TransferSender::start(cli::Timestamp now) {
    now_ = now;
    std::stable_sort(sources_.begin(), sources_.end(),
                     [](const Source& a, const Source& b) { return is_before(a.path, b.path); });
    say({.kind = Kind::total, .number = totals_.bytes, .count = totals_.files});
}

void TransferSender::receive(Bytes received) {
    while (failure_.empty()) {
        const auto piece = reader_.next(received);
        if (!piece) break;
        handle(piece->kind, piece->bytes);
    }
    if (const auto fault = reader_.fault()) fail(*fault);
}

bool TransferSender::end() {
    if (is_finished_ && reader_.at_boundary()) return true;
    fail("the receiver ended early");
    return false;
}

void TransferSender::handle(Kind kind, Bytes body) {
    const auto notice = cli::parse_notice(kind, body);
    if (!notice) return fail(notice.error());
    // Spec transfer §3.1: START is first, and comes once.
    if ((kind == Kind::start) == has_started_) return fail("START is not in its place");
    if (kind == Kind::start) {
        has_started_ = true;
        if (notice->number == static_cast<std::uint64_t>(cli::transfer_version)) return;
        return fail("the receiver speaks another version of the transfer protocol");
    }
    if (kind == Kind::failed) return fail(notice->text);
    const auto found = items_.find(notice->item);
    if (found != items_.end()) return handle_answer(*notice, found->second);
    // What was abandoned here may have been answered there at the same time.
    if (notice->item >= item_count_) fail("an answer to nothing that was offered");
}

void TransferSender::handle_answer(const cli::Notice& notice, Item& item) {
    const bool is_current = current_ && current_->item == notice.item;
    const bool is_file = item.kind == EntryKind::file;
    switch (notice.kind) {
        case Kind::done:
            if (is_current) return fail("a file was confirmed before it was sent");
            if (is_file) {
                totals_.bytes_done += sources_[item.source].size - item.counted;
                ++totals_.files_done;
            }
            item.counted = 0;  // it stays counted
            return settle(notice.item);
        case Kind::refused:
            note_failure(item, notice.text);
            if (is_current) {
                // Content that is under way has to come to an end for the receiver.
                current_.reset();
                say({.kind = Kind::abandon, .item = notice.item, .text = "refused"});
            }
            return settle(notice.item);
        case Kind::send:
        case Kind::compare:
            if (!is_file || is_current || item.is_ready || item.times_sent >= times_sent_max ||
                notice.number > sources_[item.source].size) {
                return fail("an answer that does not fit what was offered");
            }
            totals_.bytes_done -= std::exchange(item.counted, 0);
            item.is_compared = notice.kind == Kind::compare;
            item.offset = notice.number;
            item.is_ready = true;
            ready_.push_back(notice.item);
            return;
        default:
            return fail("a message that only a sender may send");
    }
}

TransferSender::Next TransferSender::next() {
    while (failure_.empty()) {
        if (output_.size() >= piece_size_max) return Next::output;
        if (offer_next()) continue;
        if (!current_ && begin_next()) continue;
        if (current_) {
            const Item& item = items_.at(current_->item);
            const Source& source = sources_[item.source];
            const std::uint64_t left = source.size - current_->position;
            if (left == 0) {
                end_current();
                continue;
            }
            // A piece is wholly within what the receiver has, or wholly not.
            const bool is_there = item.is_compared || current_->position < item.offset;
            const std::uint64_t end =
                is_there && !item.is_compared ? item.offset - current_->position : left;
            wanted_ = {source.number, current_->position,
                       static_cast<std::size_t>(std::min<std::uint64_t>(end, piece_size_max))};
            return Next::content;
        }
        if (!output_.empty()) return Next::output;
        const bool is_over = items_.empty() && next_source_ == sources_.size() && folders_.empty();
        if (!is_over) return Next::wait;
        if (std::exchange(is_finished_, true)) return Next::finished;
        say({.kind = Kind::finish, .number = totals_.files_failed});
    }
    return Next::failed;
}

// One entry: the folder that the next file is in, the file, or the leaving of a folder.
bool TransferSender::offer_next() {
    if (items_.size() >= cli::outstanding_max) return false;
    const bool has_file = next_source_ < sources_.size();
    if (!folders_.empty() &&
        (!has_file || !is_within(sources_[next_source_].path, folders_.back()))) {
        offer(EntryKind::leave, folders_.back(), 0);
        folders_.pop_back();
        return true;
    }
    if (!has_file) return false;
    const std::string& path = sources_[next_source_].path;
    const std::string_view folder = folder_of(path);
    const std::string_view entered = folders_.empty() ? std::string_view() : folders_.back();
    if (folder != entered) {
        const std::size_t from = entered.empty() ? 0 : entered.size() + 1;
        folders_.emplace_back(folder.substr(0, folder.find('/', from)));
        offer(EntryKind::folder, folders_.back(), 0);
        return true;
    }
    offer(EntryKind::file, path, next_source_++);
    return true;
}

void TransferSender::offer(EntryKind kind, std::string path, std::size_t source) {
    cli::Offer one{.item = item_count_++, .kind = kind, .path = std::move(path)};
    one.mode = folder_mode;
    one.modified = now_;
    if (kind == EntryKind::file) {
        one.size = sources_[source].size;
        one.mode = file_mode;
        one.modified = sources_[source].modified;
    }
    append_offer(output_, one);
    items_[one.item] = Item{.kind = kind, .source = source};
}

bool TransferSender::begin_next() {
    if (ready_.empty()) return false;
    const std::uint64_t number = ready_.front();
    ready_.pop_front();
    const auto found = items_.find(number);
    if (found == items_.end()) return true;  // refused meanwhile
    Item& item = found->second;
    item.is_ready = false;
    current_.emplace().item = number;
    if (item.is_compared) return true;
    ++item.times_sent;
    say({.kind = Kind::begin, .item = number, .number = item.offset});
    return true;
}

void TransferSender::give(Bytes content) {
    if (!current_ || content.size() != wanted_.size) return;
    Item& item = items_.at(current_->item);
    current_->digest.update(content);
    const bool is_there = item.is_compared || current_->position < item.offset;
    current_->position += content.size();
    totals_.bytes_done += content.size();
    item.counted += content.size();
    if (is_there) return;
    const auto header = cli::record_header(Kind::data, content.size());
    output_.insert(output_.end(), header.begin(), header.end());
    output_.insert(output_.end(), content.begin(), content.end());
}

void TransferSender::give_up(std::string_view reason) {
    if (current_) leave_current(reason);
}

void TransferSender::end_current() {
    const std::uint64_t number = current_->item;
    const Kind kind = items_.at(number).is_compared ? Kind::digest : Kind::end;
    say({.kind = kind, .item = number, .digest = current_->digest.finish()});
    current_.reset();
}

void TransferSender::leave_current(std::string_view reason) {
    const std::uint64_t number = current_->item;
    current_.reset();
    note_failure(items_.at(number), reason);
    say({.kind = Kind::abandon, .item = number, .text = std::string(reason)});
    settle(number);
}

void TransferSender::settle(std::uint64_t number) {
    totals_.bytes_done -= items_.at(number).counted;  // 0 of what was confirmed
    items_.erase(number);
}

void TransferSender::note_failure(const Item& item, std::string_view reason) {
    ++totals_.files_failed;
    if (item.kind != EntryKind::file) return;
    failures_.push_back({sources_[item.source].number, std::string(reason)});
}

std::optional<TransferSender::Failure> TransferSender::take_failure() {
    if (failures_.empty()) return std::nullopt;
    Failure failure = std::move(failures_.front());
    failures_.pop_front();
    return failure;
}

void TransferSender::fail(std::string_view reason) {
    if (failure_.empty()) failure_ = reason.empty() ? std::string_view("no reason given") : reason;
}

}  // namespace stt::wasm
