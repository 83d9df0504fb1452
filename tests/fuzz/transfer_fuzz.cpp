// The records of the file transfer, cut anywhere: messages that are read can be written and read
// again, and a path that is taken never leaves its folder.
#include <string>
#include <vector>

#include "cli/transfer/message.hpp"
#include "cli/transfer/path_rules.hpp"
#include "cli/transfer/record_reader.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace stt;

namespace {

Bytes body_of(const std::vector<std::uint8_t>& record) {
    return Bytes(record).subspan(cli::record_header_size);
}

void check_path(const cli::Offer& offer) {
    if (cli::path_fault(offer.path)) return;
    STT_CHECK(!offer.path.empty() && offer.path.front() != '/' && offer.path.back() != '/');
    const std::string framed = "/" + offer.path + "/";
    STT_CHECK(framed.find("/../") == std::string::npos && framed.find("/./") == std::string::npos);
    STT_CHECK(framed.find("//") == std::string::npos && framed.find('\0') == std::string::npos);
    if (offer.kind != cli::EntryKind::link || cli::link_fault(offer.path, offer.target)) return;
    STT_CHECK(!offer.target.empty() && offer.target.front() != '/');
}

void check_message(cli::Kind kind, Bytes body) {
    std::vector<std::uint8_t> record;
    if (kind == cli::Kind::offer) {
        const auto offer = cli::parse_offer(body);
        if (!offer) return;
        check_path(*offer);
        cli::append_offer(record, *offer);
        const auto again = cli::parse_offer(body_of(record));
        STT_CHECK(again.has_value() && *again == *offer);
        return;
    }
    const auto notice = cli::parse_notice(kind, body);
    if (!notice) return;
    cli::append_notice(record, *notice);
    const auto again = cli::parse_notice(kind, body_of(record));
    STT_CHECK(again.has_value() && *again == *notice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::FuzzInput input(data, size);
    const std::size_t cut = std::size_t{input.u8()} + 1;
    cli::RecordReader reader;
    while (!input.is_empty()) {
        Bytes piece = input.bytes(cut);
        while (const auto record = reader.next(piece)) {
            if (record->kind != cli::Kind::data) check_message(record->kind, record->bytes);
        }
        if (reader.fault()) break;
        STT_CHECK(piece.empty());
    }
    return 0;
}
