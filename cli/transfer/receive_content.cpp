// ReceiveEngine, second part: the content of files, and how they get their names.
#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "../terminal_text.hpp"
#include "part_name.hpp"
#include "receive_engine.hpp"
#include "receive_reasons.hpp"

namespace stt::cli {
namespace {

// From this many files on, one syncfs() costs less than an fsync() for each. Chosen.
constexpr std::size_t sync_each_max = 8;
constexpr unsigned times_begun_max = 2;  // Spec transfer §5.6

}  // namespace

void ReceiveEngine::begin(Item& item, std::uint64_t offset) {
    if (current_ || item.phase != Phase::waiting || (offset != 0 && offset != item.offset)) {
        return violation("BEGIN is not in its place");
    }
    current_ = item.offer.item;
    item.phase = Phase::receiving;
    ++item.times_begun;
    const auto opened = open_current(item, offset);
    if (!opened) return refuse(item, opened.error());
    if (intake_) count(item, offset, true);
}

Result<void, int> ReceiveEngine::open_current(Item& item, std::uint64_t offset) {
    STT_TRY(const Place place, folder_.place(item.offer.path));
    auto part = PartFile::open(place, part_name(item.offer));
    if (!part && part.error() == EWOULDBLOCK && parts_.take_over(item.part_key, this)) {
        // Another session of this process had begun it since it was offered.
        part = PartFile::open(place, part_name(item.offer));
    }
    if (!part) return Unexpected(part.error());
    parts_.add(item.part_key, *part, this);
    intake_.emplace(*part, item.offer.size);
    STT_TRY(const bool continues, intake_->begin(offset));
    if (!continues) {
        // The part is not what it was: discard what comes, and ask for all of it.
        intake_.reset();
        item.phase = Phase::discarding;
        item.ask_again = true;
    }
    return {};
}

void ReceiveEngine::take_content(Bytes data) {
    if (!current_) return violation("content of no file");
    if (!intake_) return;
    if (!intake_->fits(data.size())) return violation("more content than was offered");
    const auto written = intake_->write(data);
    if (!written) return refuse(items_.at(*current_), written.error());
    count(items_.at(*current_), data.size(), false);
    counters_.bytes_content += data.size();
}

void ReceiveEngine::take_hole(std::uint64_t bytes) {
    if (!current_) return violation("a hole in no file");
    if (bytes == 0 || bytes > hole_size_max)
        return violation("a hole of a size that is not allowed");
    if (!intake_) return;
    if (!intake_->fits(bytes)) return violation("more content than was offered");
    const auto skipped = intake_->skip_hole(bytes);
    if (!skipped) return refuse(items_.at(*current_), skipped.error());
    count(items_.at(*current_), bytes, false);
}

void ReceiveEngine::end_content(Item& item, const ContentDigest::Output& digest) {
    if (current_ != item.offer.item) return violation("END is not in its place");
    current_.reset();
    std::optional<Intake> intake = std::exchange(intake_, std::nullopt);
    if (!intake && !item.ask_again) {
        items_.erase(item.offer.item);  // it was refused
        return;
    }
    if (intake && !intake->at_end()) return violation("END before all content");
    if (intake && intake->finish() == digest) {
        const auto set = intake->part()->set_attributes(item.offer.mode, item.offer.modified);
        if (!set) return refuse(item, set.error());
        item.part = intake->part();
        return store(item);
    }
    // Spec transfer §5.6: the part was not the beginning of this file, or a disk failed.
    if (intake) intake->part()->remove();
    release(item);
    uncount(item);
    item.ask_again = false;
    if (item.times_begun >= times_begun_max) {
        return refuse(item, "its content arrived damaged twice");
    }
    ask_for_content(item);
}

void ReceiveEngine::store(Item& item) {
    item.phase = Phase::stored;
    ++stored_count_;
    if (item.part) stored_bytes_ += item.offer.size;
}

bool ReceiveEngine::settle() {
    if (state_ != State::open) return false;
    commit();
    for (auto& [number, item] : items_) {
        if (item.phase != Phase::comparing || item.digest) continue;
        hash_target(item);
        return state_ == State::open;
    }
    return false;
}

void ReceiveEngine::commit() {
    if (stored_count_ > 0) {
        std::vector<std::uint64_t> numbers;
        for (const auto& [number, item] : items_) {
            if (item.phase == Phase::stored) numbers.push_back(number);
        }
        if (!sync_stored()) return;
        for (const std::uint64_t number : numbers) {
            publish(items_.at(number));
            if (state_ != State::open) return;
        }
        if (const auto synced = folder_.sync_folders(); !synced) {
            return fail("the receiver cannot write its folder to the disk",
                        fmt::format("cannot write the folder to the disk: {}",
                                    refusal_reason(synced.error())));
        }
        // Only now is it certain that a crash cannot undo them.
        for (const std::uint64_t number : numbers) {
            const auto position = items_.find(number);
            if (position != items_.end()) finish_item(position->second, false);
        }
        stored_count_ = 0;
        stored_bytes_ = 0;
    }
    apply_leaves();
}

// False when the transfer failed. Data that is not on the disk never gets a name.
bool ReceiveEngine::sync_stored() {
    std::vector<Item*> files;
    for (auto& [number, item] : items_) {
        if (item.phase == Phase::stored && item.part) files.push_back(&item);
    }
    int error = 0;
    if (files.size() > sync_each_max) {
        const auto synced = folder_.sync_all();
        if (!synced) error = synced.error();
    } else {
        for (const Item* item : files) {
            const auto synced = item->part->sync();
            // ESTALE: taken over; publish() refuses that one.
            if (!synced && synced.error() != ESTALE) error = synced.error();
        }
    }
    if (error == 0) return true;
    // After a failed sync nobody knows what is on the disk: the parts may not be resumed.
    for (const Item* item : files) item->part->remove();
    const auto fatal = fatal_reason(error);
    fail(fatal.value_or("the receiver cannot write to its disk"),
         fmt::format("cannot write to the disk: {}; {}", refusal_reason(error), advice_for(error)));
    return false;
}

void ReceiveEngine::publish(Item& item) {
    if (!item.part) return;  // a folder or a link, which has its name
    const auto published = item.part->publish(overwrite_);
    if (!published) return refuse(item, published.error());
    folder_.note_change(item.part->place().folder);
}

void ReceiveEngine::apply_leaves() {
    // Everything in a folder was offered before it is left, so all of that is settled
    // once the leave is the oldest item.
    while (state_ == State::open && !items_.empty() &&
           items_.begin()->second.phase == Phase::leaving) {
        Item& item = items_.begin()->second;
        const auto left = folder_.leave_folder(item.offer);
        if (left) {
            finish_item(item, false);
        } else {
            refuse(item, left.error());
        }
    }
}

}  // namespace stt::cli
