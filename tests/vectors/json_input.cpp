#include "tests/vectors/json_input.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <stdexcept>

namespace stt::vectors {
namespace {

template <class Number>
Number parsed(const std::string& text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        throw std::invalid_argument("not a number: " + text);
    }
    return value;
}

// The standard library of Emscripten has no from_chars() for it.
double parsed_float(const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || end != text.c_str() + text.size()) {
        throw std::invalid_argument("not a number: " + text);
    }
    return value;
}

Value integer_of(const std::string& digits) {
    if (digits.starts_with('-')) return Value(parsed<std::int64_t>(digits));
    return Value(parsed<std::uint64_t>(digits));
}

Value list_of(const Json& json) {
    Value::List items;
    for (const Json& item : json) items.push_back(value_of(item));
    return Value(std::move(items));
}

Value dict_of(const Json& json) {
    Value::Dict entries;
    for (const Json& pair : json) {
        entries.emplace(pair.at(0).get<std::string>(), value_of(pair.at(1)));
    }
    return Value(std::move(entries));
}

}  // namespace

ByteVector bytes_of_hex(const std::string& hex) {
    if (hex.size() % 2 != 0) throw std::invalid_argument("hex of odd length");
    ByteVector bytes(hex.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char* const digits = hex.data() + 2 * i;
        const auto [end, error] = std::from_chars(digits, digits + 2, bytes[i], 16);
        if (error != std::errc{} || end != digits + 2) throw std::invalid_argument("not hex");
    }
    return bytes;
}

std::uint64_t number_of(const Json& json) {
    return json.is_string() ? parsed<std::uint64_t>(json.get<std::string>())
                            : json.get<std::uint64_t>();
}

Value value_of(const Json& json) {
    if (json.is_null()) return Value();
    if (json.is_boolean()) return Value(json.get<bool>());
    if (json.is_string()) return Value(json.get<std::string>());
    if (!json.is_object() || json.size() != 1) throw std::invalid_argument("not a typed value");
    const std::string& type = json.begin().key();
    const Json& body = json.begin().value();
    if (type == "int") return integer_of(body.get<std::string>());
    if (type == "bytes") return Value(bytes_of_hex(body.get<std::string>()));
    if (type == "string") return Value(body.get<std::string>());
    if (type == "float") return Value(parsed_float(body.get<std::string>()));
    if (type == "list") return list_of(body);
    if (type == "dict") return dict_of(body);
    throw std::invalid_argument("unknown type of value: " + type);
}

const Json& Entry::at(const std::string& key) const {
    read_.insert(key);
    return json_.at(key);
}

ByteVector Entry::bytes(const std::string& key) const {
    return bytes_of_hex(at(key).get<std::string>());
}

void Entry::check_all_read(Tally& tally) const {
    for (const auto& item : json_.items()) {
        if (!read_.contains(item.key())) tally.check(false, "unknown field " + item.key());
    }
}

void run_sections(const std::string& file_name, const Json& file,
                  const std::vector<Section>& sections, Tally& tally) {
    if (!file.is_object()) return tally.fail(file_name + ": not an object of sections");
    for (const auto& item : file.items()) {
        const bool is_known =
            std::any_of(sections.begin(), sections.end(),
                        [&](const Section& section) { return section.name == item.key(); });
        if (!is_known) tally.fail(file_name + ": unknown section " + item.key());
    }
    for (const Section& section : sections) {
        const std::string name = file_name + ' ' + section.name;
        const auto found = file.find(section.name);
        if (found == file.end()) {
            tally.fail(name + ": missing section");
            continue;
        }
        if (!found->is_array()) {
            tally.fail(name + ": not a list");
            continue;
        }
        tally.begin_section(name);
        for (const Json& entry : *found) {
            tally.begin_entry();
            try {
                section.run_entry(entry, tally);
            } catch (const std::exception& problem) {
                tally.check(false, problem.what());
            }
            tally.end_entry();
        }
        tally.end_section();
    }
}

std::function<void(const Json&, Tally&)> on_object(void (*run)(const Entry&, Tally&)) {
    return [run](const Json& json, Tally& tally) {
        const Entry entry(json);
        run(entry, tally);
        entry.check_all_read(tally);
    };
}

}  // namespace stt::vectors
