// Operations that wait until there is room for them, and are served in turn.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <stt/completion.hpp>
#include <system_error>
#include <utility>

#include "node/await_completion.hpp"

namespace stt::node {

template <class Request, class Outcome>
class WaitingLine {
public:
    bool is_empty() const noexcept { return waiting_.empty(); }

    // `self` is this line, with who owns it. Cancelled, the operation ends with `aborted`.
    static Cancel join(const std::shared_ptr<WaitingLine>& self, Request request,
                       Completion<Outcome> completion) {
        const std::uint64_t number = ++self->last_number_;
        self->waiting_.push_back({number, std::move(request), std::move(completion)});
        return [weak = std::weak_ptr(self), number] {
            if (const auto line = weak.lock()) line->cancel(number);
        };
    }
    // `serve` takes a request and its completion, and is false when there is no room any more.
    template <class Serve>
    void retry(Serve serve) {
        while (!waiting_.empty() && serve(waiting_.front().request, waiting_.front().completion)) {
            waiting_.pop_front();
        }
    }
    void end(std::error_code error) {
        for (auto& each : std::exchange(waiting_, {})) each.completion(error, {});
    }

private:
    struct Waiting {
        std::uint64_t number;
        Request request;
        Completion<Outcome> completion;
    };

    void cancel(std::uint64_t number) {
        const auto found =
            std::find_if(waiting_.begin(), waiting_.end(),
                         [number](const Waiting& each) { return each.number == number; });
        if (found == waiting_.end()) return;
        auto completion = std::move(found->completion);
        waiting_.erase(found);
        completion(aborted, {});
    }

    std::deque<Waiting> waiting_;
    std::uint64_t last_number_ = 0;
};

}  // namespace stt::node
