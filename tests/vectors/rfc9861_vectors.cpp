// RFC 9861, Appendix A. The keys say what goes in, such as "KT128(M=ptn(17**2 bytes), C=`00`^0,
// 32)".
#include <array>
#include <iostream>
#include <regex>
#include <stdexcept>
#include <string_view>

#include "stc/permutation/backend.hpp"
#include "stc/phe.hpp"
#include "stc/turboshake.hpp"
#include "tests/vectors/sponge.hpp"
#include "tests/vectors/vector_files.hpp"

namespace stt::vectors {
namespace {

// The repeating pattern 00 01 … fa. RFC 9861 Appendix A.
ByteVector pattern(std::size_t size) {
    ByteVector bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i % 0xfb);
    return bytes;
}

std::string without(std::string text, char character) {
    std::erase(text, character);
    return text;
}

// "`00`^0" is nothing, "`FF FF`" those bytes, "ptn(N bytes)" or "ptn(N**K bytes)" the pattern.
ByteVector bytes_of_expression(const std::string& expression) {
    static const std::regex power(R"(ptn\((\d+)(?:\*\*(\d+))? bytes\))");
    static const std::regex literal("`([0-9A-F ]+)`");
    std::smatch match;
    if (expression == "`00`^0") return {};
    if (std::regex_match(expression, match, literal)) {
        return bytes_of_hex(without(match[1], ' '));
    }
    if (!std::regex_match(expression, match, power)) {
        throw std::invalid_argument("unknown expression " + expression);
    }
    const std::size_t base = std::stoul(match[1]);
    const std::size_t exponent = match[2].matched ? std::stoul(match[2]) : 1;
    std::size_t size = 1;
    for (std::size_t i = 0; i < exponent; ++i) size *= base;
    return pattern(size);
}

struct Case {
    std::string function;
    ByteVector message;
    std::string parameter;  // D or C
    std::size_t output_size = 0;
    std::size_t last = 0;  // bytes of the output that the vector shows
};

Case case_of(const std::string& key) {
    static const std::string expression = R"((`[^`]+`(?:\^0)?|ptn\([^)]+\)))";
    static const std::regex form(R"((\w+)\((?:M=)?)" + expression + ", [DC]=" + expression +
                                 R"(, (\d+)\)(?:, last (\d+) bytes)?)");
    std::smatch match;
    if (!std::regex_match(key, match, form)) throw std::invalid_argument("unknown form");
    Case parsed{.function = match[1],
                .message = bytes_of_expression(match[2]),
                .parameter = match[3],
                .output_size = std::stoul(match[4])};
    parsed.last = match[5].matched ? std::stoul(match[5]) : parsed.output_size;
    return parsed;
}

void check_turboshake(const Case& given, const ByteVector& expected, Tally& tally) {
    const std::uint8_t domain = bytes_of_expression(given.parameter).at(0);
    ByteVector output(given.output_size);
    stc::turboshake128(given.message, domain, output);
    tally.check(is_equal(Bytes(output).last(given.last), expected), "TurboSHAKE128");
    for (const stc::Backend& backend : stc::available_backends()) {
        // The reference takes minutes for the longest ones, and gains nothing by it.
        if (given.message.size() > 1'000'000 && backend.name == std::string_view("reference")) {
            continue;
        }
        for (std::size_t i = 0; i < backend.kernel_count; ++i) {
            const auto on_kernel =
                turboshake128_on(*backend.kernels[i], given.message, domain, given.output_size);
            tally.check(on_kernel == output, std::string("TurboSHAKE128 on ") + backend.name);
        }
    }
}

void check_kt128(const Case& given, const ByteVector& expected, Tally& tally) {
    const ByteVector customization = bytes_of_expression(given.parameter);
    ByteVector output(given.output_size);
    stc::kt128(given.message, customization, output);
    tally.check(is_equal(Bytes(output).last(given.last), expected), "KT128");
    if (!customization.empty() || given.output_size != 32) return;
    stc::ContentDigest content;
    content.update(given.message);
    tally.check(is_equal(content.finish(), expected), "ContentDigest");
}

// STC has only the functions with 128 bits of strength. Spec stc "One permutation".
bool is_of_stc(const std::string& key) {
    return key.starts_with("TurboSHAKE128(") || key.starts_with("KT128(");
}

}  // namespace

void run_rfc9861(const Json& file, Tally& tally) {
    std::size_t foreign_count = 0;
    tally.begin_section("rfc9861.json");
    for (const auto& item : file.items()) {
        const bool is_foreign =
            item.key().starts_with("TurboSHAKE256(") || item.key().starts_with("KT256(");
        if (is_foreign) {
            ++foreign_count;
            continue;
        }
        tally.begin_entry();
        try {
            if (!is_of_stc(item.key())) throw std::invalid_argument("unknown function");
            const Case given = case_of(item.key());
            const ByteVector expected = bytes_of_hex(without(item.value().get<std::string>(), ' '));
            tally.check(expected.size() == given.last, "expected output of another size");
            const bool is_tree = given.function == "KT128";
            (is_tree ? check_kt128 : check_turboshake)(given, expected, tally);
        } catch (const std::exception& problem) {
            tally.check(false, item.key() + ": " + problem.what());
        }
        tally.end_entry();
    }
    tally.end_section();
    if (foreign_count > 0) {
        std::cout << "rfc9861.json: " << foreign_count
                  << " entries are of TurboSHAKE256 and KT256, which STC does not have\n";
    }
}

}  // namespace stt::vectors
