// The sender of the transfer protocol, without the network. Spec transfer §5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <stt/bytes.hpp>
#include <vector>

#include "counters.hpp"
#include "message.hpp"
#include "record_reader.hpp"
#include "source_file.hpp"
#include "source_tree.hpp"

namespace stt::cli {

// Turns what the receiver says into what goes to it. Reads and hashes files, so it
// belongs on a worker thread; one call at a time.
//
// Memory: outstanding_max entries, the folders of the current path, one open file.
class SendEngine {
public:
    enum class Next {
        produce,   // call again at once
        receive,   // nothing to send until the receiver says something
        finished,  // all is confirmed: end the stream
        failed,    // see failure()
    };
    struct Step {
        std::size_t size = 0;  // bytes at the front of the buffer to be sent
        Next next = Next::produce;
    };

    SendEngine(std::vector<SourceRoot> roots, SourceTree::Report report, Counters& counters);

    // Takes what came from the receiver, then fills `buffer`, of at least
    // 2 x message_size_max bytes, with what is to be sent.
    Step step(Bytes received, MutableBytes buffer);

    // Why the transfer as a whole ended; empty unless step() said failed.
    const std::string& failure() const noexcept { return failure_; }

private:
    struct Item {
        SourceEntry entry;
        bool compare = false;      // the receiver wants a digest, not content
        std::uint64_t offset = 0;  // where content is to begin
        unsigned times_sent = 0;
        std::uint64_t counted = 0;  // bytes of it in Counters::bytes_done
    };
    using ItemMap = std::map<std::uint64_t, Item>;

    void handle(Kind kind, Bytes body);
    void handle_answer(const Notice& notice, ItemMap::iterator position);
    void offer_entries();
    void start_next_item();
    void read_piece();
    void end_current();
    void leave_current(std::string_view reason);
    Next next_step();

    std::size_t room() const noexcept { return buffer_.size() - filled_; }
    void write_message(const Notice& notice);
    void copy_out(Bytes message);
    void count(Item& item, std::uint64_t bytes, bool skipped);
    void uncount(Item& item);
    void report_failure(std::string text);
    void fail(std::string reason);

    SourceTree tree_;
    SourceTree::Report report_;
    Counters& counters_;
    RecordReader reader_;

    MutableBytes buffer_;  // during step()
    std::size_t filled_ = 0;
    std::uint64_t hashed_ = 0;           // unsent bytes hashed in this step()
    std::vector<std::uint8_t> scratch_;  // where these are read to

    ItemMap items_;                    // offered and not yet settled
    std::deque<std::uint64_t> ready_;  // answered, in the order of the answers
    std::uint64_t item_count_ = 0;
    std::optional<SourceFile> current_;
    std::uint64_t current_item_ = 0;
    bool started_ = false;
    bool all_offered_ = false;
    bool total_sent_ = false;
    std::string failure_;
};

}  // namespace stt::cli
