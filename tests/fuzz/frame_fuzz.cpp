// Frames: a view stays within its datagram, and the frame laid out from it is the same.
#include <vector>

#include "core/wire/frame.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace stt;

namespace {

void check_layout(const wire::FrameView& view) {
    std::vector<std::uint8_t> bytes(view.size);
    wire::FrameLayout layout;
    if (view.kind == wire::MetadataKind::session) {
        const wire::SessionFrameHeader header{view.type,     view.session_id, view.stream_id,
                                              view.sequence, view.flags,      view.epoch};
        STT_CHECK(wire::session_frame_overhead(header, view.payload.size()) + view.payload.size() ==
                  view.size);
        STT_CHECK(wire::session_payload_size_max(header, view.size) == view.payload.size());
        layout = wire::lay_out_session_frame(header, view.payload.size(), bytes);
    } else {
        const bool has_hint = view.kind == wire::MetadataKind::seed_with_hint;
        STT_CHECK(wire::handshake_frame_overhead(view.payload.size(), has_hint) +
                      view.payload.size() ==
                  view.size);
        layout = wire::lay_out_handshake_frame(view.type, view.session_id, view.hint, view.nonce,
                                               view.payload.size(), bytes);
    }
    STT_CHECK(layout.size == view.size);
    STT_CHECK(fuzz::is_same(layout.header, view.header));
    STT_CHECK(fuzz::is_same(layout.metadata_head, view.metadata_head));
    STT_CHECK(layout.tag.size() == view.tag.size());
}

void check_padding(Bytes plaintext) {
    const auto inner = wire::without_padding(plaintext);
    if (!inner) return;
    STT_CHECK(inner->size() < plaintext.size());
    std::vector<std::uint8_t> again(plaintext.begin(), plaintext.end());
    wire::write_padding(again, inner->size());
    STT_CHECK(fuzz::is_same(again, plaintext));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::uint8_t> datagram(data, data + size);
    MutableBytes rest(datagram);
    while (!rest.empty()) {
        const auto view = wire::parse_frame(rest);
        if (!view) break;
        STT_CHECK(view->size > 0 && view->size <= rest.size());
        STT_CHECK(view->header.data() == rest.data());
        STT_CHECK(view->tag.data() + view->tag.size() == rest.data() + view->size);
        check_layout(*view);
        check_padding(view->payload);
        rest = rest.subspan(view->size);
    }
    return 0;
}
