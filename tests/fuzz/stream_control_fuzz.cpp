// STREAM_CONTROL payloads: each message that is read can be written, and reads the same again.
#include <vector>

#include "core/wire/control.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace stt;

namespace {

std::vector<std::uint8_t> written(std::uint64_t use, const wire::StreamControlMessage& message) {
    std::vector<std::uint8_t> bytes(10 + wire::encoded_size(message));
    codec::Writer writer(bytes);
    writer.varint(use);
    wire::write(writer, message);
    bytes.resize(writer.size());
    return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto messages = wire::StreamControlMessages::parse(Bytes(data, size));
    if (!messages) return 0;
    std::size_t count = 0;
    while (const auto message = messages->next()) {
        ++count;
        const auto once = written(messages->use(), *message);
        auto again = wire::StreamControlMessages::parse(once);
        STT_CHECK(again.has_value() && again->use() == messages->use());
        const auto same = again->next();
        STT_CHECK(same.has_value() && same->index() == message->index());
        STT_CHECK(!again->next().has_value());
        STT_CHECK(written(again->use(), *same) == once);
        if (const auto* open = std::get_if<wire::Open>(&*message)) {
            STT_CHECK(open->priority <= 7 && open->endpoint.size() <= wire::text_size_max);
        }
    }
    STT_CHECK(count > 0);
    return 0;
}
