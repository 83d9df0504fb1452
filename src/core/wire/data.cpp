// The plaintext of DATA. Spec protocol §7.1.
#include "codec/reader.hpp"
#include "codec/varint.hpp"
#include "core/wire/control.hpp"
#include "core/wire/frame.hpp"

namespace stt::wire {

Result<DataView, Violation> parse_data(Bytes plaintext, std::uint8_t flags) noexcept {
    codec::Reader reader(plaintext);
    DataView data;
    STT_TRY(data.use, reader.varint());
    STT_TRY(data.offset, reader.varint());
    if ((flags & flag::message) != 0) {
        STT_TRY(data.back, reader.varint());
    }
    data.bytes = reader.remaining();

    if (data.offset > stream_offset_end || data.bytes.size() > stream_offset_end - data.offset) {
        return Unexpected(Violation(ErrorCode::protocol, "DATA beyond the last offset"));
    }
    if (data.bytes.empty() && (flags & flag::stream_end) == 0) {
        return Unexpected(Violation(ErrorCode::protocol, "empty DATA without STREAM_END"));
    }
    if (data.back > data.offset) {
        return Unexpected(Violation(ErrorCode::flow_control, "DATA before its message's stream"));
    }
    return data;
}

std::size_t data_prefix_size(std::uint64_t use, std::uint64_t offset,
                             std::optional<std::uint64_t> back) noexcept {
    return codec::varint_size(use) + codec::varint_size(offset) +
           (back ? codec::varint_size(*back) : 0);
}

void write_data_prefix(codec::Writer& writer, std::uint64_t use, std::uint64_t offset,
                       std::optional<std::uint64_t> back) noexcept {
    writer.varint(use);
    writer.varint(offset);
    if (back) writer.varint(*back);
}

}  // namespace stt::wire
