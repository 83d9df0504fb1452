// The receiver of the transfer protocol, without the network. Spec transfer §5, §6.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <stt/bytes.hpp>
#include <vector>

#include "counters.hpp"
#include "intake.hpp"
#include "message.hpp"
#include "record_reader.hpp"
#include "target_folder.hpp"

namespace stt::cli {

// Turns what a sender says into files, and into what is to be said to it. Reads, writes
// and syncs files, so it belongs on a worker thread; one call at a time.
//
// Memory: outstanding_max offers, pending_max open files, one message. Nothing that the
// sender declares allocates anything.
class ReceiveEngine {
public:
    // Called with a line about one file that is not taken.
    using Report = std::function<void(std::string)>;
    enum class State {
        open,
        complete,  // the sender said that it is done, and everything is settled
        failed,    // see failure()
    };

    // `parts` is shared by all engines of the process, and outlives them.
    ReceiveEngine(UniqueFd directory, PartRegistry& parts, bool overwrite, Report report,
                  Counters& counters);
    ~ReceiveEngine();
    ReceiveEngine(const ReceiveEngine&) = delete;
    ReceiveEngine& operator=(const ReceiveEngine&) = delete;

    void consume(Bytes received);
    // Does what waits for a quiet moment: gives finished files their names, hashes files
    // that are there already. True when there is more: call it again.
    bool settle();
    // The sender ended its direction.
    void end();
    // What is to be sent, since the last call.
    std::vector<std::uint8_t> take_output();

    State state() const noexcept { return state_; }
    // For the receiving person.
    const std::string& failure() const noexcept { return failure_; }

private:
    enum class Phase {
        waiting,     // content was asked for
        comparing,   // a digest was asked for
        receiving,   // it is the current item
        discarding,  // it is the current item, and its content is of no use
        stored,      // whole, and waits for commit()
        leaving,     // a folder's mode and time, waits for everything before it
    };
    struct Item {
        Offer offer;
        Phase phase = Phase::waiting;
        std::uint64_t offset = 0;
        unsigned times_begun = 0;
        bool ask_again = false;                         // once discarding is over
        std::optional<ContentDigest::Output> digest{};  // comparing: of our file
        std::shared_ptr<PartFile> part{};               // stored, when it is a file
        std::string part_key{};
        std::uint64_t counted = 0;
    };
    using ItemMap = std::map<std::uint64_t, Item>;

    void handle(Kind kind, Bytes body);
    void handle_offer(const Offer& offer);
    void handle_notice(const Notice& notice);
    void offer_file(Item& item);
    void ask_for_content(Item& item);
    void begin(Item& item, std::uint64_t offset);
    Result<void, int> open_current(Item& item, std::uint64_t offset);
    void take_content(Bytes data);
    void take_hole(std::uint64_t bytes);
    void end_content(Item& item, const ContentDigest::Output& digest);
    void abandon(Item& item);
    void compare(Item& item, const ContentDigest::Output& digest);
    void hash_target(Item& item);
    void commit();
    bool sync_stored();
    void publish(Item& item);
    void apply_leaves();

    void store(Item& item);
    void finish_item(Item& item, bool was_present);
    // Refuses the item, or ends everything when no other file would fare better.
    void refuse(Item& item, int error);
    void refuse(Item& item, std::string_view reason);
    void refuse_offer(const Offer& offer, std::string_view reason);
    void violation(std::string_view what);
    void fail(std::string_view to_sender, std::string to_person);
    void count(Item& item, std::uint64_t bytes, bool skipped);
    void uncount(Item& item);
    void release(Item& item);
    void say(const Notice& notice) { append_notice(output_, notice); }

    TargetFolder folder_;
    PartRegistry& parts_;
    const bool overwrite_;
    Report report_;
    Counters& counters_;
    RecordReader reader_;
    std::vector<std::uint8_t> output_;

    ItemMap items_;  // offered and not yet settled
    std::uint64_t next_item_ = 0;
    std::optional<std::uint64_t> current_;  // the item between its BEGIN and its END
    std::optional<Intake> intake_;          // of current_, unless it is discarded
    std::size_t stored_count_ = 0;
    std::uint64_t stored_bytes_ = 0;
    bool started_ = false;
    bool finished_ = false;  // FINISH came
    State state_ = State::open;
    std::string failure_;
};

}  // namespace stt::cli
