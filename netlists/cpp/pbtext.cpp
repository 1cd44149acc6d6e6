#include "pbtext.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>

namespace pbtext {

namespace {

constexpr double kUnset = std::numeric_limits<double>::quiet_NaN();
constexpr int kDeepest = 64;  // nesting of blocks that are skipped; bounds the recursion

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '+' || c == '-';
}

std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 40)) out += (c >= ' ' && c <= '~') ? c : '?';
  return out;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  int line() const { return line_; }

  bool at_end() {
    skip_blank();
    return at_ == text_.size();
  }

  char peek() { return at_end() ? '\0' : text_[at_]; }

  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  void expect(char c, const char* where) {
    if (!accept(c)) fail(std::string("expected '") + c + "' " + where);
  }

  std::string_view word(const char* what) {
    skip_blank();
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    if (at_ == begin) fail(std::string("expected ") + what);
    return text_.substr(begin, at_ - begin);
  }

  /// The text between quotes, escapes as they stand.
  std::string_view quoted(const char* what) {
    skip_blank();
    if (at_ == text_.size() || (text_[at_] != '"' && text_[at_] != '\'')) fail(std::string("expected ") + what + " in quotes");
    const char quote = text_[at_];
    const std::size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size() || text_[at_] != quote) {
      at_ = std::min(at_, text_.size());
      throw ParseError(line_, std::string(what) + " '" + shown(text_.substr(begin, 40)) +
                                  "' has no closing quote; is the file truncated?");
    }
    return text_.substr(begin, at_++ - begin);
  }

  /// Where the next word begins.
  std::size_t here() {
    skip_blank();
    return at_;
  }

  /// The text from there to what was read last.
  std::string_view since(std::size_t begin) const { return text_.substr(begin, at_ - begin); }

  /// A field's value as it stands in the file, quotes included.
  std::string_view value() {
    skip_blank();
    const std::size_t begin = at_;
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      quoted("a value");
    } else {
      word("a value");
    }
    return text_.substr(begin, at_ - begin);
  }

  [[noreturn]] void fail(const std::string& expected) {
    skip_blank();
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::string found = at_ == text_.size() ? "the end of the file; is it truncated?"
                                                  : "'" + shown(text_.substr(at_, end - at_)) + "'";
    throw ParseError(line_, expected + ", found " + found);
  }

 private:
  void skip_blank() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        ++line_;
        ++at_;
      } else if (c == ' ' || c == '\t' || c == '\r' || c == ',' || c == ';') {
        ++at_;
      } else if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else {
        return;
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

/// Undoes the escapes \" \' \\ \n \t; others stay as they are.
std::string unescape(std::string_view text) {
  if (text.find('\\') == std::string_view::npos) return std::string(text);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case '"':
      case '\'':
      case '\\': out += text[i]; break;
      default: out += '\\'; out += text[i];
    }
  }
  return out;
}

std::string_view unquote(std::string_view value) {
  return value.size() >= 2 && (value.front() == '"' || value.front() == '\'') ? value.substr(1, value.size() - 2) : value;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : scan_(text) {}

  Columns parse() {
    columns_.input_start.push_back(0);
    while (!scan_.at_end()) {
      const std::string_view block = scan_.word("'node'");
      if (block == "node") {
        node();
      } else if (block == "versions" || block == "library") {
        skip_block(1);
      } else {
        throw ParseError(scan_.line(), "expected 'node', found '" + shown(block) + "'");
      }
    }
    if (columns_.name.empty()) throw ParseError(scan_.line(), "the file holds no node; expected a netlist in protobuf text");
    resolve();
    return std::move(columns_);
  }

 private:
  [[noreturn]] void fail_of_depth() {
    scan_.fail("expected at most " + std::to_string(kDeepest) + " nested blocks");
  }

  void skip_block(int depth) {
    if (depth > kDeepest) fail_of_depth();
    scan_.accept(':');
    scan_.expect('{', "to open the block");
    while (!scan_.accept('}')) {
      scan_.word("a field name");
      if (scan_.accept(':')) {
        skip_value(depth);
      } else {
        skip_block(depth + 1);
      }
    }
  }

  void skip_value(int depth) {
    if (scan_.peek() == '{') {
      skip_block(depth + 1);
    } else if (scan_.accept('[')) {
      if (depth > kDeepest) fail_of_depth();
      while (!scan_.accept(']')) skip_value(depth + 1);
    } else {
      scan_.value();
    }
  }

  void node() {
    const int line = scan_.line();
    scan_.accept(':');
    scan_.expect('{', "after 'node'");
    const int index = static_cast<int>(columns_.name.size());
    open_row(line);
    const std::size_t first_attribute = columns_.attributes.size();
    bool named = false;
    while (!scan_.accept('}')) {
      const std::string_view field = scan_.word("'name', 'input', 'attr' or '}'");
      if (field == "name") {
        scan_.expect(':', "after 'name'");
        if (named) throw ParseError(scan_.line(), "expected one name in a node, found a second one");
        columns_.name.back() = unescape(scan_.quoted("a name"));
        named = true;
      } else if (field == "input") {
        scan_.expect(':', "after 'input'");
        input_name_.push_back(unescape(scan_.quoted("an input")));
        input_line_.push_back(scan_.line());
      } else if (field == "attr") {
        attribute(index);
      } else if (field == "op" || field == "device") {
        scan_.expect(':', "after the field name");
        scan_.value();
      } else {
        throw ParseError(scan_.line(), "expected 'name', 'input', 'attr' or '}', found '" + shown(field) + "'");
      }
    }
    if (!named) throw ParseError(line, "expected a name in every node, found a node without one");
    columns_.input_start.push_back(static_cast<std::int32_t>(input_name_.size()));
    if (columns_.name.back() == "__metadata__") {
      for (std::size_t k = first_attribute; k < columns_.attributes.size(); ++k) columns_.attributes[k].node = -1;
      drop_row();
    }
  }

  void open_row(int line) {
    for (auto* column : {&columns_.name, &columns_.orientation, &columns_.macro_name}) column->emplace_back();
    for (auto* column : {&columns_.x, &columns_.y, &columns_.width, &columns_.height, &columns_.x_offset,
                         &columns_.y_offset, &columns_.weight}) {
      column->push_back(kUnset);
    }
    columns_.type.push_back(static_cast<std::int8_t>(Type::none));
    columns_.line.push_back(line);
  }

  void drop_row() {
    for (auto* column : {&columns_.name, &columns_.orientation, &columns_.macro_name}) column->pop_back();
    for (auto* column : {&columns_.x, &columns_.y, &columns_.width, &columns_.height, &columns_.x_offset,
                         &columns_.y_offset, &columns_.weight}) {
      column->pop_back();
    }
    columns_.type.pop_back();
    columns_.line.pop_back();
    columns_.input_start.pop_back();
    input_name_.resize(columns_.input_start.back());
    input_line_.resize(columns_.input_start.back());
  }

  void attribute(int index) {
    scan_.accept(':');
    scan_.expect('{', "after 'attr'");
    std::string_view key, field, value;
    while (!scan_.accept('}')) {
      const std::string_view part = scan_.word("'key', 'value' or '}'");
      if (part == "key") {
        scan_.expect(':', "after 'key'");
        key = scan_.quoted("a key");
      } else if (part == "value") {
        scan_.accept(':');
        scan_.expect('{', "after 'value'");
        field = scan_.word("a value field such as 'f' or 'placeholder'");
        value = attribute_value();
        scan_.expect('}', "to close the value");
      } else {
        throw ParseError(scan_.line(), "expected 'key' or 'value', found '" + shown(part) + "'");
      }
    }
    if (key.empty() || field.empty()) scan_.fail("expected a key and a value in every attr");
    store(index, key, field, value);
  }

  /// As it stands in the file, braces included where it is a block: a list, a shape, a function.
  std::string_view attribute_value() {
    const bool colon = scan_.accept(':');
    if (scan_.peek() != '{') {
      if (!colon) scan_.fail("expected ':' or '{' after the value field");
      return scan_.value();
    }
    const std::size_t begin = scan_.here();
    skip_block(1);
    return scan_.since(begin);
  }

  void store(int index, std::string_view key, std::string_view field, std::string_view value) {
    if (auto* column = numbers(key)) {
      if (!std::isnan(column->back())) {
        throw ParseError(scan_.line(), std::string(key) + " of '" + shown(columns_.name.back()) + "' is stated twice");
      }
      column->back() = number(key, value);
    } else if (key == "type") {
      columns_.type.back() = static_cast<std::int8_t>(type(unquote(value)));
    } else if (key == "orientation") {
      columns_.orientation.back() = unescape(unquote(value));
    } else if (key == "macro_name") {
      columns_.macro_name.back() = unescape(unquote(value));
    } else {
      columns_.attributes.push_back({index, std::string(key), std::string(field), std::string(value)});
    }
  }

  std::vector<double>* numbers(std::string_view key) {
    if (key == "x") return &columns_.x;
    if (key == "y") return &columns_.y;
    if (key == "width") return &columns_.width;
    if (key == "height") return &columns_.height;
    if (key == "x_offset") return &columns_.x_offset;
    if (key == "y_offset") return &columns_.y_offset;
    if (key == "weight") return &columns_.weight;
    return nullptr;
  }

  double number(std::string_view key, std::string_view value) {
    std::string_view digits = unquote(value);
    if (!digits.empty() && digits.front() == '+') digits.remove_prefix(1);
    double result = 0.0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), result);
    if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(result)) {
      throw ParseError(scan_.line(), std::string(key) + " is '" + shown(value) + "', expected a finite number");
    }
    return result;
  }

  Type type(std::string_view value) {
    std::string lower(value);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (lower == "port") return Type::port;
    if (lower == "macro") return Type::macro;
    if (lower == "macro_pin") return Type::macro_pin;
    if (lower == "stdcell") return Type::stdcell;
    throw ParseError(scan_.line(), "type is '" + shown(value) + "', expected PORT, MACRO, MACRO_PIN or STDCELL");
  }

  void resolve() {
    std::unordered_map<std::string_view, std::int32_t> index;
    index.reserve(columns_.name.size() * 2);
    for (std::size_t i = 0; i < columns_.name.size(); ++i) {
      const auto [known, is_new] = index.try_emplace(columns_.name[i], static_cast<std::int32_t>(i));
      if (!is_new) {
        throw ParseError(columns_.line[i], "node name '" + shown(columns_.name[i]) + "' is used before, on line " +
                                               std::to_string(columns_.line[known->second]) + "; names must differ");
      }
    }
    columns_.input.reserve(input_name_.size());
    for (std::size_t k = 0; k < input_name_.size(); ++k) {
      const auto sink = index.find(input_name_[k]);
      if (sink == index.end()) {
        throw ParseError(input_line_[k], "input '" + shown(input_name_[k]) + "' names no node of the file");
      }
      columns_.input.push_back(sink->second);
    }
    for (std::size_t i = 0; i < columns_.name.size(); ++i) {
      if (columns_.macro_name[i].empty()) {
        columns_.macro.push_back(-1);
        continue;
      }
      const auto macro = index.find(columns_.macro_name[i]);
      if (macro == index.end()) {
        throw ParseError(columns_.line[i], "pin '" + shown(columns_.name[i]) + "' belongs to macro '" +
                                               shown(columns_.macro_name[i]) + "', which is no node of the file");
      }
      columns_.macro.push_back(macro->second);
    }
  }

  Scanner scan_;
  Columns columns_;
  std::vector<std::string> input_name_;
  std::vector<int> input_line_;
};

}  // namespace

Columns parse(std::string_view text) { return Parser(text).parse(); }

}  // namespace pbtext
