// What the transfer needs of a stream.
#pragma once

#include <asio/awaitable.hpp>
#include <cstddef>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <system_error>

namespace stt::cli {

// A stream of bytes in both directions. One read and one write may be under way.
class ByteLink {
public:
    virtual ~ByteLink() = default;

    // At least one byte, or asio::error::eof once the peer finished.
    virtual asio::awaitable<Result<std::size_t, std::error_code>> read_some(
        MutableBytes buffer) = 0;
    virtual asio::awaitable<std::error_code> write_all(Bytes data) = 0;
    // Ends the sending direction after all that was written.
    virtual void finish() = 0;
    // Makes every read and write fail that is under way or comes later.
    virtual void abort() = 0;
};

}  // namespace stt::cli
