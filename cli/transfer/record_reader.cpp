#include "record_reader.hpp"

#include <algorithm>

namespace stt::cli {

bool RecordReader::hold(Bytes& input, std::size_t size) {
    const std::size_t wanted = size - std::min(size, held_.size());
    const std::size_t taken = std::min(wanted, input.size());
    held_.insert(held_.end(), input.begin(), input.begin() + static_cast<std::ptrdiff_t>(taken));
    input = input.subspan(taken);
    return taken == wanted;
}

std::optional<RecordPiece> RecordReader::next(Bytes& input) {
    if (delivered_) {
        held_.clear();
        delivered_ = false;
    }
    while (!fault_) {
        if (content_left_ > 0) {
            if (input.empty()) return std::nullopt;
            const Bytes piece = input.first(std::min(content_left_, input.size()));
            input = input.subspan(piece.size());
            content_left_ -= piece.size();
            return RecordPiece{Kind::data, piece};
        }
        if (!hold(input, record_header_size)) return std::nullopt;
        const auto kind = static_cast<Kind>(held_[0]);
        const std::size_t size = (std::size_t{held_[1]} << 24) | (std::size_t{held_[2]} << 16) |
                                 (std::size_t{held_[3]} << 8) | std::size_t{held_[4]};
        // A declared size is a claim of the peer: it is compared before anything is held.
        if (size > (kind == Kind::data ? data_size_max : message_size_max)) {
            fault_ = "a record is too long";
            break;
        }
        if (kind == Kind::data) {
            held_.clear();
            content_left_ = size;
            continue;
        }
        if (!hold(input, record_header_size + size)) return std::nullopt;
        delivered_ = true;
        return RecordPiece{kind, Bytes(held_).subspan(record_header_size)};
    }
    return std::nullopt;
}

}  // namespace stt::cli
