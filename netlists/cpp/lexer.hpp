#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace pbtext {

/// The text breaks the grammar, or what it says cannot be a netlist.
struct ParseError : std::runtime_error {
  ParseError(int at, const std::string& message) : std::runtime_error(message), line(at) {}
  int line;  // counted from 1
};

/// What stands at a place of the text, shortened and printable, for messages.
std::string quoted(std::string_view text);

/// Reads the lexical elements of text protobuf: words, strings, punctuation. Blanks and `#` comments are skipped.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { skip_blanks(); }

  bool at_end() const { return pos_ == text_.size(); }
  int line() const { return line_; }
  std::size_t pos() const { return pos_; }
  std::string_view between(std::size_t begin, std::size_t end) const { return text_.substr(begin, end - begin); }

  /// The next character, 0 at the end of the text.
  char peek() const { return at_end() ? '\0' : text_[pos_]; }

  /// Takes the character if it comes next.
  bool accept(char wanted) {
    if (peek() != wanted || at_end()) return false;
    ++pos_;
    skip_blanks();
    return true;
  }

  /// Opens a message, `{` or `<` after an optional `:`; returns the character that closes it.
  char open(const char* of_what);

  /// Takes the end of a message if it comes next; an error at the end of the text.
  bool accept_close(char close);

  /// A letter, digit or one of `_ + - .` and more of them: a field name, a number or an enumerator.
  std::string_view word(const char* expected);

  /// One string, or several side by side. Decoded where it has escapes, else a view into the text.
  std::string_view string(std::string& decoded, const char* expected);

  /// A string or a word.
  std::string_view scalar(std::string& decoded, const char* expected);

  /// Takes separators that may follow a field.
  void end_field() {
    while (accept(';') || accept(',')) {
    }
  }

  /// Takes the value of any field, messages and lists included; returns it as it stands.
  std::string_view skip_value();

  [[noreturn]] void fail_expected(const char* expected) const;

 private:
  void skip_blanks();
  std::string_view quoted_part(bool& escaped);
  void unescape(std::string_view part, std::string& decoded) const;

  std::string_view text_;
  std::size_t pos_ = 0;
  int line_ = 1;
};

bool is_utf8(std::string_view text);

}  // namespace pbtext
