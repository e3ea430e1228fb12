// The little that the addon needs around Node-API: checked arguments, tagged objects, plain values.
#pragma once
#include <node_api.h>

#include <cmath>
#include <string>

namespace windrow::napi {

constexpr double kMostExact = 9007199254740991;  // Number.MAX_SAFE_INTEGER

// Arguments of one call. A wrong one throws a TypeError and leaves `ok()` false.
class Args {
 public:
  static constexpr size_t kMost = 8;

  Args(napi_env env, napi_callback_info info, size_t expected) : env_(env) {
    size_t count = kMost;
    napi_get_cb_info(env, info, &count, values_, nullptr, nullptr);
    if (count < expected) fail("too few arguments");
  }

  bool ok() const { return ok_; }
  napi_env env() const { return env_; }
  napi_value operator[](size_t i) const { return values_[i]; }

  double number(size_t i) { return number_of(values_[i]); }
  double number_of(napi_value value) {
    double v = 0;
    if (napi_get_value_double(env_, value, &v) != napi_ok) fail("expected a number");
    return v;
  }
  // A whole number from `least` to `most`; anything else is refused, and `least` stands for it.
  double whole(size_t i, double least, double most) { return whole_of(values_[i], least, most); }
  double whole_of(napi_value value, double least, double most) {
    double v = number_of(value);
    if (ok_ && !(v >= least && v <= most && v == std::floor(v))) fail("expected a whole number in its range");
    return ok_ ? v : least;
  }
  bool boolean(size_t i) { return boolean_of(values_[i]); }
  bool boolean_of(napi_value value) {
    bool v = false;
    if (napi_get_value_bool(env_, value, &v) != napi_ok) fail("expected a boolean");
    return v;
  }
  napi_value function(size_t i) {
    napi_valuetype type = napi_undefined;
    napi_typeof(env_, values_[i], &type);
    if (type != napi_function) fail("expected a function");
    return values_[i];
  }
  std::string text_of(napi_value value) {
    size_t n = 0;
    if (napi_get_value_string_utf8(env_, value, nullptr, 0, &n) != napi_ok) {
      fail("expected a string");
      return "";
    }
    std::string s(n, '\0');
    napi_get_value_string_utf8(env_, value, s.data(), n + 1, &n);
    return s;
  }
  // A typed array of `type` with at least `least` elements.
  void* array(size_t i, napi_typedarray_type type, size_t least, size_t* length = nullptr) { return array_of(values_[i], type, least, length); }
  void* array_of(napi_value value, napi_typedarray_type type, size_t least, size_t* length = nullptr) {
    bool is = false;
    napi_is_typedarray(env_, value, &is);
    napi_typedarray_type found = type;
    size_t n = 0;
    void* data = nullptr;
    if (is) napi_get_typedarray_info(env_, value, &found, &n, &data, nullptr, nullptr);
    if (!is || found != type || n < least) {
      fail("expected a typed array of the right type and size");
      return nullptr;
    }
    if (length) *length = n;
    return data;
  }
  napi_value get(napi_value object, const char* name) {
    napi_value value = nullptr;
    if (napi_get_named_property(env_, object, name, &value) != napi_ok) fail("expected an object");
    return value;
  }
  // Visits each element of a JavaScript array.
  template <typename Visit>
  void each(napi_value array, Visit visit) {
    uint32_t length = 0;
    if (napi_get_array_length(env_, array, &length) != napi_ok) return fail("expected an array");
    for (uint32_t i = 0; i < length && ok_; i++) {
      napi_value element;
      napi_get_element(env_, array, i, &element);
      visit(element);
    }
  }
  // The native object behind argument `i`, if it is one of ours.
  template <typename T>
  T* native(size_t i) {
    bool is = false;
    void* data = nullptr;
    if (napi_check_object_type_tag(env_, values_[i], &T::kTag, &is) != napi_ok || !is || napi_unwrap(env_, values_[i], &data) != napi_ok) {
      fail("expected a native object of the right type");
      return nullptr;
    }
    return static_cast<T*>(data);
  }
  void fail(const char* message) {
    if (ok_) napi_throw_type_error(env_, "WINDROW_ADDON_ARGUMENT", message);
    ok_ = false;
  }

 private:
  napi_env env_;
  napi_value values_[kMost] = {};
  bool ok_ = true;
};

// A JavaScript object that owns `native`; it goes with the object, or with its environment.
template <typename T>
napi_value own(napi_env env, T* native) {
  napi_value object;
  napi_create_object(env, &object);
  napi_wrap(
      env, object, native, [](napi_env, void* data, void*) { delete static_cast<T*>(data); }, nullptr, nullptr);
  napi_type_tag_object(env, object, &T::kTag);
  return object;
}

inline napi_value number(napi_env env, double v) {
  napi_value value;
  napi_create_double(env, v, &value);
  return value;
}
inline napi_value boolean(napi_env env, bool v) {
  napi_value value;
  napi_get_boolean(env, v, &value);
  return value;
}
inline napi_value text(napi_env env, const std::string& v) {
  napi_value value;
  napi_create_string_utf8(env, v.data(), v.size(), &value);
  return value;
}
inline napi_value null(napi_env env) {
  napi_value value;
  napi_get_null(env, &value);
  return value;
}

class Object {
 public:
  explicit Object(napi_env env) : env_(env) { napi_create_object(env, &value_); }
  Object& set(const char* name, napi_value v) {
    napi_set_named_property(env_, value_, name, v);
    return *this;
  }
  Object& set(const char* name, double v) { return set(name, number(env_, v)); }
  napi_value value() const { return value_; }

 private:
  napi_env env_;
  napi_value value_;
};

// An array that grows at its end.
class Array {
 public:
  explicit Array(napi_env env) : env_(env) { napi_create_array(env, &value_); }
  void push(napi_value v) { napi_set_element(env_, value_, length_++, v); }
  napi_value value() const { return value_; }

 private:
  napi_env env_;
  napi_value value_;
  uint32_t length_ = 0;
};

}  // namespace windrow::napi
