// How an asynchronous operation tells its end: a type-erased handler of Asio.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <memory>
#include <optional>
#include <stt/turn.hpp>
#include <system_error>
#include <utility>

namespace stt {

// Called once with an error code and a result, or destroyed without: then the
// operation never ends, as when an io_context is destroyed with work left.
template <class Outcome>
class Completion {
public:
    Completion() noexcept = default;

    template <class Handler>
    Completion(Handler handler, const asio::any_io_executor& fallback)
        : model_(make(std::move(handler), fallback)) {}

    explicit operator bool() const noexcept { return model_ != nullptr; }

    // Posts the handler to its executor, or leaves it to the next turn of a node: it never runs
    // inside this call.
    void operator()(std::error_code error, Outcome outcome) {
        auto model = std::move(model_);
        Concept& ended = *model;
        ended.complete(std::move(model), error, std::move(outcome));
    }

private:
    struct Concept : detail::Turn::Task {
        virtual void complete(std::unique_ptr<Concept> self, std::error_code error,
                              Outcome outcome) = 0;
    };

    template <class Handler>
    static std::unique_ptr<Concept> make(Handler handler, const asio::any_io_executor& fallback) {
        detail::Turn* const turn =
            detail::Turn::of(asio::get_associated_executor(handler, fallback));
        return std::unique_ptr<Concept>(new (turn)
                                            Model<Handler>(std::move(handler), turn, fallback));
    }

    template <class Handler>
    struct Model final : Concept {
        Model(Handler handler_given, detail::Turn* turn_given,
              const asio::any_io_executor& fallback)
            : handler(std::move(handler_given)),
              turn(turn_given),
              executor(asio::prefer(asio::get_associated_executor(handler, fallback),
                                    asio::execution::outstanding_work.tracked)) {}

        void complete(std::unique_ptr<Concept> self, std::error_code error_given,
                      Outcome outcome_given) override {
            if (turn != nullptr && turn->is_here()) {
                error = error_given;
                outcome.emplace(std::move(outcome_given));
                return turn->add(std::move(self));
            }
            asio::post(executor, [handler = std::move(handler), error_given,
                                  outcome = std::move(outcome_given)]() mutable {
                std::move(handler)(error_given, std::move(outcome));
            });
        }

        void run(std::unique_ptr<detail::Turn::Task> self) override {
            Handler ended = std::move(handler);
            const std::error_code told = error;
            Outcome result = *std::move(outcome);
            self.reset();
            std::move(ended)(told, std::move(result));
        }

        Handler handler;
        detail::Turn* turn;
        asio::any_io_executor executor;
        std::error_code error;
        std::optional<Outcome> outcome;
    };

    std::unique_ptr<Concept> model_;
};

}  // namespace stt
