// The node's side of a fan-out: streams of sessions as its receivers, and a write that waits.
#pragma once

#include <asio/any_io_executor.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stt/completion.hpp>
#include <stt/fan_out_types.hpp>
#include <system_error>
#include <vector>

#include "core/stream/fan_out.hpp"
#include "node/stream_backend.hpp"

namespace stt::detail {

// Owned by the handle; what is posted holds it weakly.
class FanOutBackend : public std::enable_shared_from_this<FanOutBackend> {
public:
    FanOutBackend(asio::any_io_executor executor, const FanOutOptions& options,
                  FanOutContent content);
    ~FanOutBackend();
    FanOutBackend(const FanOutBackend&) = delete;
    FanOutBackend& operator=(const FanOutBackend&) = delete;

    const asio::any_io_executor& executor() const noexcept { return executor_; }
    const stream::FanOut& engine() const noexcept { return engine_; }

    ReceiverId add(std::unique_ptr<node::StreamBackend> stream);
    void remove(ReceiverId receiver);
    // Bytes, or a message to `receivers`. A second one while one waits breaks an STT_CHECK.
    void write(Bytes data, std::optional<std::span<const ReceiverId>> receivers,
               Completion<std::size_t> completion);
    void cancel_write();
    void finish();

private:
    class Receiver;
    struct PendingWrite {
        Bytes data;
        std::optional<std::span<const ReceiverId>> receivers;
        Completion<std::size_t> completion;
    };

    bool try_write(const PendingWrite& write, std::error_code& error, std::size_t& outcome);
    void handle_writable(ReceiverId receiver);
    void handle_ended(ReceiverId receiver);
    void handle_events();
    void let_go(ReceiverId receiver);

    asio::any_io_executor executor_;
    FanOutContent content_;
    stream::FanOut engine_;
    std::map<ReceiverId, std::unique_ptr<Receiver>> receivers_;
    std::vector<std::unique_ptr<Receiver>> left_;  // until what told of it has returned
    std::optional<PendingWrite> write_;
};

}  // namespace stt::detail
