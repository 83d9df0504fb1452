#include "receive_engine.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "../terminal_text.hpp"
#include "part_name.hpp"
#include "path_rules.hpp"
#include "receive_reasons.hpp"

namespace stt::cli {
namespace {

// Finished files that wait for their names: open descriptors, and work to be repeated
// after a crash. Both chosen.
constexpr std::size_t stored_count_max = 64;
constexpr std::uint64_t stored_bytes_max = 64u << 20;

}  // namespace

ReceiveEngine::ReceiveEngine(UniqueFd directory, PartRegistry& parts, bool overwrite, Report report,
                             Counters& counters)
    : folder_(std::move(directory)),
      parts_(parts),
      overwrite_(overwrite),
      report_(std::move(report)),
      counters_(counters) {
    say({.kind = Kind::start, .number = transfer_version});
}

ReceiveEngine::~ReceiveEngine() {
    for (auto& [number, item] : items_) release(item);
}

std::vector<std::uint8_t> ReceiveEngine::take_output() {
    return std::exchange(output_, {});
}

void ReceiveEngine::consume(Bytes received) {
    while (state_ == State::open) {
        const auto piece = reader_.next(received);
        if (!piece) break;
        if (piece->kind == Kind::data) {
            take_content(piece->bytes);
        } else {
            handle(piece->kind, piece->bytes);
        }
        if (stored_count_ >= stored_count_max || stored_bytes_ >= stored_bytes_max) commit();
    }
    if (const auto fault = reader_.fault()) violation(*fault);
}

void ReceiveEngine::end() {
    if (state_ != State::open) return;
    const bool is_complete = finished_ && reader_.at_boundary();
    if (!is_complete) return fail("the stream ended early", "the sender ended early");
    state_ = State::complete;
}

void ReceiveEngine::handle(Kind kind, Bytes body) {
    // Spec transfer §3.1: START is first, and comes once.
    if ((kind == Kind::start) == started_) return violation("START is not in its place");
    if (finished_) return violation("a message after FINISH");
    if (kind == Kind::offer) {
        const auto offer = parse_offer(body);
        if (!offer) return violation(offer.error());
        return handle_offer(*offer);
    }
    const auto notice = parse_notice(kind, body);
    if (!notice) return violation(notice.error());
    handle_notice(*notice);
}

void ReceiveEngine::handle_notice(const Notice& notice) {
    switch (notice.kind) {
        case Kind::start:
            started_ = true;
            if (notice.number == transfer_version) return;
            return fail("this stt speaks version 1 of the transfer protocol",
                        "the sender speaks another version of the transfer protocol");
        case Kind::hole:
            return take_hole(notice.number);
        case Kind::total:
            counters_.bytes_total = notice.number;
            counters_.files_total = notice.count;
            counters_.total_is_known = true;
            return;
        case Kind::finish:
            if (!items_.empty()) return violation("FINISH before everything is settled");
            finished_ = true;
            // What the sender could not read counts here too: the transfer is not complete.
            if (notice.number > counters_.files_failed) counters_.files_failed = notice.number;
            return;
        default:
            break;
    }
    const auto position = items_.find(notice.item);
    const bool is_late = position == items_.end() && notice.item < next_item_;
    // An item that was refused here may have been ended there at the same time.
    if (is_late && notice.kind != Kind::begin) return;
    if (position == items_.end()) return violation("a message about nothing that was offered");
    Item& item = position->second;
    switch (notice.kind) {
        case Kind::begin:
            return begin(item, notice.number);
        case Kind::end:
            return end_content(item, notice.digest);
        case Kind::abandon:
            return abandon(item);
        case Kind::digest:
            return compare(item, notice.digest);
        default:
            return violation("a message that only a receiver may send");
    }
}

void ReceiveEngine::handle_offer(const Offer& offer) {
    if (offer.item != next_item_) return violation("an OFFER out of order");
    if (items_.size() >= outstanding_max) return violation("too many offers at once");
    ++next_item_;
    if (const auto fault = path_fault(offer.path)) return refuse_offer(offer, *fault);
    if (offer.kind == EntryKind::link) {
        if (const auto fault = link_fault(offer.path, offer.target)) {
            return refuse_offer(offer, *fault);
        }
    }
    Item& item = items_.emplace(offer.item, Item{.offer = offer}).first->second;
    switch (offer.kind) {
        case EntryKind::file:
            return offer_file(item);
        case EntryKind::leave:
            item.phase = Phase::leaving;
            return;
        case EntryKind::folder: {
            const auto made = folder_.make_folder(offer);
            if (!made) return refuse(item, made.error());
            return store(item);
        }
        case EntryKind::link: {
            const auto made = folder_.make_link(offer, overwrite_);
            if (!made) return refuse(item, made.error());
            return store(item);
        }
    }
}

void ReceiveEngine::offer_file(Item& item) {
    const auto place = folder_.place(item.offer.path);
    if (!place) return refuse(item, place.error());
    const auto found = folder_.attributes(*place);
    if (!found) return refuse(item, found.error());
    if (!*found) return ask_for_content(item);
    const struct stat& attributes = **found;
    if (S_ISDIR(attributes.st_mode)) return refuse(item, EISDIR);
    if (S_ISREG(attributes.st_mode) &&
        static_cast<std::uint64_t>(attributes.st_size) == item.offer.size) {
        // Spec transfer §6.5: only the content says whether it is the same file.
        item.phase = Phase::comparing;
        return say({.kind = Kind::compare, .item = item.offer.item});
    }
    if (!overwrite_) return refuse(item, EEXIST);
    ask_for_content(item);
}

void ReceiveEngine::ask_for_content(Item& item) {
    const auto place = folder_.place(item.offer.path);
    if (!place) return refuse(item, place.error());
    const std::string part = part_name(item.offer);
    const std::size_t slash = item.offer.path.rfind('/');
    item.part_key = slash == std::string::npos ? part : item.offer.path.substr(0, slash + 1) + part;
    if (!parts_.take_over(item.part_key, this)) return refuse(item, "it was offered twice");
    const auto found = folder_.attributes(Place{place->folder, part});
    item.offset = 0;
    if (found && *found && S_ISREG((*found)->st_mode)) {
        const auto size = static_cast<std::uint64_t>((*found)->st_size);
        if (size <= item.offer.size) item.offset = size;
    }
    item.phase = Phase::waiting;
    say({.kind = Kind::send, .item = item.offer.item, .number = item.offset});
}

void ReceiveEngine::abandon(Item& item) {
    if (item.phase == Phase::stored || item.phase == Phase::leaving) {
        return violation("ABANDON of what is whole");
    }
    const bool is_current = current_ == item.offer.item;
    // The source changed: no later offer will have this part's name.
    if (is_current && intake_) intake_->part()->remove();
    // What was refused is counted already.
    if (!(is_current && !intake_)) ++counters_.files_failed;
    if (is_current) {
        current_.reset();
        intake_.reset();
    }
    release(item);
    uncount(item);
    items_.erase(item.offer.item);
}

void ReceiveEngine::compare(Item& item, const ContentDigest::Output& digest) {
    if (item.phase != Phase::comparing) return violation("a digest that nobody asked for");
    if (!item.digest) hash_target(item);
    // Refused, because it cannot be read.
    if (state_ != State::open || !items_.contains(item.offer.item)) return;
    if (*item.digest == digest) return finish_item(item, true);
    if (!overwrite_) return refuse(item, EEXIST);
    item.digest.reset();
    ask_for_content(item);
}

void ReceiveEngine::hash_target(Item& item) {
    const auto place = folder_.place(item.offer.path);
    if (!place) return refuse(item, place.error());
    const auto digest = folder_.digest_of(*place, item.offer.size);
    if (!digest) return refuse(item, digest.error());
    item.digest = *digest;
}

void ReceiveEngine::finish_item(Item& item, bool was_present) {
    if (item.offer.kind == EntryKind::file) {
        uncount(item);
        counters_.bytes_done += item.offer.size;
        if (was_present) counters_.bytes_skipped += item.offer.size;
        ++counters_.files_done;
        if (was_present) ++counters_.files_present;
    }
    const std::uint64_t number = item.offer.item;
    release(item);
    say({.kind = Kind::done, .item = number, .number = was_present ? 1u : 0u});
    items_.erase(number);
}

void ReceiveEngine::refuse(Item& item, int error) {
    if (const auto fatal = fatal_reason(error)) {
        return fail(*fatal, fmt::format("{} at {}; {}", *fatal, quoted(item.offer.path),
                                        advice_for(error)));
    }
    refuse(item, refusal_reason(error));
}

void ReceiveEngine::refuse(Item& item, std::string_view reason) {
    const Offer offer = item.offer;
    uncount(item);
    release(item);
    if (current_ == offer.item) {
        // Its content still comes, until END or ABANDON.
        item.phase = Phase::discarding;
        intake_.reset();
    } else {
        items_.erase(offer.item);
    }
    refuse_offer(offer, reason);
}

void ReceiveEngine::refuse_offer(const Offer& offer, std::string_view reason) {
    ++counters_.files_failed;
    say({.kind = Kind::refused, .item = offer.item, .text = std::string(reason)});
    report_(fmt::format("not taken: {}: {}", quoted(offer.path), reason));
}

void ReceiveEngine::violation(std::string_view what) {
    fail(fmt::format("broken transfer protocol: {}", what),
         fmt::format("the sender broke the transfer protocol: {}", what));
}

void ReceiveEngine::fail(std::string_view to_sender, std::string to_person) {
    if (state_ != State::open) return;
    state_ = State::failed;
    failure_ = std::move(to_person);
    say({.kind = Kind::failed, .text = std::string(to_sender)});
}

void ReceiveEngine::count(Item& item, std::uint64_t bytes, bool skipped) {
    item.counted += bytes;
    counters_.bytes_done += bytes;
    if (skipped) counters_.bytes_skipped += bytes;
}

void ReceiveEngine::uncount(Item& item) {
    counters_.bytes_done -= item.counted;
    item.counted = 0;
}

void ReceiveEngine::release(Item& item) {
    if (!item.part_key.empty()) parts_.remove(item.part_key, this);
    item.part.reset();
}

}  // namespace stt::cli
