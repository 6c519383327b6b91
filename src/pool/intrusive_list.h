// A doubly linked list whose links lie in its members: putting in and taking out cost a few stores
// and no memory. A member is in at most one list per hook, and outlives its membership.
#pragma once

namespace tidegate::pool {

template <typename T>
struct ListHook {
  T* previous = nullptr;
  T* next = nullptr;
};

template <typename T, ListHook<T> T::* hook>
class IntrusiveList {
 public:
  T* front() const { return front_; }
  T* back() const { return back_; }
  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  static T* next(const T& item) { return (item.*hook).next; }
  static T* previous(const T& item) { return (item.*hook).previous; }

  void push_front(T& item) { insert_before(front_, item); }
  void push_back(T& item) { insert_before(nullptr, item); }

  // Before `place`; a null place is the end.
  void insert_before(T* place, T& item) {
    T* before = place != nullptr ? (place->*hook).previous : back_;
    (item.*hook) = {before, place};
    (before != nullptr ? (before->*hook).next : front_) = &item;
    (place != nullptr ? (place->*hook).previous : back_) = &item;
    ++size_;
  }

  void erase(T& item) {
    auto& [before, after] = item.*hook;
    (before != nullptr ? (before->*hook).next : front_) = after;
    (after != nullptr ? (after->*hook).previous : back_) = before;
    item.*hook = {};
    --size_;
  }

 private:
  T* front_ = nullptr;
  T* back_ = nullptr;
  int size_ = 0;
};

}  // namespace tidegate::pool
