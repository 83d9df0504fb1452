#include "core/wire/datagram_cutter.hpp"

#include <optional>

#include "core/wire/frame.hpp"

namespace stt::wire {
namespace {

// Datagrams that were cut off, while the next may go on with them.
class Runs {
public:
    explicit Runs(const std::function<void(const DatagramRun&)>& give) : give_(give) {}

    // Those of one run lie one behind the other, and only the last may be shorter.
    void add(Bytes datagram) {
        if (datagram.empty()) return;
        const bool goes_on = !run_.data.empty() && !is_last_ &&
                             run_.data.data() + run_.data.size() == datagram.data() &&
                             datagram.size() <= run_.segment_size &&
                             run_.data.size() + datagram.size() <= run_size_max &&
                             count_ < run_segment_count_max;
        if (!goes_on) {
            end();
            run_ = {datagram, datagram.size()};
            count_ = 1;
            return;
        }
        run_.data = Bytes(run_.data.data(), run_.data.size() + datagram.size());
        is_last_ = datagram.size() < run_.segment_size;
        ++count_;
    }
    void end() {
        if (!run_.data.empty()) give_(run_);
        run_ = {};
        is_last_ = false;
    }

private:
    const std::function<void(const DatagramRun&)>& give_;
    DatagramRun run_;
    std::size_t count_ = 0;
    bool is_last_ = false;
};

}  // namespace

Result<std::size_t, DropReason> cut_into_datagrams(
    MutableBytes message, std::size_t size_max,
    const std::function<void(const DatagramRun&)>& give) {
    Runs runs(give);
    std::size_t too_large = 0;
    MutableBytes rest = message;
    Bytes datagram;  // not full yet
    std::optional<DropReason> fault;
    while (!rest.empty() && !fault) {
        const auto frame = parse_frame(rest);
        if (!frame) {
            fault = frame.error();
            break;
        }
        const bool is_too_large = frame->size > size_max;
        if (is_too_large || datagram.size() + frame->size > size_max) {
            runs.add(datagram);
            datagram = {};
        }
        if (is_too_large) {
            ++too_large;
        } else {
            const std::uint8_t* const begin = datagram.empty() ? rest.data() : datagram.data();
            datagram = Bytes(begin, datagram.size() + frame->size);
        }
        rest = rest.subspan(frame->size);
    }
    runs.add(datagram);
    runs.end();
    if (fault) return Unexpected(*fault);
    return too_large;
}

}  // namespace stt::wire
