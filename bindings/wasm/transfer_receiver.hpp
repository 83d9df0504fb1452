// The receiver of files, without files: JavaScript keeps them, this decides what is asked and
// what was good. Spec transfer §5, §6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <stt/bytes.hpp>
#include <stt/content_digest.hpp>
#include <vector>

#include "cli/transfer/message.hpp"
#include "cli/transfer/record_reader.hpp"

namespace stt::wasm {

// Memory: outstanding_max offers, one message, and what push() gave.
class TransferReceiver {
public:
    // What JavaScript does next; the values are those of web/src/transfer.ts.
    enum class Next : std::uint8_t {
        wait = 0,      // for the sender: push() or end()
        output = 1,    // output() goes to the sender
        offer = 2,     // a file: answered with accept(), compare() or refuse()
        begin = 3,     // its content comes, from `offset` on; what lies before goes to known()
        content = 4,   // piece() is to be kept
        hole = 5,      // `size` zeros are
        commit = 6,    // the file is whole and good: stored() once it has its name, or refuse()
        discard = 7,   // what came is of no use; more comes if `is_again`
        compare = 8,   // the whole present file goes to known(), then compared()
        complete = 9,  // this side's stream ends
        failed = 10,   // see failure(); output() may hold why, for the sender
    };
    // What next() is about.
    struct Subject {
        std::uint64_t item = 0;
        std::uint64_t size = 0;
        std::uint64_t offset = 0;
        bool is_again = false;
        cli::Timestamp modified;
        std::string path;
        std::string part;  // of an offer: a name that only this file's part has
        std::string reason;
    };
    struct Totals {
        std::uint64_t files = 0;  // as the sender said, or 0
        std::uint64_t bytes = 0;
        std::uint64_t files_done = 0;
        std::uint64_t files_failed = 0;
        std::uint64_t bytes_done = 0;
    };

    TransferReceiver();

    // More from the sender, borrowed until next() says wait; only then.
    void push(Bytes received);
    void end();
    Next next();

    Bytes output() const noexcept { return output_; }
    void take_output() noexcept { output_.clear(); }
    Bytes piece() const noexcept { return piece_; }
    const Subject& subject() const noexcept { return subject_; }

    // Answers to an offer; the first says how much of it is there already.
    void accept(std::uint64_t item, std::uint64_t offset);
    void compare(std::uint64_t item);
    // At any time until it is stored.
    void refuse(std::uint64_t item, std::string_view reason);
    // What is there of the file of `begin` or `compare`, from its first byte, in pieces.
    void known(Bytes content);
    void compared(std::uint64_t item);
    void stored(std::uint64_t item);
    // Nothing more can be kept: a full disk, or a person who stops.
    void give_up(std::string_view reason);

    const std::string& failure() const noexcept { return failure_; }
    const Totals& totals() const noexcept { return totals_; }

private:
    enum class Phase {
        offered,     // JavaScript has not answered
        waiting,     // content was asked for
        comparing,   // a digest was asked for
        receiving,   // it is the current item
        discarding,  // it is the current item, and its content is of no use
        whole,       // waits for stored()
        leaving,     // a folder's end: waits for everything before it
    };
    struct Item {
        cli::Offer offer;
        Phase phase = Phase::offered;
        std::uint64_t offset = 0;
        unsigned times_begun = 0;
        ContentDigest::Output digest{};  // comparing: the sender's
        std::uint64_t counted = 0;
    };
    struct Current {
        std::uint64_t item = 0;
        ContentDigest digest;
        std::uint64_t begins_at = 0;
        std::uint64_t position = 0;
    };

    std::optional<Next> handle(const cli::RecordPiece& piece);
    std::optional<Next> handle_offer(const cli::Offer& offer);
    std::optional<Next> handle_notice(const cli::Notice& notice);
    std::optional<Next> handle_end(Item& item, const ContentDigest::Output& digest);
    std::optional<Next> handle_abandon(Item& item, std::string_view reason);
    std::optional<Next> begin(Item& item, std::uint64_t offset);
    std::optional<Next> take_content(Bytes content);
    std::optional<Next> take_hole(std::uint64_t size);
    bool has_room(std::uint64_t size);
    Next about(const Item& item, Next next);
    Item* find(std::uint64_t item, Phase phase);
    void settle(Item& item, bool was_present);
    void leave_folders();
    void count(Item& item, std::uint64_t size);
    void say(const cli::Notice& notice) { append_notice(output_, notice); }
    void violation(std::string_view what);
    void fail(std::string_view to_sender, std::string to_person);

    cli::RecordReader reader_;
    Bytes input_;
    Bytes piece_;
    std::vector<std::uint8_t> output_;
    std::map<std::uint64_t, Item> items_;  // offered and not settled
    std::uint64_t next_item_ = 0;
    std::optional<Current> current_;
    std::optional<Current> compared_;
    Subject subject_;
    Totals totals_;
    std::string failure_;
    bool has_started_ = false;
    bool is_finished_ = false;  // FINISH came
    bool has_ended_ = false;
};

}  // namespace stt::wasm
