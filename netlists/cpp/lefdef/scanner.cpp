#include "scanner.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace lefdef {

namespace {

constexpr double kGreatest = 1e12;  // of a coordinate or count; keeps sums of them exact
constexpr double kLeast = 1e-9;      // of a size or step; keeps areas and quotients finite
constexpr std::int32_t kMost = 1'000'000'000;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'; }

bool is_numeric(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == '*' || c == 'e' || c == 'E';
  });
}

/// Whether the last character is escaped: an odd number of backslashes stands before it.
bool last_is_escaped(std::string_view text) {
  std::size_t slashes = 0;
  while (slashes + 1 < text.size() && text[text.size() - 2 - slashes] == '\\') ++slashes;
  return slashes % 2 == 1;
}

}  // namespace

bool same_word(std::string_view text, std::string_view upper) {
  if (text.size() != upper.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'a' && text[i] <= 'z' ? static_cast<char>(text[i] - 'a' + 'A') : text[i];
    if (c != upper[i]) return false;
  }
  return true;
}

std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 60)) out += (c >= ' ' && c <= '~') ? c : '?';
  if (text.size() > 60) out += "...";
  return out;
}

bool Token::is(std::string_view keyword) const { return !quoted && !at_end && same_word(text, keyword); }

void Scanner::skip_blank() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (is_blank(c)) {
      line_ += c == '\n';
      ++at_;
    } else {
      return;
    }
  }
}

void Scanner::quoted() {
  const std::size_t begin = at_ + 1;
  std::size_t end = begin;
  int lines = 0;
  while (end < text_.size() && text_[end] != '"') {
    if (text_[end] == '\\' && end + 1 < text_.size()) ++end;
    lines += text_[end] == '\n';
    ++end;
  }
  const bool open = end >= text_.size();
  end = std::min(end, text_.size());
  ahead_ = {text_.substr(begin, end - begin), at_, end + 1, line_, true, false, open};
  line_ += lines;
  at_ = std::min(end + 1, text_.size());
}

void Scanner::word() {
  const std::size_t begin = at_;
  while (at_ < text_.size() && !is_blank(text_[at_])) ++at_;
  std::string_view text = text_.substr(begin, at_ - begin);
  while (text.size() > 1 && text.back() == ';' && !last_is_escaped(text)) text.remove_suffix(1);
  while (text.size() > 1 && text.back() == ')' && is_numeric(text.substr(0, text.find(')')))) text.remove_suffix(1);
  at_ = begin + text.size();
  ahead_ = {text, begin, at_, line_, false, false, false};
}

void Scanner::advance(bool strings) {
  if (ahead_.open) fail_at(ahead_.line, "a string has no closing quote; is the file truncated?");
  skip_blank();
  if (at_ == text_.size()) {
    ahead_ = {{}, at_, at_, line_, false, true, false};
  } else if (text_[at_] == '"' && strings) {
    quoted();
  } else if (text_[at_] == '(' || text_[at_] == ')' || text_[at_] == ';') {
    ahead_ = {text_.substr(at_, 1), at_, at_ + 1, line_, false, false, false};
    ++at_;
  } else {
    word();
  }
}

Token Scanner::next() {
  const Token token = ahead_;
  if (!token.at_end) advance();
  return token;
}

bool Scanner::accept(std::string_view keyword) {
  if (!ahead_.is(keyword)) return false;
  advance();
  return true;
}

void Scanner::expect(std::string_view keyword, const char* where) {
  if (!accept(keyword)) fail("expected '" + std::string(keyword) + "' " + where);
}

Token Scanner::name(const char* what) {
  const Token& token = ahead_;
  if (token.at_end || token.quoted || token.text == ";" || token.text == "(" || token.text == ")") {
    fail(std::string("expected ") + what);
  }
  for (const char c : token.text) {
    if (c < '!' || c > '~') fail(std::string("expected ") + what + " in printable ASCII");
  }
  return next();
}

std::string_view Scanner::string(const char* what) {
  if (!ahead_.quoted) fail(std::string("expected ") + what + " in quotes");
  return next().text;
}

double Scanner::parsed(const Token& token, const char* what) const {
  std::string_view digits = token.quoted ? std::string_view() : token.text;
  if (digits.size() > 1 && digits.front() == '+') digits.remove_prefix(1);
  double value = 0.0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || !(std::abs(value) <= kGreatest)) {
    fail(std::string("expected ") + what + ", a number of at most 1e12");
  }
  return value;
}

double Scanner::number(const char* what) {
  const double value = parsed(ahead_, what);
  advance();
  return value;
}

double Scanner::positive(const char* what) {
  const double value = parsed(ahead_, what);
  if (value < kLeast) fail(std::string("expected ") + what + " above 0");
  advance();
  return value;
}

std::int32_t Scanner::count(const char* what) {
  const double value = parsed(ahead_, what);
  if (value < 0 || value > kMost || value != std::floor(value)) {
    fail(std::string("expected ") + what + ", a whole number of at least 0");
  }
  advance();
  return static_cast<std::int32_t>(value);
}

void Scanner::skip_statement() {
  while (!accept(";")) {
    if (ahead_.at_end) fail("expected ';' at the end of the statement");
    advance();
  }
}

void Scanner::skip_option() {
  while (!ahead_.is("+") && !ahead_.is(";")) {
    if (ahead_.at_end) fail("expected '+' or ';'");
    advance();
  }
}

void Scanner::skip_block(const char* kind, std::string_view name, int line) {
  while (!ahead_.at_end) {
    const bool is_end = ahead_.is("END");
    advance();
    if (is_end && !ahead_.quoted && (ahead_.text == name || same_word(ahead_.text, name))) {
      advance();
      return;
    }
  }
  fail_at(line, std::string(kind) + " '" + shown(name) + "' has no 'END " + shown(name) + "'; is the file truncated?");
}

void Scanner::skip_text(std::string_view last, const char* kind) {
  const int line = ahead_.line;
  // The word ahead was read as a string if it begins with a quote: read it again as free text.
  at_ = ahead_.begin;
  line_ = line;
  ahead_.open = false;
  advance(false);
  while (!ahead_.at_end) {
    if (ahead_.is(last)) {
      advance();
      return;
    }
    advance(false);
  }
  fail_at(line, std::string(kind) + " is not closed by '" + std::string(last) + "'; is the file truncated?");
}

void Scanner::fail(const std::string& expected) const {
  const std::string found = ahead_.at_end   ? "the end of the file; is it truncated?"
                            : ahead_.quoted ? "the string \"" + shown(ahead_.text) + "\""
                                            : "'" + shown(ahead_.text) + "'";
  fail_at(ahead_.line, expected + ", found " + found);
}

void Scanner::fail_at(int line, const std::string& message) const {
  throw ParseError(line, section_.empty() ? message : "in " + section_ + ": " + message);
}

}  // namespace lefdef
