// Varints and what is built from them: a value has one encoding, and a failed read moves nothing.
#include <array>

#include "codec/reader.hpp"
#include "codec/varint.hpp"
#include "codec/writer.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace stt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    codec::Reader reader(Bytes(data, size));
    while (!reader.is_at_end()) {
        const Bytes before = reader.remaining();
        const auto value = reader.varint();
        if (!value) {
            STT_CHECK(fuzz::is_same(before, reader.remaining()));
            break;
        }
        const std::size_t taken = before.size() - reader.remaining().size();
        STT_CHECK(taken == codec::varint_size(*value));
        std::array<std::uint8_t, codec::varint_size_max> bytes;
        codec::Writer writer(bytes);
        writer.varint(*value);
        STT_CHECK(fuzz::is_same(writer.written(), before.first(taken)));
    }
    codec::Reader prefixed(Bytes(data, size));
    while (!prefixed.is_at_end()) {
        const std::size_t before = prefixed.remaining().size();
        const auto piece = prefixed.length_prefixed();
        if (!piece) {
            STT_CHECK(before == prefixed.remaining().size());
            break;
        }
        const std::size_t taken = before - prefixed.remaining().size();
        STT_CHECK(taken == codec::varint_size(piece->size()) + piece->size());
    }
    return 0;
}
