// The messages of the file-transfer protocol and their bytes. Spec transfer §2, §3.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <stt/bytes.hpp>
#include <stt/content_digest.hpp>
#include <stt/result.hpp>
#include <vector>

namespace stt::cli {

inline constexpr std::string_view transfer_endpoint = "transfer";  // Spec transfer §1.1
inline constexpr std::string_view share_endpoint = "share";        // Spec transfer §1.4
inline constexpr std::int64_t transfer_version = 1;

inline constexpr std::size_t record_header_size = 5;         // Spec transfer §2.1
inline constexpr std::size_t data_size_max = 1u << 20;       // Spec transfer §2.2
inline constexpr std::size_t message_size_max = 16u * 1024;  // Spec transfer §2.2
inline constexpr std::uint64_t hole_size_max = 64u << 20;    // Spec transfer §3.5
inline constexpr std::size_t outstanding_max = 1024;         // Spec transfer §5.2

enum class Kind : std::uint8_t {
    start = 1,
    // from the sender
    offer = 2,
    begin = 3,
    data = 4,
    hole = 5,
    end = 6,
    abandon = 7,
    digest = 8,
    total = 9,
    finish = 10,
    // from the receiver
    send = 16,
    compare = 17,
    done = 18,
    refused = 19,
    failed = 20,
};

// What an OFFER is about. Spec transfer §3.2.
enum class EntryKind : std::uint8_t { file = 0, folder = 1, link = 2, leave = 3 };

struct Timestamp {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;

    friend bool operator==(const Timestamp&, const Timestamp&) = default;
};

struct Offer {
    std::uint64_t item = 0;
    EntryKind kind = EntryKind::file;
    std::string path;
    std::string target{};    // of a link
    std::uint64_t size = 0;  // of a file
    std::uint32_t mode = 0;  // permission bits only
    Timestamp modified{};

    friend bool operator==(const Offer&, const Offer&) = default;
};

// Every other message is about one item and says at most one number, digest and text.
struct Notice {
    Kind kind = Kind::start;
    std::uint64_t item = 0;
    // start: version · begin, send: offset · hole, total: bytes · done: 1 when it was
    // there already · finish: how many entries failed
    std::uint64_t number = 0;
    std::uint64_t count = 0;         // total: files
    ContentDigest::Output digest{};  // end, digest
    std::string text{};              // abandon, refused, failed: the reason

    friend bool operator==(const Notice&, const Notice&) = default;
};

// Appends one record with its header.
void append_offer(std::vector<std::uint8_t>& output, const Offer& offer);
void append_notice(std::vector<std::uint8_t>& output, const Notice& notice);

// The five bytes before `size` bytes of content.
std::array<std::uint8_t, record_header_size> record_header(Kind kind, std::size_t size);

// The error is a literal part of a sentence.
Result<Offer, std::string_view> parse_offer(Bytes body);
Result<Notice, std::string_view> parse_notice(Kind kind, Bytes body);

}  // namespace stt::cli
