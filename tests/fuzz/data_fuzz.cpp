// The plaintext of DATA: a first byte of flags, then what a frame would hold.
#include <array>

#include "core/wire/control.hpp"
#include "core/wire/frame.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace stt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::FuzzInput input(data, size);
    const std::uint8_t flags = input.u8();
    const Bytes plaintext = input.rest();
    const auto view = wire::parse_data(plaintext, flags);
    if (!view) return 0;
    const bool is_message = (flags & wire::flag::message) != 0;
    STT_CHECK(view->offset <= wire::stream_offset_end);
    STT_CHECK(view->bytes.size() <= wire::stream_offset_end - view->offset);
    STT_CHECK(!view->bytes.empty() || (flags & wire::flag::stream_end) != 0);
    STT_CHECK(view->back <= view->offset && (is_message || view->back == 0));
    const auto back = is_message ? std::optional(view->back) : std::nullopt;
    std::array<std::uint8_t, 30> bytes;
    codec::Writer writer(bytes);
    wire::write_data_prefix(writer, view->use, view->offset, back);
    STT_CHECK(writer.size() == wire::data_prefix_size(view->use, view->offset, back));
    STT_CHECK(writer.size() + view->bytes.size() == plaintext.size());
    STT_CHECK(fuzz::is_same(writer.written(), plaintext.first(writer.size())));
    return 0;
}
