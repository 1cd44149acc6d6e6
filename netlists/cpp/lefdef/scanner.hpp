// Tokens of LEF and DEF files, with the line and the section that an error names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lefdef {

/// What a file says against the format; `line` counts from 1. The message begins with the open section.
struct ParseError : std::runtime_error {
  ParseError(int line_, const std::string& message) : std::runtime_error(message), line(line_) {}
  int line;
};

struct Token {
  std::string_view text;  // of a string: what stands between its quotes
  std::size_t begin = 0, end = 0;  // offsets into the file, quotes included
  int line = 1;
  bool quoted = false;
  bool at_end = false;  // nothing is left; `text` is empty
  bool open = false;    // a string without its closing quote; an error for who goes beyond it

  /// Keywords are compared without regard to case; a string is never a keyword.
  bool is(std::string_view keyword) const;
};

/// Equal but for the case of letters; `upper` is in capitals.
bool same_word(std::string_view text, std::string_view upper);

/// What can be shown of a piece of a file in a message.
std::string shown(std::string_view text);

/// Words are divided by blanks. `(`, `)` and `;` also stand alone at the beginning of a word, `;` at its end unless a
/// backslash precedes it, and `)` after a number. `#` at the beginning of a word opens a comment.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) { advance(); }

  const Token& peek() const { return ahead_; }
  Token next();

  bool accept(std::string_view keyword);
  void expect(std::string_view keyword, const char* where);

  /// A word of printable ASCII.
  Token name(const char* what);
  /// The text between quotes.
  std::string_view string(const char* what);
  double number(const char* what);
  double positive(const char* what);
  std::int32_t count(const char* what);

  /// Through the next `;`.
  void skip_statement();
  /// Up to the next `+` or `;`, which stays.
  void skip_option();
  /// Through `END name`.
  void skip_block(const char* kind, std::string_view name, int line);
  /// Through a word, strings not respected; for free text.
  void skip_text(std::string_view last, const char* kind);

  /// Which part of the file errors name.
  void enter(std::string section) { section_ = std::move(section); }

  [[noreturn]] void fail(const std::string& expected) const;
  [[noreturn]] void fail_at(int line, const std::string& message) const;

 private:
  void advance(bool strings = true);
  void skip_blank();
  void quoted();
  void word();
  double parsed(const Token& token, const char* what) const;

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  Token ahead_;
  std::string section_;
};

}  // namespace lefdef
