// Queues of streams that a stream can leave in the middle.
#pragma once

#include <stt/check.hpp>

namespace stt::stream {

// Where an element stands in a list.
template <class Element>
struct ListLink {
    Element* previous = nullptr;
    Element* next = nullptr;
    bool is_linked = false;
};

// A doubly linked list through a member of its elements: nothing is allocated, and everything
// takes constant time. An element must stay where it is, and leave before it dies.
template <class Element, ListLink<Element> Element::*link>
class LinkedList {
public:
    bool is_empty() const noexcept { return first_ == nullptr; }
    // The list must not be empty.
    Element& front() const noexcept { return *first_; }

    void push_back(Element& element) noexcept {
        ListLink<Element>& at = element.*link;
        STT_CHECK(!at.is_linked);
        at = {last_, nullptr, true};
        (last_ == nullptr ? first_ : (last_->*link).next) = &element;
        last_ = &element;
    }

    void push_front(Element& element) noexcept {
        ListLink<Element>& at = element.*link;
        STT_CHECK(!at.is_linked);
        at = {nullptr, first_, true};
        (first_ == nullptr ? last_ : (first_->*link).previous) = &element;
        first_ = &element;
    }

    // The element must be in this list.
    void remove(Element& element) noexcept {
        ListLink<Element>& at = element.*link;
        STT_CHECK(at.is_linked);
        (at.previous == nullptr ? first_ : (at.previous->*link).next) = at.next;
        (at.next == nullptr ? last_ : (at.next->*link).previous) = at.previous;
        at = {};
    }

private:
    Element* first_ = nullptr;
    Element* last_ = nullptr;
};

}  // namespace stt::stream
