// The sender of files, without files: JavaScript reads them, this decides what is said.
// Spec transfer §5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
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

// Memory: the list of the files, which JavaScript has as well; outstanding_max offers, and one
// piece of one file.
class TransferSender {
public:
    // What JavaScript does next; the values are those of web/src/transfer.ts.
    enum class Next : std::uint8_t {
        wait = 0,      // for the receiver to say something
        output = 1,    // output() goes to the receiver
        content = 2,   // a piece of a file is wanted, see wanted()
        finished = 3,  // all is confirmed: the stream ends
        failed = 4,    // see failure()
    };
    struct Wanted {
        std::size_t source = 0;  // as added, from 0
        std::uint64_t offset = 0;
        std::size_t size = 0;  // at least 1
    };
    struct Totals {
        std::uint64_t files = 0;
        std::uint64_t bytes = 0;
        std::uint64_t files_done = 0;
        std::uint64_t files_failed = 0;
        std::uint64_t bytes_done = 0;
    };
    // One file that was not sent.
    struct Failure {
        std::size_t source = 0;
        std::string reason;
    };
    // What goes to the receiver at once, and what is asked of a file.
    static constexpr std::size_t piece_size_max = 262'144;

    TransferSender();

    // Before the first next(): a file at this path, which may name folders. Null, or why a
    // receiver would refuse it.
    std::optional<std::string_view> add(std::string path, std::uint64_t size,
                                        cli::Timestamp modified);
    // At this time folders were changed last, for all that is known.
    void start(cli::Timestamp now);
    void receive(Bytes received);
    // The receiver ended its direction. True: as it should.
    bool end();
    Next next();

    Bytes output() const noexcept { return output_; }
    void take_output() noexcept { output_.clear(); }
    const Wanted& wanted() const noexcept { return wanted_; }
    // The piece that was wanted; or the file cannot be read as it was offered.
    void give(Bytes content);
    void give_up(std::string_view reason);

    const std::string& failure() const noexcept { return failure_; }
    const Totals& totals() const noexcept { return totals_; }
    std::optional<Failure> take_failure();

private:
    struct Source {
        std::string path;
        std::uint64_t size = 0;
        cli::Timestamp modified;
        std::size_t number = 0;
    };
    struct Item {
        cli::EntryKind kind = cli::EntryKind::file;
        std::size_t source = 0;  // in sources_
        bool is_compared = false;
        bool is_ready = false;
        std::uint64_t offset = 0;
        unsigned times_sent = 0;
        std::uint64_t counted = 0;  // in bytes_done
    };
    struct Current {
        std::uint64_t item = 0;
        ContentDigest digest;
        std::uint64_t position = 0;
    };

    void handle(cli::Kind kind, Bytes body);
    void handle_answer(const cli::Notice& notice, Item& item);
    bool offer_next();
    void offer(cli::EntryKind kind, std::string path, std::size_t source);
    bool begin_next();
    void end_current();
    void leave_current(std::string_view reason);
    void settle(std::uint64_t item);
    void note_failure(const Item& item, std::string_view reason);
    void say(const cli::Notice& notice) { append_notice(output_, notice); }
    void fail(std::string_view reason);

    std::vector<Source> sources_;
    std::size_t next_source_ = 0;
    std::vector<std::string> folders_;  // that were entered and not left
    cli::Timestamp now_;

    cli::RecordReader reader_;
    std::vector<std::uint8_t> output_;
    std::map<std::uint64_t, Item> items_;  // offered and not settled
    std::deque<std::uint64_t> ready_;
    std::uint64_t item_count_ = 0;
    std::optional<Current> current_;
    Wanted wanted_;
    Totals totals_;
    std::deque<Failure> failures_;
    std::string failure_;
    bool has_started_ = false;  // the receiver
    bool is_finished_ = false;
};

}  // namespace stt::wasm
