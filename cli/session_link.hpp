// The transfer's ByteLink over a stream of a session.
#pragma once

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
    SessionLink(Session session, Stream stream)
        : session_(std::move(session)), stream_(std::move(stream)) {}

    asio::awaitable<Result<std::size_t, std::error_code>> read_some(MutableBytes buffer) override;
    asio::awaitable<std::error_code> write_all(Bytes data) override;
    void finish() override { stream_.finish(); }
    void abort() override { session_.close(close_given_up, "gave up"); }

private:
    Session session_;
    Stream stream_;
};

}  // namespace stt::cli
