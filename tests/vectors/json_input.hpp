// The vectors' JSON as values of this project. What does not have the shape that README.md
// describes throws std::exception, which ends the entry as failed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <stt/bytes.hpp>
#include <stt/value.hpp>
#include <vector>

#include "tests/vectors/tally.hpp"

namespace stt::vectors {

using Json = nlohmann::json;
using ByteVector = std::vector<std::uint8_t>;

ByteVector bytes_of_hex(const std::string& hex);
std::uint64_t number_of(const Json& json);  // a JSON number, or its decimal digits as a string
Value value_of(const Json& json);           // a typed value

inline bool is_equal(Bytes a, Bytes b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// One entry that is an object. It knows which of its fields were asked for: a field that no test
// looks at is a failure.
class Entry {
public:
    explicit Entry(const Json& json) : json_(json) {}

    const Json& at(const std::string& key) const;
    ByteVector bytes(const std::string& key) const;
    std::uint64_t number(const std::string& key) const { return number_of(at(key)); }
    std::string text(const std::string& key) const { return at(key).get<std::string>(); }
    template <std::size_t size>
    std::array<std::uint8_t, size> fixed(const std::string& key) const {
        return exactly<size>(bytes(key));
    }
    void check_all_read(Tally& tally) const;

    template <std::size_t size>
    static std::array<std::uint8_t, size> exactly(const ByteVector& bytes) {
        if (bytes.size() != size) throw std::length_error("bytes of a wrong size");
        std::array<std::uint8_t, size> value;
        std::copy(bytes.begin(), bytes.end(), value.begin());
        return value;
    }

private:
    const Json& json_;
    mutable std::set<std::string> read_;
};

// A section of a file, and what is done with each of its entries.
struct Section {
    std::string name;
    std::function<void(const Json& entry, Tally& tally)> run_entry;
};

// Every entry of every section; sections that are missing, unknown or empty are failures.
void run_sections(const std::string& file_name, const Json& file,
                  const std::vector<Section>& sections, Tally& tally);

// A section's entries are objects.
std::function<void(const Json&, Tally&)> on_object(void (*run)(const Entry&, Tally&));

}  // namespace stt::vectors
