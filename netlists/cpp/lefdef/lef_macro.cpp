// MACRO blocks: class, size, pins with their shapes, obstructions.
#include <algorithm>
#include <string>

#include "lef_parser.hpp"

namespace lefdef {

namespace {

constexpr std::string_view kSkippedMacroStatements[] = {
    "FIXEDMASK", "FOREIGN", "EEQ", "LEQ", "PROPERTY", "POWER", "SOURCE", "GENERATE", "GENERATOR", "CLOCKTYPE", "FUNCTION",
    "INPUTPINANTENNASIZE"};

constexpr std::string_view kSkippedPinStatements[] = {
    "TAPERRULE", "NETEXPR", "SUPPLYSENSITIVITY", "GROUNDSENSITIVITY", "SHAPE", "MUSTJOIN", "PROPERTY", "LEQ", "FOREIGN",
    "CAPACITANCE", "RESISTANCE", "POWER", "MAXLOAD", "MAXDELAY", "OUTPUTNOISEMARGIN", "INPUTNOISEMARGIN",
    "OUTPUTRESISTANCE", "TIEOFFR", "VHI", "VLO", "RISEVOLTAGETHRESHOLD", "FALLVOLTAGETHRESHOLD", "RISETHRESH",
    "FALLTHRESH", "RISESATCUR", "FALLSATCUR", "RISESLEWLIMIT", "FALLSLEWLIMIT", "CURRENTSOURCE", "IV_TABLES",
    "PULLDOWNRES"};

template <class Statements>
bool listed(const Statements& statements, const Token& keyword) {
  return std::ranges::any_of(statements, [&](std::string_view statement) { return keyword.is(statement); });
}

bool is_antenna(const Token& keyword) { return keyword.text.size() > 7 && same_word(keyword.text.substr(0, 7), "ANTENNA"); }

}  // namespace

void LefParser::macro() {
  const Token name = scan_.name("a macro name");
  scan_.enter("MACRO " + shown(name.text));
  const std::size_t index = library_.macro_name.size();
  if (macro_names_.id(name.text) != static_cast<std::int32_t>(index)) {
    const int before = library_.macro_line[macro_names_.find(name.text)];
    scan_.fail_at(name.line, "the macro is defined before, on line " + std::to_string(before));
  }
  library_.macro_name.push_back(name.text);
  library_.macro_line.push_back(name.line);
  for (auto* column : {&library_.macro_class, &library_.macro_subclass, &library_.macro_site}) column->emplace_back();
  library_.macro_symmetry.emplace_back();
  for (auto* column : {&library_.width, &library_.height}) column->push_back(kNone);
  for (auto* column : {&library_.origin_x, &library_.origin_y}) column->push_back(0.0);
  while (!scan_.accept("END")) macro_statement();
  if (scan_.name("the name of the macro").text != name.text) {
    scan_.fail_at(name.line, "the macro is not closed by 'END " + shown(name.text) + "'");
  }
  if (library_.width.back() != library_.width.back()) scan_.fail_at(name.line, "expected a SIZE in every macro, found none");
  library_.pin_start.push_back(static_cast<std::int32_t>(library_.pin_name.size()));
  library_.obstruction.start.push_back(static_cast<std::int32_t>(library_.obstruction.box.size()));
}

void LefParser::macro_statement() {
  const Token keyword = scan_.name("a statement of the macro, or 'END'");
  if (keyword.is("PIN")) {
    pin();
  } else if (keyword.is("OBS")) {
    shapes(library_.obstruction);
  } else if (keyword.is("CLASS")) {
    macro_class();
  } else if (keyword.is("SIZE")) {
    size();
  } else if (keyword.is("ORIGIN")) {
    origin();
  } else if (keyword.is("SYMMETRY")) {
    library_.macro_symmetry.back() = words_to_semicolon("X, Y or R90");
    scan_.skip_statement();
  } else if (keyword.is("SITE")) {
    library_.macro_site.back() = scan_.name("a site").text;
    scan_.skip_statement();
  } else if (keyword.is("DENSITY")) {
    while (!scan_.accept("END")) {
      scan_.name("LAYER, RECT or 'END'");
      scan_.skip_statement();
    }
  } else if (keyword.is("TIMING")) {
    scan_.skip_block("block", "TIMING", keyword.line);
  } else if (keyword.is("BEGINEXT")) {
    extension();
  } else if (listed(kSkippedMacroStatements, keyword)) {
    scan_.skip_statement();
  } else {
    scan_.fail_at(keyword.line, "expected a statement of a macro, found '" + shown(keyword.text) + "'");
  }
}

void LefParser::macro_class() {
  constexpr std::string_view kClasses[] = {"COVER", "RING", "BLOCK", "PAD", "CORE", "ENDCAP"};
  const Token type = scan_.name("a class");
  if (!listed(kClasses, type)) {
    scan_.fail_at(type.line, "expected COVER, RING, BLOCK, PAD, CORE or ENDCAP, found '" + shown(type.text) + "'");
  }
  library_.macro_class.back() = type.text;
  if (!scan_.peek().is(";")) library_.macro_subclass.back() = scan_.name("a kind of the class, or ';'").text;
  scan_.expect(";", "after the class");
}

void LefParser::size() {
  library_.width.back() = scan_.positive("a width");
  scan_.expect("BY", "after the width");
  library_.height.back() = scan_.positive("a height");
  scan_.expect(";", "after the height");
}

void LefParser::origin() {
  const Point at = point();
  library_.origin_x.back() = at.x;
  library_.origin_y.back() = at.y;
  scan_.expect(";", "after the origin");
}

void LefParser::pin() {
  const Token name = scan_.name("a pin name");
  library_.pin_name.push_back(name.text);
  library_.pin_line.push_back(name.line);
  library_.pin_use.emplace_back();
  library_.pin_direction.push_back(static_cast<std::uint8_t>(Direction::unknown));
  while (!scan_.accept("END")) pin_statement();
  if (scan_.name("the name of the pin").text != name.text) {
    scan_.fail_at(name.line, "pin '" + shown(name.text) + "' is not closed by 'END " + shown(name.text) + "'");
  }
  library_.port.start.push_back(static_cast<std::int32_t>(library_.port.box.size()));
}

void LefParser::pin_statement() {
  const Token keyword = scan_.name("a statement of the pin, or 'END'");
  if (keyword.is("PORT")) {
    shapes(library_.port);
  } else if (keyword.is("DIRECTION")) {
    direction();
  } else if (keyword.is("USE")) {
    library_.pin_use.back() = scan_.name("a use").text;
    scan_.skip_statement();
  } else if (listed(kSkippedPinStatements, keyword) || is_antenna(keyword)) {
    scan_.skip_statement();
  } else {
    scan_.fail_at(keyword.line, "expected a statement of a pin, found '" + shown(keyword.text) + "'");
  }
}

void LefParser::direction() {
  const std::uint8_t code = read_direction(scan_);
  library_.pin_direction.back() = code;
  if (code == 2) scan_.accept("TRISTATE");
  scan_.expect(";", "after the direction");
}

/// The shapes of a PORT, OBS or DENSITY, through its `END`.
void LefParser::shapes(Shapes& into) {
  std::int32_t layer = -1;
  double half_width = 0.0;
  while (!scan_.accept("END")) {
    const Token keyword = scan_.name("LAYER, RECT, POLYGON, PATH, VIA, WIDTH or 'END'");
    if (keyword.is("LAYER")) {
      layer = layer_names_.id(scan_.name("a layer").text);
      half_width = 0.0;
      scan_.skip_statement();
    } else if (keyword.is("WIDTH")) {
      half_width = scan_.number("a width") / 2;
      scan_.expect(";", "after the width");
    } else if (keyword.is("CLASS") || keyword.is("PROPERTY")) {
      scan_.skip_statement();
    } else {
      shape(into, keyword, layer, half_width);
    }
  }
}

void LefParser::shape(Shapes& into, const Token& keyword, std::int32_t layer, double half_width) {
  const bool is_via = keyword.is("VIA"), is_rect = keyword.is("RECT");
  if (!is_via && !is_rect && !keyword.is("POLYGON") && !keyword.is("PATH")) {
    scan_.fail_at(keyword.line, "expected RECT, POLYGON, PATH, VIA, LAYER or WIDTH, found '" + shown(keyword.text) + "'");
  }
  if (scan_.accept("MASK")) scan_.count("a mask");
  const bool repeats = scan_.accept("ITERATE");
  Box box{1e300, 1e300, -1e300, -1e300};
  const double margin = keyword.is("PATH") ? half_width : 0.0;
  std::size_t found = 0;
  while (!scan_.peek().is(";") && !scan_.peek().is("DO") && !(is_via && found == 1) && !(is_rect && found == 2)) {
    const Point at = point();
    box = {std::min(box[0], at.x - margin), std::min(box[1], at.y - margin), std::max(box[2], at.x + margin),
           std::max(box[3], at.y + margin)};
    ++found;
  }
  if (found < (is_rect ? 2U : keyword.is("POLYGON") ? 3U : 1U)) scan_.fail("expected more points of the shape");
  if (is_via) scan_.name("a via");
  if (repeats) {
    // One box around all copies: positions need no more, and obstructions are counted by what they cover at most.
    scan_.expect("DO", "after an iterated shape");
    const std::int32_t across = scan_.count("the number of columns");
    scan_.expect("BY", "after the number of columns");
    const std::int32_t up = scan_.count("the number of rows");
    scan_.expect("STEP", "after the number of rows");
    box[2] += std::max(0, across - 1) * scan_.number("a step in x");
    box[3] += std::max(0, up - 1) * scan_.number("a step in y");
  }
  scan_.expect(";", "after the shape");
  if (is_via && layer < 0 && &into == &library_.obstruction) return;
  into.layer.push_back(layer);
  into.box.push_back(box);
}

/// Two numbers; some tools put them in parentheses.
Point LefParser::point() {
  const bool wrapped = scan_.accept("(");
  const double x = scan_.number("x");
  const double y = scan_.number("y");
  if (wrapped) scan_.expect(")", "after y");
  return {x, y};
}

}  // namespace lefdef
