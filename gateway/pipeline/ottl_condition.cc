#include "gateway/pipeline/ottl_condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/base/strings.h"
#include "gateway/pipeline/ottl_functions.h"
#include "gateway/pipeline/ottl_lexer.h"

namespace wirespan::gateway {

namespace {

using Kind = OttlValue::Kind;

class Literal : public OttlNode {
 public:
  explicit Literal(OttlValue value, std::string text = {}) : text_(std::move(text)), value_(value) {
    if (value_.kind == Kind::kString || value_.kind == Kind::kBytes) value_.bytes = text_;
  }
  Role role() const override { return value_.kind == Kind::kBool ? Role::kEither : Role::kValue; }
  bool Evaluate(OttlContext&, OttlValue& value) const override {
    value = value_;
    return true;
  }
  const OttlValue& value() const { return value_; }

 private:
  const std::string text_;
  OttlValue value_;
};

class PathNode : public OttlNode {
 public:
  explicit PathNode(OttlPath path) : path_(std::move(path)) {}
  bool Evaluate(OttlContext& context, OttlValue& value) const override {
    value = path_.Get(context);
    return true;
  }

 private:
  const OttlPath path_;
};

class Comparison : public OttlNode {
 public:
  Comparison(OttlNodePtr left, OttlOrder order, OttlNodePtr right)
      : left_(std::move(left)), order_(order), right_(std::move(right)) {}
  Role role() const override { return Role::kBoolean; }
  bool Evaluate(OttlContext& context, OttlValue& value) const override {
    OttlValue left;
    OttlValue right;
    if (!left_->Evaluate(context, left) || !right_->Evaluate(context, right)) return false;
    value = OttlValue::Bool(Compare(left, order_, right));
    return true;
  }

 private:
  const OttlNodePtr left_;
  const OttlOrder order_;
  const OttlNodePtr right_;
};

// A function in a boolean's place has to give one.
bool AsBoolean(const OttlNode& node, OttlContext& context, bool& result) {
  OttlValue value;
  if (!node.Evaluate(context, value)) return false;
  if (value.kind != Kind::kBool) {
    context.error = fmt::format("{} stands where a boolean is needed", KindName(value.kind));
    return false;
  }
  result = value.AsBool();
  return true;
}

// `and` and `or`: the first operand that decides ends it.
class Junction : public OttlNode {
 public:
  Junction(bool decides, std::vector<OttlNodePtr> operands)
      : decides_(decides), operands_(std::move(operands)) {}
  Role role() const override { return Role::kBoolean; }
  bool Evaluate(OttlContext& context, OttlValue& value) const override {
    for (const OttlNodePtr& operand : operands_) {
      bool truth = false;
      if (!AsBoolean(*operand, context, truth)) return false;
      if (truth == decides_) {
        value = OttlValue::Bool(decides_);
        return true;
      }
    }
    value = OttlValue::Bool(!decides_);
    return true;
  }

 private:
  const bool decides_;  // or: true, and: false
  const std::vector<OttlNodePtr> operands_;
};

class Not : public OttlNode {
 public:
  explicit Not(OttlNodePtr operand) : operand_(std::move(operand)) {}
  Role role() const override { return Role::kBoolean; }
  bool Evaluate(OttlContext& context, OttlValue& value) const override {
    bool truth = false;
    if (!AsBoolean(*operand_, context, truth)) return false;
    value = OttlValue::Bool(!truth);
    return true;
  }

 private:
  const OttlNodePtr operand_;
};

// Go's arithmetic: ints wrap around and divide towards zero; ints and doubles don't mix.
bool Calculate(char op, const OttlValue& a, const OttlValue& b, OttlValue& result) {
  if (a.kind == Kind::kInt && b.kind == Kind::kInt) {
    switch (op) {
      case '+':
        result = {Kind::kInt, {}, a.bits + b.bits};
        return true;
      case '-':
        result = {Kind::kInt, {}, a.bits - b.bits};
        return true;
      case '*':
        result = {Kind::kInt, {}, a.bits * b.bits};
        return true;
      default:
        if (b.AsInt() == 0) return false;
        result = b.AsInt() == -1 ? OttlValue{Kind::kInt, {}, 0 - a.bits}
                                 : OttlValue::Int(a.AsInt() / b.AsInt());
        return true;
    }
  }
  if (a.kind == Kind::kDouble && b.kind == Kind::kDouble) {
    const double x = a.AsDouble();
    const double y = b.AsDouble();
    if (op == '/' && y == 0) return false;
    result = OttlValue::Double(op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : x / y);
    return true;
  }
  const bool times = (a.kind == Kind::kTime || a.kind == Kind::kDuration) &&
                     (b.kind == Kind::kTime || b.kind == Kind::kDuration);
  if (!times) return false;
  const bool both_times = a.kind == Kind::kTime && b.kind == Kind::kTime;
  if (op == '-') {
    if (a.kind == Kind::kDuration && b.kind == Kind::kTime) return false;
    result = {both_times || a.kind == Kind::kDuration ? Kind::kDuration : Kind::kTime,
              {},
              a.bits - b.bits};
    return true;
  }
  if (op != '+' || both_times) return false;
  result = {a.kind == Kind::kTime || b.kind == Kind::kTime ? Kind::kTime : Kind::kDuration,
            {},
            a.bits + b.bits};
  return true;
}

class Arithmetic : public OttlNode {
 public:
  Arithmetic(OttlNodePtr left, char op, OttlNodePtr right)
      : left_(std::move(left)), op_(op), right_(std::move(right)) {}
  bool Evaluate(OttlContext& context, OttlValue& value) const override {
    OttlValue left;
    OttlValue right;
    if (!left_->Evaluate(context, left) || !right_->Evaluate(context, right)) return false;
    if (Calculate(op_, left, right, value)) return true;
    context.error = fmt::format(
        "can't calculate {} {} {}", KindName(left.kind), op_,
        op_ == '/' && right.is_number() && right.AsNumber() == 0 ? "zero" : KindName(right.kind));
    return false;
  }

 private:
  const OttlNodePtr left_;
  const char op_;
  const OttlNodePtr right_;
};

std::optional<std::int64_t> EnumValue(std::string_view name) {
  static constexpr std::pair<std::string_view, std::int64_t> kEnums[] = {
      {"SPAN_KIND_UNSPECIFIED", 0},
      {"SPAN_KIND_INTERNAL", 1},
      {"SPAN_KIND_SERVER", 2},
      {"SPAN_KIND_CLIENT", 3},
      {"SPAN_KIND_PRODUCER", 4},
      {"SPAN_KIND_CONSUMER", 5},
      {"STATUS_CODE_UNSET", 0},
      {"STATUS_CODE_OK", 1},
      {"STATUS_CODE_ERROR", 2},
      {"METRIC_DATA_TYPE_NONE", 0},
      {"METRIC_DATA_TYPE_GAUGE", 1},
      {"METRIC_DATA_TYPE_SUM", 2},
      {"METRIC_DATA_TYPE_HISTOGRAM", 3},
      {"METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM", 4},
      {"METRIC_DATA_TYPE_SUMMARY", 5},
      {"AGGREGATION_TEMPORALITY_UNSPECIFIED", 0},
      {"AGGREGATION_TEMPORALITY_DELTA", 1},
      {"AGGREGATION_TEMPORALITY_CUMULATIVE", 2},
      {"FLAG_NONE", 0},
      {"FLAG_NO_RECORDED_VALUE", 1},
      {"SEVERITY_NUMBER_UNSPECIFIED", 0},
  };
  for (const auto& [known, value] : kEnums) {
    if (known == name) return value;
  }
  constexpr std::string_view kPrefix = "SEVERITY_NUMBER_";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  std::int64_t first = 1;
  for (const std::string_view level : {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}) {
    if (name.starts_with(level)) {
      const std::string_view rest = name.substr(level.size());
      if (rest.empty()) return first;
      if (rest.size() == 1 && rest[0] >= '2' && rest[0] <= '4') return first + rest[0] - '1';
      return std::nullopt;
    }
    first += 4;
  }
  return std::nullopt;
}

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxLength = 64 * 1024;

class Parser {
 public:
  Parser(std::vector<OttlToken> tokens, OttlScope scope, OttlMistake& mistake)
      : tokens_(std::move(tokens)), scope_(scope), mistake_(mistake) {}

  // Null: mistake_ says why; so in all below.
  OttlNodePtr Run() {
    OttlNodePtr node = Or();
    if (!node || !Boolean(*node, 0)) return nullptr;
    if (Peek().kind != OttlToken::Kind::kEnd) return Wrong("the condition should end here");
    return node;
  }

 private:
  const OttlToken& Peek() const { return tokens_[at_]; }
  bool IsSymbol(std::string_view text) const {
    return Peek().kind == OttlToken::Kind::kSymbol && Peek().text == text;
  }
  bool IsWord(std::string_view text) const {
    return Peek().kind == OttlToken::Kind::kLower && Peek().text == text;
  }
  bool Eat(std::string_view symbol) {
    if (!IsSymbol(symbol)) return false;
    ++at_;
    return true;
  }
  OttlNodePtr Wrong(std::string message) { return WrongAt(std::move(message), at_); }
  OttlNodePtr WrongAt(std::string message, std::size_t token) {
    mistake_ = {std::move(message), tokens_[token].at};
    return nullptr;
  }
  bool Boolean(const OttlNode& node, std::size_t token) {
    if (node.role() != OttlNode::Role::kValue) return true;
    WrongAt("a comparison is missing: a value alone is neither true nor false", token);
    return false;
  }
  bool Value(const OttlNode& node, std::size_t token) {
    if (node.role() != OttlNode::Role::kBoolean) return true;
    WrongAt("a comparison is no value: join comparisons with and, or", token);
    return false;
  }

  OttlNodePtr Or() {
    return Joined("or", true, [this] { return And(); });
  }
  OttlNodePtr And() {
    return Joined("and", false, [this] { return Negation(); });
  }

  template <class Next>
  OttlNodePtr Joined(std::string_view word, bool decides, Next next) {
    const std::size_t first = at_;
    OttlNodePtr node = next();
    if (!node || !IsWord(word)) return node;
    if (!Boolean(*node, first)) return nullptr;
    std::vector<OttlNodePtr> operands;
    operands.push_back(std::move(node));
    while (IsWord(word)) {
      const std::size_t start = ++at_;
      operands.push_back(next());
      if (!operands.back() || !Boolean(*operands.back(), start)) return nullptr;
    }
    return std::make_unique<Junction>(decides, std::move(operands));
  }

  OttlNodePtr Negation() {
    if (!IsWord("not")) return Compared();
    bool negated = false;
    while (IsWord("not")) {
      negated = !negated;
      ++at_;
    }
    const std::size_t start = at_;
    OttlNodePtr node = Compared();
    if (!node || !Boolean(*node, start)) return nullptr;
    if (!negated) return node;
    return std::make_unique<Not>(std::move(node));
  }

  OttlNodePtr Compared() {
    static constexpr std::pair<std::string_view, OttlOrder> kOrders[] = {
        {"==", OttlOrder::kEqual},  {"!=", OttlOrder::kNotEqual},
        {"<", OttlOrder::kLess},    {"<=", OttlOrder::kLessEqual},
        {">", OttlOrder::kGreater}, {">=", OttlOrder::kGreaterEqual}};
    const std::size_t start = at_;
    OttlNodePtr left = Sum();
    if (!left) return nullptr;
    for (const auto& [symbol, order] : kOrders) {
      if (!IsSymbol(symbol)) continue;
      if (!Value(*left, start)) return nullptr;
      const std::size_t second = ++at_;
      OttlNodePtr right = Sum();
      if (!right || !Value(*right, second)) return nullptr;
      return std::make_unique<Comparison>(std::move(left), order, std::move(right));
    }
    return left;
  }

  OttlNodePtr Sum() {
    return Calculated("+", "-", [this] { return Product(); });
  }
  OttlNodePtr Product() {
    return Calculated("*", "/", [this] { return Primary(); });
  }

  template <class Next>
  OttlNodePtr Calculated(std::string_view one, std::string_view other, Next next) {
    const std::size_t first = at_;
    OttlNodePtr left = next();
    while (left && (IsSymbol(one) || IsSymbol(other))) {
      const char op = Peek().text[0];
      if (!Value(*left, first)) return nullptr;
      const std::size_t second = ++at_;
      OttlNodePtr right = next();
      if (!right || !Value(*right, second)) return nullptr;
      left = std::make_unique<Arithmetic>(std::move(left), op, std::move(right));
    }
    return left;
  }

  OttlNodePtr Primary() {
    if (++depth_ > kMaxDepth) return Wrong("the condition is nested too deeply");
    OttlNodePtr node = PrimaryInside();
    --depth_;
    return node;
  }

  OttlNodePtr PrimaryInside() {
    const OttlToken& token = Peek();
    switch (token.kind) {
      case OttlToken::Kind::kString:
        ++at_;
        return std::make_unique<Literal>(OttlValue::String({}), token.text);
      case OttlToken::Kind::kBytes:
        ++at_;
        return std::make_unique<Literal>(OttlValue::Bytes({}), token.text);
      case OttlToken::Kind::kInt:
      case OttlToken::Kind::kDouble:
        return Number("");
      case OttlToken::Kind::kUpper:
        return CallOrEnum();
      case OttlToken::Kind::kLower:
        return Word();
      case OttlToken::Kind::kSymbol:
        break;
      case OttlToken::Kind::kEnd:
        return Wrong("something is missing at the end");
    }
    if (Eat("(")) {
      OttlNodePtr node = Or();
      if (!node) return nullptr;
      return Eat(")") ? std::move(node) : Wrong("a ) is missing");
    }
    if (IsSymbol("-") || IsSymbol("+")) {
      const std::string sign = token.text;
      ++at_;
      if (Peek().kind == OttlToken::Kind::kInt || Peek().kind == OttlToken::Kind::kDouble) {
        return Number(sign);
      }
      return Wrong("a sign stands in front of a number only");
    }
    if (IsSymbol("[")) return Wrong("lists are not supported");
    return Wrong("a value is missing here");
  }

  OttlNodePtr Number(const std::string& sign) {
    const OttlToken& token = Peek();
    const std::string text = (sign == "-" ? "-" : "") + token.text;
    if (token.kind == OttlToken::Kind::kInt) {
      const auto number = ParseInt(text);
      if (!number) return Wrong("the number is too large for 64 bits");
      ++at_;
      return std::make_unique<Literal>(OttlValue::Int(*number));
    }
    const auto number = ParseGoDouble(text);
    if (!number) return Wrong("this is no number");
    ++at_;
    return std::make_unique<Literal>(OttlValue::Double(*number));
  }

  OttlNodePtr CallOrEnum() {
    const std::size_t start = at_;
    const std::string name = Peek().text;
    ++at_;
    if (!Eat("(")) {
      if (const auto value = EnumValue(name)) {
        return std::make_unique<Literal>(OttlValue::Int(*value));
      }
      return WrongAt(fmt::format("there is no constant {}; a function needs ()", name), start);
    }
    std::vector<OttlArgument> arguments;
    while (!IsSymbol(")")) {
      if (!arguments.empty() && !Eat(",")) return Wrong("a , or ) is missing");
      const std::size_t at = at_;
      OttlArgument argument;
      argument.node = Sum();
      if (!argument.node || !Value(*argument.node, at)) return nullptr;
      if (const auto* literal = dynamic_cast<const Literal*>(argument.node.get())) {
        argument.literal = &literal->value();
      }
      arguments.push_back(std::move(argument));
    }
    ++at_;
    auto call = MakeOttlCall(name, scope_, std::move(arguments));
    if (!call) return WrongAt(call.error().message, start);
    return std::move(*call);
  }

  OttlNodePtr Word() {
    const std::size_t start = at_;
    if (IsWord("true") || IsWord("false")) {
      const bool value = IsWord("true");
      ++at_;
      return std::make_unique<Literal>(OttlValue::Bool(value));
    }
    if (IsWord("nil")) {
      ++at_;
      return std::make_unique<Literal>(OttlValue::Nil());
    }
    std::vector<std::string> names = {Peek().text};
    ++at_;
    while (Eat(".")) {
      if (Peek().kind != OttlToken::Kind::kLower) return Wrong("a name should follow the dot");
      names.push_back(Peek().text);
      ++at_;
    }
    std::vector<OttlPath::Key> keys;
    while (Eat("[")) {
      if (Peek().kind == OttlToken::Kind::kString) {
        keys.emplace_back(Peek().text);
      } else if (Peek().kind == OttlToken::Kind::kInt && ParseInt(Peek().text)) {
        keys.emplace_back(*ParseInt(Peek().text));
      } else {
        return Wrong("a key is a text in quotes or a number");
      }
      ++at_;
      if (!Eat("]")) return Wrong("a ] is missing");
    }
    auto path = OttlPath::Find(scope_, names, std::move(keys));
    if (!path) return WrongAt(path.error().message, start);
    return std::make_unique<PathNode>(std::move(*path));
  }

  const std::vector<OttlToken> tokens_;
  const OttlScope scope_;
  OttlMistake& mistake_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

std::string Describe(std::string_view text, const OttlMistake& mistake) {
  const std::string_view before = text.substr(0, mistake.at);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
  return fmt::format("in the condition, line {}, column {}: {}", line, mistake.at - start + 1,
                     mistake.message);
}

}  // namespace

Result<OttlCondition> OttlCondition::Parse(std::string_view text, OttlScope scope) {
  OttlMistake mistake;
  if (text.size() > kMaxLength) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the condition is longer than {} bytes", kMaxLength));
  }
  std::vector<OttlToken> tokens;
  OttlNodePtr node;
  if (LexOttl(text, tokens, mistake)) node = Parser(std::move(tokens), scope, mistake).Run();
  if (!node) return Fail(ErrorCode::kInvalidArgument, Describe(text, mistake));
  OttlCondition condition;
  condition.text_ = text;
  condition.node_ = std::move(node);
  return condition;
}

OttlCondition::Truth OttlCondition::Evaluate(OttlContext& context) const {
  bool truth = false;
  if (!AsBoolean(*node_, context, truth)) return Truth::kError;
  return truth ? Truth::kTrue : Truth::kFalse;
}

}  // namespace wirespan::gateway
