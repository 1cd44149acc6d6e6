#include "pbtext.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <limits>
#include <unordered_map>
#include <utility>

namespace pbtext {

namespace {

constexpr double kUnset = std::numeric_limits<double>::quiet_NaN();
constexpr std::array<std::string_view, 4> kTypes{"port", "macro", "macro_pin", "stdcell"};
constexpr std::array<std::string_view, 8> kOrientations{"N", "FN", "S", "FS", "E", "W", "FE", "FW"};
constexpr std::array kNumbers{
    std::pair{std::string_view("x"), &Columns::x},
    std::pair{std::string_view("y"), &Columns::y},
    std::pair{std::string_view("width"), &Columns::width},
    std::pair{std::string_view("height"), &Columns::height},
    std::pair{std::string_view("x_offset"), &Columns::x_offset},
    std::pair{std::string_view("y_offset"), &Columns::y_offset},
    std::pair{std::string_view("weight"), &Columns::weight},
};

/// The attributes that have a meaning for each type; others are kept as they are.
bool is_known(std::string_view key, Type type) {
  const bool is_pin = type == Type::macro_pin, has_size = type == Type::macro || type == Type::stdcell;
  if (key == "x" || key == "y" || key == "type") return true;
  if (key == "width" || key == "height" || key == "orientation") return has_size;
  if (key == "macro_name" || key == "x_offset" || key == "y_offset") return is_pin;
  if (key == "weight") return type != Type::macro;
  return key == "fixed" && !is_pin;
}

struct RawAttribute {
  std::string_view key, field, text;
  int line;
};

/// The attribute's text without quotes and escapes.
std::string decoded(const RawAttribute& attribute) {
  Lexer lexer(attribute.text);
  std::string buffer;
  return std::string(lexer.scalar(buffer, "a value"));
}

double number(const RawAttribute& attribute) {
  std::string_view digits = attribute.text;
  if (!digits.empty() && digits.front() == '+') digits.remove_prefix(1);
  if (!digits.empty() && (digits.back() == 'f' || digits.back() == 'F')) digits.remove_suffix(1);
  double value = 0.0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value)) {
    throw ParseError(attribute.line,
                     "attribute " + quoted(attribute.key) + ": expected a finite number, found " + quoted(attribute.text));
  }
  return value;
}

template <std::size_t n>
std::int8_t choice(const RawAttribute& attribute, const std::array<std::string_view, n>& choices, bool any_case) {
  std::string value = decoded(attribute);
  if (any_case) {
    std::transform(value.begin(), value.end(), value.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; });
  }
  const auto found = std::find(choices.begin(), choices.end(), value);
  if (found != choices.end()) return static_cast<std::int8_t>(found - choices.begin());
  std::string expected;
  for (const auto name : choices) (expected += expected.empty() ? "" : ", ") += name;
  throw ParseError(attribute.line, "attribute " + quoted(attribute.key) + ": expected one of " + expected + ", found " +
                                       quoted(attribute.text));
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Columns parse() {
    columns_.input_start.push_back(0);
    while (!lexer_.at_end()) {
      const int line = lexer_.line();
      const std::string_view field = lexer_.word("'node {'");
      if (field == "node") {
        node(line);
      } else if (field == "versions" || field == "library") {
        skip_field();
      } else {
        throw ParseError(line, "expected 'node {', found " + quoted(field));
      }
      lexer_.end_field();
    }
    if (columns_.name.empty()) throw ParseError(lexer_.line(), "expected 'node {', found no node in the whole file");
    resolve();
    return std::move(columns_);
  }

 private:
  void skip_field() {
    lexer_.accept(':');
    lexer_.skip_value();
  }

  void node(int line) {
    const char close = lexer_.open("'node'");
    std::string_view name;
    attributes_.clear();
    while (!lexer_.accept_close(close)) {
      const int field_line = lexer_.line();
      const std::string_view field = lexer_.word("'name', 'input', 'attr' or '}'");
      if (field == "name") {
        if (!name.empty()) throw ParseError(field_line, "expected one name a node, found a second one");
        name = string_of("a name in quotes");
      } else if (field == "input") {
        inputs();
      } else if (field == "attr") {
        attribute(field_line);
      } else if (field == "op" || field == "device") {
        skip_field();
      } else {
        throw ParseError(field_line, "expected 'name', 'input', 'attr' or '}', found " + quoted(field));
      }
      lexer_.end_field();
    }
    if (name.empty()) throw ParseError(line, "expected a name in every node, found a node without one");
    if (name == "__metadata__") return metadata(line);
    add_row(name, line);
  }

  /// A view that stays valid as long as the parser.
  std::string_view string_of(const char* expected) {
    lexer_.accept(':');
    std::string buffer;
    const std::string_view found = lexer_.string(buffer, expected);
    return found.data() == buffer.data() ? std::string_view(arena_.emplace_back(std::move(buffer))) : found;
  }

  void inputs() {
    lexer_.accept(':');
    const bool is_list = lexer_.accept('[');
    do {
      const int line = lexer_.line();
      input_name_.push_back(string_of("the name of a sink in quotes"));
      input_line_.push_back(line);
    } while (is_list && lexer_.accept(','));
    if (is_list && !lexer_.accept(']')) lexer_.fail_expected("']'");
  }

  void attribute(int line) {
    const char close = lexer_.open("'attr'");
    RawAttribute found{{}, {}, {}, line};
    while (!lexer_.accept_close(close)) {
      const int field_line = lexer_.line();
      const std::string_view field = lexer_.word("'key', 'value' or '}'");
      if (field == "key") {
        found.key = string_of("a key in quotes");
      } else if (field == "value") {
        value(found);
      } else {
        throw ParseError(field_line, "expected 'key' or 'value', found " + quoted(field));
      }
      lexer_.end_field();
    }
    if (found.key.empty() || found.field.empty()) throw ParseError(line, "expected a key and a value in every attr");
    for (const RawAttribute& other : attributes_) {
      if (other.key == found.key) throw ParseError(line, "attribute " + quoted(found.key) + " stands twice in a node");
    }
    attributes_.push_back(found);
  }

  void value(RawAttribute& found) {
    const char close = lexer_.open("'value'");
    found.line = lexer_.line();
    found.field = lexer_.word("a value field such as 'f' or 'placeholder'");
    lexer_.accept(':');
    found.text = lexer_.skip_value();
    lexer_.end_field();
    if (!lexer_.accept_close(close)) lexer_.fail_expected("'}' after the one field of a value");
    if (!is_utf8(found.text)) throw ParseError(found.line, "expected UTF-8, found " + quoted(found.text));
  }

  void metadata(int line) {
    if (input_name_.size() > static_cast<std::size_t>(columns_.input_start.back())) {
      throw ParseError(line, "expected no input in __metadata__");
    }
    for (const RawAttribute& attribute : attributes_) keep(-1, attribute);
  }

  void keep(std::int32_t node, const RawAttribute& attribute) {
    columns_.attributes.push_back(
        {node, std::string(attribute.key), std::string(attribute.field), std::string(attribute.text)});
  }

  void add_row(std::string_view name, int line) {
    const auto node = static_cast<std::int32_t>(columns_.name.size());
    Type type = Type::none;
    for (const RawAttribute& attribute : attributes_) {
      if (attribute.key == "type") type = static_cast<Type>(choice(attribute, kTypes, true));
    }
    if (type == Type::none) {
      throw ParseError(line, "node " + quoted(name) + " has no type, expected PORT, MACRO, MACRO_PIN or STDCELL");
    }
    columns_.name.emplace_back(name);
    columns_.type.push_back(static_cast<std::int8_t>(type));
    columns_.line.push_back(line);
    columns_.orientation.push_back(-1);
    columns_.fixed.push_back(-1);
    for (const auto& [key, column] : kNumbers) (columns_.*column).push_back(kUnset);
    macro_name_.emplace_back();
    columns_.input_start.push_back(static_cast<std::int32_t>(input_name_.size()));
    for (const RawAttribute& attribute : attributes_) {
      if (is_known(attribute.key, type)) {
        store(attribute);
      } else {
        keep(node, attribute);
      }
    }
  }

  void store(const RawAttribute& attribute) {
    for (const auto& [key, column] : kNumbers) {
      if (key == attribute.key) {
        (columns_.*column).back() = number(attribute);
        return;
      }
    }
    if (attribute.key == "orientation") {
      columns_.orientation.back() = choice(attribute, kOrientations, false);
    } else if (attribute.key == "macro_name") {
      macro_name_.back() = arena_.emplace_back(decoded(attribute));
    } else if (attribute.key == "fixed") {
      columns_.fixed.back() = choice(attribute, std::array<std::string_view, 2>{"false", "true"}, true);
    }
  }

  void resolve() {
    index_.reserve(columns_.name.size() * 2);
    for (std::size_t node = 0; node < columns_.name.size(); ++node) {
      const auto [known, is_new] = index_.try_emplace(columns_.name[node], static_cast<std::int32_t>(node));
      if (!is_new) {
        throw ParseError(columns_.line[node], "expected names that differ, found " + quoted(columns_.name[node]) +
                                                  " again, which stands on line " +
                                                  std::to_string(columns_.line[known->second]) + " already");
      }
    }
    columns_.input.reserve(input_name_.size());
    for (std::size_t k = 0; k < input_name_.size(); ++k) {
      columns_.input.push_back(index_of(input_name_[k], input_line_[k], "the name of a node as input"));
    }
    for (std::size_t node = 0; node < columns_.name.size(); ++node) {
      columns_.macro.push_back(macro_name_[node].empty() ? -1
                                                         : index_of(macro_name_[node], columns_.line[node],
                                                                    "the name of a macro as macro_name"));
    }
  }

  std::int32_t index_of(std::string_view name, int line, const char* expected) const {
    const auto found = index_.find(name);
    if (found != index_.end()) return found->second;
    throw ParseError(line, std::string("expected ") + expected + ", found " + quoted(name) + ", which is not in the file");
  }

  Lexer lexer_;
  Columns columns_;
  std::deque<std::string> arena_;  // decoded strings; a deque moves none
  std::vector<RawAttribute> attributes_;
  std::vector<std::string_view> input_name_, macro_name_;
  std::vector<int> input_line_;
  std::unordered_map<std::string_view, std::int32_t> index_;
};

}  // namespace

Columns parse(std::string_view text) { return Parser(text).parse(); }

}  // namespace pbtext
