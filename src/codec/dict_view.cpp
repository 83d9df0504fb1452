#include "codec/dict_view.hpp"

#include <algorithm>
#include <stt/check.hpp>

#include "codec/tlv_decoder.hpp"

namespace stt::codec {

// Fills a view with what the outermost DICT holds; null: nothing is kept.
struct BuildView {
    using Item = DictView::Item;

    DictView* view = nullptr;

    static Item null() noexcept { return {}; }
    static Item boolean(bool) noexcept { return {}; }
    static Item integer(std::int64_t value) noexcept { return value; }
    static Item unsigned_integer(std::uint64_t value) noexcept { return value; }
    static Item floating(double) noexcept { return {}; }
    static Item bytes(Bytes value) noexcept { return value; }
    static Item string(std::string_view value) noexcept { return value; }

    struct List {
        List(const BuildView&, std::size_t, Bytes items_given) noexcept : items(items_given) {}
        void add(Item&&) noexcept {}
        Item finish(Bytes behind) && noexcept {
            return DictView::List{items.first(items.size() - behind.size())};
        }
        Bytes items;
    };
    struct Dict {
        Dict(const BuildView& build, std::size_t depth) noexcept
            : view(depth == 0 ? build.view : nullptr) {}
        // Of keys that ascend none comes twice.
        bool contains(std::string_view) const noexcept { return false; }
        void add(std::string_view key, Item&& item) noexcept {
            if (view == nullptr) return;
            const auto place = std::find(view->keys_.begin(), view->keys_.end(), key);
            if (place == view->keys_.end()) return;
            view->items_[static_cast<std::size_t>(place - view->keys_.begin())] = item;
        }
        Item finish() && noexcept { return {}; }
        DictView* view;
    };
};

Result<DictView, DecodeError> DictView::parse_strict(
    Bytes encoded, std::span<const std::string_view> keys) noexcept {
    STT_CHECK(keys.size() <= key_count_max);
    DictView view(keys);
    const auto whole = Decoder<BuildView>(encoded, Strictness::strict, {&view}).whole();
    if (!whole) return Unexpected(whole.error());
    if (static_cast<Tag>(encoded.front()) != Tag::dict) {
        return Unexpected(DecodeError::unknown_tag);
    }
    return view;
}

const DictView::Item* DictView::find(std::string_view key) const noexcept {
    const auto place = std::find(keys_.begin(), keys_.end(), key);
    if (place == keys_.end()) return nullptr;
    const auto& item = items_[static_cast<std::size_t>(place - keys_.begin())];
    return item ? &*item : nullptr;
}

std::optional<DictView::Item> DictView::take(List& list) noexcept {
    if (list.items.empty()) return std::nullopt;
    Decoder<BuildView> decoder(list.items, Strictness::strict);
    const auto item = decoder.next();
    STT_CHECK(item.has_value());
    list.items = decoder.remaining();
    return *item;
}

}  // namespace stt::codec
