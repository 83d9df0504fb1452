// ACK as it is written: any ranges, into any room, are read back as the newest of them.
#include <optional>
#include <vector>

#include "core/wire/control.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace stt;

namespace {

// Descending, at least one Sequence apart.
std::vector<wire::SequenceRange> ranges_of(fuzz::FuzzInput& input) {
    std::vector<wire::SequenceRange> ranges;
    std::uint64_t highest = input.u64();
    while (!input.is_empty() && ranges.size() < 300) {
        const std::uint64_t length = input.u8() < 250 ? input.u8() : input.u64();
        if (length > highest) break;
        ranges.push_back({highest - length, highest});
        const std::uint64_t gap = 2 + (input.u8() < 250 ? input.u8() : std::uint64_t{input.u16()});
        if (ranges.back().first < gap) break;
        highest = ranges.back().first - gap;
    }
    return ranges;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::FuzzInput input(data, size);
    const std::size_t room = input.u16() % 1'500;
    const std::uint64_t delay = input.u64();
    std::optional<wire::EcnCounts> ecn;
    if (input.below(2) == 1) ecn = wire::EcnCounts{input.u64(), input.u16(), input.u8()};
    const auto ranges = ranges_of(input);
    if (ranges.empty()) return 0;

    std::vector<std::uint8_t> bytes(1'500);
    codec::Writer writer(bytes);
    const std::size_t count = wire::write_ack(writer, ranges, delay, ecn, room);
    STT_CHECK(writer.size() <= room && count <= wire::ack_range_count_max);
    STT_CHECK((count == 0) == (writer.size() == 0));
    if (count == 0) return 0;
    auto messages = wire::ControlMessages::parse(writer.written());
    STT_CHECK(messages.has_value());
    const auto message = messages->next();
    const auto* ack = std::get_if<wire::Ack>(&*message);
    STT_CHECK(ack != nullptr && ack->delay_us == delay && ack->ecn.has_value() == ecn.has_value());
    STT_CHECK(!messages->next().has_value());
    wire::AckRanges read(*ack);
    for (std::size_t i = 0; i < count; ++i) STT_CHECK(read.next() == ranges[i]);
    STT_CHECK(!read.next().has_value());
    return 0;
}
