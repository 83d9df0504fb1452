// Records from one thread to another, without a lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stt/bytes.hpp>

#include "base/route.hpp"

namespace stt::node {

// What a record is about; the rest of its meaning is its reader's business.
struct Record {
    std::uint8_t kind = 0;
    std::uint8_t ecn = 0;
    Route route;
};

// A ring of bytes with one writer and one reader, each a thread of its own. A record is taken whole
// or not at all, in the order in which they were put, and read where it lies.
class RecordRing {
public:
    // A power of two. Memory is used as far as records have come: all of it once they were round.
    explicit RecordRing(std::size_t capacity);

    // The writer's. False: there is no room, and nothing was put.
    [[nodiscard]] bool put(const Record& record, Bytes payload) noexcept;
    // The writer's: bytes that wait, headers included; the reader may have taken some since.
    std::size_t used() const noexcept {
        return static_cast<std::size_t>(written_.load(std::memory_order_relaxed) -
                                        read_.load(std::memory_order_acquire));
    }
    std::size_t capacity() const noexcept { return capacity_; }

    // The reader's: visit(const Record&, MutableBytes) with each record that was there when it was
    // called. The payload may be changed; it is good until `visit` returns.
    template <class Visit>
    void take_all(Visit visit) {
        std::uint64_t at = read_.load(std::memory_order_relaxed);
        const std::uint64_t end = written_.load(std::memory_order_acquire);
        while (at != end) {
            Record record;
            MutableBytes payload;
            const Step step = look(at, record, payload);
            if (step.is_record) visit(record, payload);
            // A record's room is given back at once: what is visited takes its time.
            at += step.size;
            read_.store(at, std::memory_order_release);
        }
    }

private:
    struct Step {
        std::size_t size = 0;
        bool is_record = false;  // else what was left at the end of the ring
    };
    Step look(std::uint64_t at, Record& record, MutableBytes& payload) const noexcept;
    std::size_t left_at(std::uint64_t at) const noexcept {
        return capacity_ - static_cast<std::size_t>(at & (capacity_ - 1));
    }
    std::uint8_t* place_of(std::uint64_t at) const noexcept {
        return bytes_.get() + (at & (capacity_ - 1));
    }

    std::size_t capacity_;
    std::unique_ptr<std::uint8_t[]> bytes_;
    // Counts since the beginning, apart so that the threads do not take a line from each other.
    alignas(64) std::atomic<std::uint64_t> written_{0};
    alignas(64) std::atomic<std::uint64_t> read_{0};
};

}  // namespace stt::node
