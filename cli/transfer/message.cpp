#include "message.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <stt/check.hpp>
#include <stt/value.hpp>
#include <utility>

namespace stt::cli {
namespace {

// Reasons are for people; Spec transfer §3.9 cuts them.
constexpr std::size_t reason_size_max = 512;

constexpr std::uint32_t nanoseconds_per_second = 1'000'000'000;

bool has_offset(Kind kind) {
    return kind == Kind::begin || kind == Kind::send;
}
bool has_reason(Kind kind) {
    return kind == Kind::abandon || kind == Kind::refused || kind == Kind::failed;
}
bool has_digest(Kind kind) {
    return kind == Kind::end || kind == Kind::digest;
}
bool has_item(Kind kind) {
    return kind != Kind::start && kind != Kind::hole && kind != Kind::total &&
           kind != Kind::finish && kind != Kind::failed;
}

// The key that Notice::number has in a message of this kind; empty: none.
std::string_view number_key(Kind kind) {
    if (has_offset(kind)) return "offset";
    switch (kind) {
        case Kind::start:
            return "version";
        case Kind::hole:
            return "size";
        case Kind::total:
            return "bytes";
        case Kind::done:
            return "present";
        case Kind::finish:
            return "failed";
        default:
            return {};
    }
}

bool is_notice(Kind kind) {
    switch (kind) {
        case Kind::start:
        case Kind::begin:
        case Kind::hole:
        case Kind::end:
        case Kind::abandon:
        case Kind::digest:
        case Kind::total:
        case Kind::finish:
        case Kind::send:
        case Kind::compare:
        case Kind::done:
        case Kind::refused:
        case Kind::failed:
            return true;
        default:
            return false;
    }
}

void append_record(std::vector<std::uint8_t>& output, Kind kind, Value::Dict dict) {
    const std::vector<std::uint8_t> body = encode(Value(std::move(dict)));
    STT_CHECK(body.size() <= message_size_max);
    const auto header = record_header(kind, body.size());
    output.insert(output.end(), header.begin(), header.end());
    output.insert(output.end(), body.begin(), body.end());
}

std::optional<std::uint64_t> number_in(const Value& dict, std::string_view key) {
    const Value* value = dict.find(key);
    if (value == nullptr) return std::nullopt;
    if (const std::uint64_t* large = value->large_integer()) return *large;
    const std::int64_t* integer = value->integer();
    if (integer == nullptr || *integer < 0) return std::nullopt;
    return static_cast<std::uint64_t>(*integer);
}

std::optional<std::uint64_t> number_below(const Value& dict, std::string_view key,
                                          std::uint64_t limit) {
    const std::optional<std::uint64_t> number = number_in(dict, key);
    if (!number || *number >= limit) return std::nullopt;
    return number;
}

const std::string* text_in(const Value& dict, std::string_view key) {
    const Value* value = dict.find(key);
    return value == nullptr ? nullptr : value->string();
}

// Cuts at a character: the rest must stay valid UTF-8.
std::string_view cut_reason(std::string_view text) {
    if (!is_valid_utf8(bytes_of(text))) return "(a reason that is no text)";
    if (text.size() <= reason_size_max) return text;
    std::size_t size = reason_size_max;
    while ((static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
    return text.substr(0, size);
}

Result<Value, std::string_view> parse_dict(Bytes body) {
    auto value = decode(body);
    if (!value) return Unexpected(text_of(value.error()));
    if (value->dict() == nullptr) return Unexpected(std::string_view("a message is not a DICT"));
    return std::move(*value);
}

}  // namespace

std::array<std::uint8_t, record_header_size> record_header(Kind kind, std::size_t size) {
    const auto byte = [size](unsigned shift) { return static_cast<std::uint8_t>(size >> shift); };
    return {static_cast<std::uint8_t>(kind), byte(24), byte(16), byte(8), byte(0)};
}

void append_offer(std::vector<std::uint8_t>& output, const Offer& offer) {
    Value::Dict dict;
    dict.emplace("item", Value(offer.item));
    dict.emplace("kind", Value(static_cast<int>(offer.kind)));
    dict.emplace("path", Value(offer.path));
    if (offer.kind == EntryKind::link) dict.emplace("target", Value(offer.target));
    if (offer.kind == EntryKind::file) dict.emplace("size", Value(offer.size));
    dict.emplace("mode", Value(std::int64_t{offer.mode}));
    dict.emplace("seconds", Value(offer.modified.seconds));
    dict.emplace("nanoseconds", Value(std::int64_t{offer.modified.nanoseconds}));
    append_record(output, Kind::offer, std::move(dict));
}

void append_notice(std::vector<std::uint8_t>& output, const Notice& notice) {
    Value::Dict dict;
    if (has_item(notice.kind)) dict.emplace("item", Value(notice.item));
    const std::string_view key = number_key(notice.kind);
    if (!key.empty()) dict.emplace(std::string(key), Value(notice.number));
    if (notice.kind == Kind::total) dict.emplace("files", Value(notice.count));
    if (has_digest(notice.kind)) dict.emplace("digest", Value(Bytes(notice.digest)));
    if (has_reason(notice.kind)) dict.emplace("reason", Value(cut_reason(notice.text)));
    append_record(output, notice.kind, std::move(dict));
}

Result<Offer, std::string_view> parse_offer(Bytes body) {
    STT_TRY(const Value dict, parse_dict(body));
    const auto item = number_in(dict, "item");
    const auto kind = number_below(dict, "kind", 4);
    const auto mode = number_below(dict, "mode", 0x10000);
    const auto nanoseconds = number_below(dict, "nanoseconds", nanoseconds_per_second);
    const std::string* path = text_in(dict, "path");
    const Value* seconds = dict.find("seconds");
    if (!item || !kind || !mode || !nanoseconds || path == nullptr || seconds == nullptr ||
        seconds->integer() == nullptr) {
        return Unexpected(std::string_view("an OFFER lacks a field"));
    }
    Offer offer;
    offer.item = *item;
    offer.kind = static_cast<EntryKind>(*kind);
    offer.path = *path;
    // Spec transfer §3.2: setuid, setgid and sticky are never taken over.
    offer.mode = static_cast<std::uint32_t>(*mode & 0777);
    offer.modified = {*seconds->integer(), static_cast<std::uint32_t>(*nanoseconds)};
    if (offer.kind == EntryKind::link) {
        const std::string* target = text_in(dict, "target");
        if (target == nullptr) return Unexpected(std::string_view("a link has no target"));
        offer.target = *target;
    }
    if (offer.kind == EntryKind::file) {
        // Sizes are offsets of the kernel too, which are signed.
        const auto size = number_below(dict, "size", std::uint64_t{1} << 63);
        if (!size) return Unexpected(std::string_view("a file has no size"));
        offer.size = *size;
    }
    return offer;
}

Result<Notice, std::string_view> parse_notice(Kind kind, Bytes body) {
    if (!is_notice(kind)) return Unexpected(std::string_view("a message of an unknown kind"));
    STT_TRY(const Value dict, parse_dict(body));
    constexpr std::string_view lacks_field = "a message lacks a field";
    Notice notice;
    notice.kind = kind;
    if (has_item(kind)) {
        const auto item = number_in(dict, "item");
        if (!item) return Unexpected(lacks_field);
        notice.item = *item;
    }
    if (const std::string_view key = number_key(kind); !key.empty()) {
        const auto number = number_in(dict, key);
        if (!number) return Unexpected(lacks_field);
        notice.number = *number;
    }
    if (kind == Kind::total) {
        const auto count = number_in(dict, "files");
        if (!count) return Unexpected(lacks_field);
        notice.count = *count;
    }
    if (has_digest(kind)) {
        const Value* digest = dict.find("digest");
        const std::vector<std::uint8_t>* bytes = digest == nullptr ? nullptr : digest->bytes();
        if (bytes == nullptr || bytes->size() != notice.digest.size()) {
            return Unexpected(lacks_field);
        }
        std::copy(bytes->begin(), bytes->end(), notice.digest.begin());
    }
    if (has_reason(kind)) {
        const std::string* reason = text_in(dict, "reason");
        if (reason == nullptr) return Unexpected(lacks_field);
        notice.text = cut_reason(*reason);
    }
    return notice;
}

}  // namespace stt::cli
