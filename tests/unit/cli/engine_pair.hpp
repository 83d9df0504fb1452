// A sender and a receiver of the transfer protocol that talk in memory.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cli/transfer/receive_engine.hpp"
#include "cli/transfer/send_engine.hpp"
#include "temporary_folder.hpp"

namespace stt::cli {

struct EnginePair {
    EnginePair(const std::vector<std::string>& paths, const TemporaryFolder& target,
               PartRegistry& parts, bool overwrite = false)
        : sender(
              *source_roots(paths),
              [this](SourceTree::Severity severity, std::string text) {
                  (severity == SourceTree::Severity::failure ? failures : warnings)
                      .push_back(std::move(text));
              },
              sent),
          receiver(
              target.open(), parts, overwrite,
              [this](std::string text) { refusals.push_back(std::move(text)); }, received) {}

    // Passes at most `size_max` bytes to the receiver; what was on its way then, the next
    // run() passes first. True when both are content.
    bool run(std::uint64_t size_max = std::numeric_limits<std::uint64_t>::max()) {
        std::vector<std::uint8_t> buffer(64u * 1024);
        for (int round = 0; round < 2'000'000; ++round) {
            if (on_its_way.empty()) {
                const SendEngine::Step step = sender.step(receiver.take_output(), buffer);
                next = step.next;
                if (next == SendEngine::Next::failed) return false;
                on_its_way.assign(buffer.begin(),
                                  buffer.begin() + static_cast<std::ptrdiff_t>(step.size));
            }
            const std::size_t size =
                static_cast<std::size_t>(std::min<std::uint64_t>(on_its_way.size(), size_max));
            receiver.consume(Bytes(on_its_way).first(size));
            on_its_way.erase(on_its_way.begin(),
                             on_its_way.begin() + static_cast<std::ptrdiff_t>(size));
            bytes += size;
            size_max -= size;
            if (size_max == 0) return false;
            if (next == SendEngine::Next::finished) {
                receiver.end();
                return receiver.state() == ReceiveEngine::State::complete;
            }
            while (next == SendEngine::Next::receive && receiver.settle()) {
            }
        }
        FAIL("the engines do not come to an end");
        return false;
    }

    Counters sent;
    Counters received;
    std::vector<std::string> failures;
    std::vector<std::string> warnings;
    std::vector<std::string> refusals;
    std::uint64_t bytes = 0;
    std::vector<std::uint8_t> on_its_way;
    SendEngine::Next next = SendEngine::Next::produce;
    SendEngine sender;
    ReceiveEngine receiver;
};

}  // namespace stt::cli
