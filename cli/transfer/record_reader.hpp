// Cuts a stream of bytes into records. Spec transfer §2.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <stt/bytes.hpp>
#include <vector>

#include "message.hpp"

namespace stt::cli {

// One step of reading: a whole message, or a piece of content.
struct RecordPiece {
    Kind kind;
    Bytes bytes;  // into the input, or into the reader: good until the next call
};

// Gets its input in pieces cut anywhere. Holds at most one message, of at most
// message_size_max bytes; content passes through without a copy.
class RecordReader {
public:
    // Takes the next piece off the front of `input`; null when more input is needed.
    std::optional<RecordPiece> next(Bytes& input);

    // Set once the input broke a rule; next() then returns null for good.
    std::optional<std::string_view> fault() const noexcept { return fault_; }
    // Whether the input so far ends between two records.
    bool at_boundary() const noexcept { return held_.empty() && content_left_ == 0; }

private:
    // Moves bytes from `input` until `size` are held; false when there are not enough.
    bool hold(Bytes& input, std::size_t size);

    std::vector<std::uint8_t> held_;  // a header and the message after it, while incomplete
    bool delivered_ = false;          // held_ was handed out by the last call
    std::size_t content_left_ = 0;    // bytes of a DATA record yet to come
    std::optional<std::string_view> fault_;
};

}  // namespace stt::cli
