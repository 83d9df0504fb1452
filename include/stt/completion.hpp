// How an asynchronous operation tells its end: a type-erased handler of Asio.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <memory>
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
        : model_(std::make_unique<Model<Handler>>(std::move(handler), fallback)) {}

    explicit operator bool() const noexcept { return model_ != nullptr; }

    // Posts the handler to its executor: it never runs inside this call.
    void operator()(std::error_code error, Outcome outcome) {
        auto model = std::move(model_);
        model->complete(error, std::move(outcome));
    }

private:
    struct Concept {
        virtual ~Concept() = default;
        virtual void complete(std::error_code error, Outcome outcome) = 0;
    };

    template <class Handler>
    struct Model final : Concept {
        Model(Handler handler_given, const asio::any_io_executor& fallback)
            : handler(std::move(handler_given)),
              executor(asio::prefer(asio::get_associated_executor(handler, fallback),
                                    asio::execution::outstanding_work.tracked)) {}

        void complete(std::error_code error, Outcome outcome) override {
            asio::post(executor, [handler = std::move(handler), error,
                                  outcome = std::move(outcome)]() mutable {
                std::move(handler)(error, std::move(outcome));
            });
        }

        Handler handler;
        asio::any_io_executor executor;
    };

    std::unique_ptr<Concept> model_;
};

}  // namespace stt
