#include "gateway/pipeline/ottl_value.h"

#include <compare>

namespace wirespan::gateway {

namespace {

using Kind = OttlValue::Kind;

template <class T>
bool Ordered(const T& left, OttlOrder order, const T& right) {
  switch (order) {
    case OttlOrder::kEqual:
      return left == right;
    case OttlOrder::kNotEqual:
      return left != right;
    case OttlOrder::kLess:
      return left < right;
    case OttlOrder::kLessEqual:
      return left <= right;
    case OttlOrder::kGreater:
      return left > right;
    case OttlOrder::kGreaterEqual:
      return left >= right;
  }
  return false;
}

}  // namespace

OttlValue OttlValue::From(const AnyValue& value) {
  switch (value.kind) {
    case AnyValue::Kind::kEmpty:
      return Nil();
    case AnyValue::Kind::kString:
      return String(value.bytes);
    case AnyValue::Kind::kBool:
      return Bool(value.AsBool());
    case AnyValue::Kind::kInt:
      return Int(value.AsInt());
    case AnyValue::Kind::kDouble:
      return {Kind::kDouble, {}, value.bits};
    case AnyValue::Kind::kArray:
      return {Kind::kArray, value.bytes, 0};
    case AnyValue::Kind::kMap:
      return {Kind::kMap, value.bytes, 1};
    case AnyValue::Kind::kBytes:
      return Bytes(value.bytes);
  }
  return Nil();
}

std::string_view KindName(OttlValue::Kind kind) {
  switch (kind) {
    case Kind::kNil:
      return "nil";
    case Kind::kBool:
      return "a boolean";
    case Kind::kInt:
      return "an int";
    case Kind::kDouble:
      return "a double";
    case Kind::kString:
      return "a string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kArray:
      return "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kTime:
      return "a time";
    case Kind::kDuration:
      return "a duration";
  }
  return "unknown";
}

bool Compare(const OttlValue& left, OttlOrder order, const OttlValue& right) {
  if (left.is_number() && right.is_number()) {
    if (left.kind == Kind::kInt && right.kind == Kind::kInt) {
      return Ordered(left.AsInt(), order, right.AsInt());
    }
    return Ordered(left.AsNumber(), order, right.AsNumber());
  }
  if (left.kind != right.kind) return order == OttlOrder::kNotEqual;
  switch (left.kind) {
    case Kind::kNil:
      return order == OttlOrder::kEqual || order == OttlOrder::kLessEqual ||
             order == OttlOrder::kGreaterEqual;
    case Kind::kBool:
      return Ordered(left.AsBool(), order, right.AsBool());
    case Kind::kString:
    case Kind::kBytes:
      return Ordered(left.bytes, order, right.bytes);
    case Kind::kTime:
    case Kind::kDuration:
      return Ordered(left.AsInt(), order, right.AsInt());
    default: {
      const bool equal = left.bits == right.bits && left.bytes == right.bytes;
      return order == OttlOrder::kEqual ? equal : order == OttlOrder::kNotEqual && !equal;
    }
  }
}

bool AppendText(std::string& out, const OttlValue& value) {
  switch (value.kind) {
    case Kind::kNil:
      return false;
    case Kind::kString:
      out += value.bytes;
      return true;
    case Kind::kBool:
      out += value.AsBool() ? "true" : "false";
      return true;
    case Kind::kInt:
    case Kind::kTime:
    case Kind::kDuration:
      out += std::to_string(value.AsInt());
      return true;
    case Kind::kDouble:
      AppendAsString(out, AnyValue::Double(value.AsDouble()));
      return true;
    case Kind::kBytes:
      AppendAsString(out, {AnyValue::Kind::kBytes, value.bytes, 0});
      return true;
    case Kind::kArray:
      AppendAsString(out, {AnyValue::Kind::kArray, value.bytes, 0});
      return true;
    case Kind::kMap:
      // Only a KeyValueList stands alone; the attributes of an item are no value of theirs.
      if (value.bits == 1) AppendAsString(out, {AnyValue::Kind::kMap, value.bytes, 0});
      return value.bits == 1;
  }
  return false;
}

}  // namespace wirespan::gateway
