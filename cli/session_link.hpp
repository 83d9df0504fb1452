// The transfer's ByteLink over a stream of a session.
#pragma once

#include <asio/cancellation_signal.hpp>
#include <memory>
#include <stt/error.hpp>
#include <stt/node.hpp>
#include <stt/stream.hpp>
#include <utility>

#include "transfer/byte_link.hpp"

namespace stt::cli {

// Codes of SESSION_CLOSE, RESET and STOP that the tool uses. Spec transfer §7.
inline constexpr std::uint64_t close_interrupted = 256;  // a person stopped this side
inline constexpr std::uint64_t close_given_up = 257;     // this side cannot go on

class SessionLink final : public ByteLink {
public:
    // `ends_session`: giving this transfer up ends the session; else the stream alone.
    SessionLink(Session session, Stream stream, bool ends_session)
        : session_(std::move(session)), stream_(std::move(stream)), ends_session_(ends_session) {}

    asio::awaitable<Result<std::size_t, std::error_code>> read_some(MutableBytes buffer) override;
    asio::awaitable<std::error_code> write_all(Bytes data) override;
    void finish() override { stream_.finish(); }
    void abort() override;

    // Until the peer has all that was written, or nothing more can reach it.
    asio::awaitable<void> wait_acknowledged();
    // Becomes true when something has come by it.
    const std::shared_ptr<bool>& hearing() const noexcept { return hearing_; }

private:
    Session session_;
    Stream stream_;
    bool ends_session_;
    std::shared_ptr<bool> hearing_ = std::make_shared<bool>(false);
    bool is_aborted_ = false;
    asio::cancellation_signal reading_;
    asio::cancellation_signal writing_;
};

}  // namespace stt::cli
