#include "lexer.hpp"

#include <cctype>
#include <vector>

namespace pbtext {

namespace {

constexpr std::size_t kShown = 40;  // characters of the text that a message repeats

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || c == '+';
}

int digit(char c, int base) {
  const int value = c >= '0' && c <= '9' ? c - '0' : std::isxdigit(static_cast<unsigned char>(c)) ? (c | 32) - 'a' + 10 : 99;
  return value < base ? value : -1;
}

char simple_escape(char c) {
  switch (c) {
    case 'a': return '\a';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    case '\\': case '\'': case '"': case '?': return c;
    default: return '\0';
  }
}

}  // namespace

std::string quoted(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string shown = "'";
  for (char c : text.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 32 && byte < 127) shown += c;
    else (shown += "\\x") += {kHex[byte >> 4], kHex[byte & 15]};
  }
  return shown + (text.size() > kShown ? "...'" : "'");
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80) continue;
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || i + static_cast<std::size_t>(more) > text.size()) return false;
    unsigned code = lead & (0x3fu >> more);
    for (int k = 0; k < more; ++k, ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if ((byte & 0xc0) != 0x80) return false;
      code = code << 6 | (byte & 0x3fu);
    }
    const bool overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
    if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  }
  return true;
}

void Lexer::skip_blanks() {
  while (pos_ < text_.size()) {
    const char c = text_[pos_];
    if (c == '\n') {
      ++line_;
    } else if (c == '#') {
      const std::size_t end = text_.find('\n', pos_);
      pos_ = end == std::string_view::npos ? text_.size() : end;
      continue;
    } else if (c != ' ' && c != '\t' && c != '\r' && c != '\f' && c != '\v') {
      return;
    }
    ++pos_;
  }
}

void Lexer::fail_expected(const char* expected) const {
  std::string found = "the end of the file";
  if (!at_end()) {
    std::size_t end = pos_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    found = quoted(text_.substr(pos_, end > pos_ ? end - pos_ : 1));
  }
  throw ParseError(line_, std::string("expected ") + expected + ", found " + found);
}

char Lexer::open(const char* of_what) {
  accept(':');
  if (accept('{')) return '}';
  if (accept('<')) return '>';
  fail_expected((std::string("'{' after ") + of_what).c_str());
}

bool Lexer::accept_close(char close) {
  if (at_end()) fail_expected(close == '}' ? "'}'" : "'>'");
  return accept(close);
}

std::string_view Lexer::word(const char* expected) {
  const std::size_t begin = pos_;
  while (pos_ < text_.size() && is_word(text_[pos_])) ++pos_;
  if (pos_ == begin) fail_expected(expected);
  const std::string_view found = between(begin, pos_);
  skip_blanks();
  return found;
}

std::string_view Lexer::quoted_part(bool& escaped) {
  const char quote = text_[pos_];
  const std::size_t begin = ++pos_;
  while (pos_ < text_.size() && text_[pos_] != quote && text_[pos_] != '\n') {
    if (text_[pos_] == '\\') {
      escaped = true;
      ++pos_;
    }
    ++pos_;
  }
  if (pos_ >= text_.size() || text_[pos_] == '\n') {
    throw ParseError(line_, "expected a closing quote, found the end of the " +
                                std::string(pos_ >= text_.size() ? "file" : "line"));
  }
  const std::string_view part = between(begin, pos_++);
  skip_blanks();
  return part;
}

std::string_view Lexer::string(std::string& decoded, const char* expected) {
  if (peek() != '"' && peek() != '\'') fail_expected(expected);
  const int line = line_;
  bool escaped = false;
  std::string_view found = quoted_part(escaped);
  if (escaped || peek() == '"' || peek() == '\'') {
    decoded.clear();
    unescape(found, decoded);
    while (peek() == '"' || peek() == '\'') unescape(quoted_part(escaped), decoded);
    found = decoded;
  }
  if (!is_utf8(found)) throw ParseError(line, "expected UTF-8, found the string " + quoted(found));
  return found;
}

std::string_view Lexer::scalar(std::string& decoded, const char* expected) {
  return peek() == '"' || peek() == '\'' ? string(decoded, expected) : word(expected);
}

void Lexer::unescape(std::string_view part, std::string& decoded) const {
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '\\') {
      decoded += part[i];
      continue;
    }
    const char kind = part[++i];
    const bool hex = kind == 'x' || kind == 'X';
    const int base = hex ? 16 : 8;
    std::size_t at = hex ? i + 1 : i;
    const std::size_t limit = at + (hex ? 2 : 3), begin = at;
    int value = 0;
    for (; at < limit && at < part.size() && digit(part[at], base) >= 0; ++at) {
      value = value * base + digit(part[at], base);
    }
    if (at > begin && value < 256) {
      decoded += static_cast<char>(value);
      i = at - 1;
    } else if (const char plain = simple_escape(kind); plain != '\0' && !hex) {
      decoded += plain;
    } else {
      throw ParseError(line_, "expected a string escape such as \\n or \\101, found " + quoted(part.substr(i - 1, 4)));
    }
  }
}

std::string_view Lexer::skip_value() {
  const std::size_t begin = pos_;
  std::size_t end = pos_;
  std::string closers, decoded;  // a stack of its own: the text decides how deep messages nest
  do {
    const char c = peek();
    if (at_end()) {
      fail_expected("the value of a field");
    } else if (c == '{' || c == '<' || c == '[') {
      closers += c == '{' ? '}' : c == '<' ? '>' : ']';
      end = ++pos_;
      skip_blanks();
    } else if (!closers.empty() && c == closers.back()) {
      closers.pop_back();
      end = ++pos_;
      skip_blanks();
    } else if (c == '"' || c == '\'') {
      bool escaped = false;
      do {
        const std::string_view part = quoted_part(escaped);
        end = static_cast<std::size_t>(part.data() - text_.data()) + part.size() + 1;
      } while (peek() == '"' || peek() == '\'');
    } else if (!closers.empty() && (c == ':' || c == ',' || c == ';')) {
      ++pos_;
      skip_blanks();
    } else {
      const std::string_view found = word("the value of a field");
      end = static_cast<std::size_t>(found.data() - text_.data()) + found.size();
    }
  } while (!closers.empty());
  return between(begin, end);
}

}  // namespace pbtext
