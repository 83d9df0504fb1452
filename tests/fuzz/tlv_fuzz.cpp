// The STT binary format: what the strict decoder takes is what encode() writes, and what the
// lenient one takes can be written and read again.
#include <stt/value.hpp>

#include "tests/fuzz/fuzz_input.hpp"

using namespace stt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input(data, size);
    const auto lenient = decode(input);
    const auto strict = decode_strict(input);
    if (strict) {
        STT_CHECK(lenient.has_value());
        STT_CHECK(fuzz::is_same(encode(*strict), input));
    }
    if (lenient) {
        const auto canonical = encode(*lenient);
        const auto again = decode_strict(canonical);
        STT_CHECK(again.has_value());
        STT_CHECK(encode(*again) == canonical);
        STT_CHECK(strict.has_value() == fuzz::is_same(canonical, input));
    }
    return 0;
}
