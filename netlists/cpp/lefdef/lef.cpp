#include "lef.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "lef_parser.hpp"

namespace lefdef {

namespace {

/// Statements that end in ';' and say nothing that a placer of macros needs.
constexpr std::string_view kSkippedStatements[] = {
    "NOWIREEXTENSIONATPIN", "MINFEATURE",           "USEMINSPACING",        "CLEARANCEMEASURE",      "FIXEDMASK",
    "MAXVIASTACK",          "DIELECTRIC",           "INPUTPINANTENNASIZE",  "OUTPUTPINANTENNASIZE",  "INOUTPINANTENNASIZE",
    "ANTENNAINPUTGATEAREA", "ANTENNAINOUTDIFFAREA", "ANTENNAOUTPUTDIFFAREA", "UNIVERSALNOISEMARGIN", "EDGERATETHRESHOLD1",
    "EDGERATETHRESHOLD2",   "EDGERATESCALEFACTOR",  "CORRECTIONFACTOR"};

/// Blocks `KEYWORD name ... END name` and `KEYWORD ... END KEYWORD`.
constexpr std::string_view kSkippedNamed[] = {"VIA", "VIARULE", "NONDEFAULTRULE", "ARRAY"};
constexpr std::string_view kSkippedBlocks[] = {"SPACING", "PROPERTYDEFINITIONS", "IRDROP", "NOISETABLE", "CORRECTIONTABLE"};

}  // namespace

const std::unordered_map<std::string_view, LefParser::Handler>& LefParser::handlers() {
  static const std::unordered_map<std::string_view, Handler> table = {
      {"VERSION", &LefParser::version},
      {"NAMESCASESENSITIVE", &LefParser::case_sensitive},
      {"DIVIDERCHAR", &LefParser::divider},
      {"BUSBITCHARS", &LefParser::bus},
      {"MANUFACTURINGGRID", &LefParser::grid},
      {"UNITS", &LefParser::units},
      {"LAYER", &LefParser::layer},
      {"SITE", &LefParser::site},
      {"MACRO", &LefParser::macro},
      {"BEGINEXT", &LefParser::extension},
  };
  return table;
}

Library LefParser::parse() {
  // `END LIBRARY` may be missing, and more may follow it: libraries are often files strung together.
  while (!scan_.peek().at_end) {
    const Token keyword = scan_.name("a statement");
    if (keyword.is("END")) {
      scan_.expect("LIBRARY", "after 'END'");
    } else {
      statement(keyword);
    }
  }
  library_.layer_name = layer_names_.names();
  return std::move(library_);
}

void LefParser::statement(const Token& keyword) {
  std::string upper(keyword.text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const auto in = [&](const auto& list) { return std::ranges::find(list, upper) != std::ranges::end(list); };
  scan_.enter(upper);
  if (const auto known = handlers().find(upper); known != handlers().end()) {
    (this->*known->second)();
  } else if (in(kSkippedStatements)) {
    scan_.skip_statement();
  } else if (in(kSkippedNamed)) {
    skip_named(upper, keyword.line);
  } else if (in(kSkippedBlocks)) {
    scan_.skip_block("block", upper, keyword.line);
  } else {
    scan_.enter("");
    scan_.fail_at(keyword.line, "expected a statement of LEF 5.8, found '" + shown(keyword.text) + "'");
  }
  scan_.enter("");
}

void LefParser::skip_named(std::string_view keyword, int line) {
  const std::string kind(keyword);
  scan_.skip_block(kind.c_str(), scan_.name("a name").text, line);
}

void LefParser::grid() {
  library_.grid = scan_.positive("the manufacturing grid, um,");
  scan_.expect(";", "after the manufacturing grid");
}

void LefParser::units() {
  while (!scan_.accept("END")) {
    if (scan_.accept("DATABASE")) {
      scan_.expect("MICRONS", "after DATABASE");
      library_.units = scan_.positive("database units a micron");
      scan_.expect(";", "after the units");
    } else {
      scan_.name("a unit, or 'END'");
      scan_.skip_statement();
    }
  }
  scan_.expect("UNITS", "after 'END'");
}

void LefParser::layer() {
  Layer layer;
  const Token name = scan_.name("a layer name");
  layer.name = name.text;
  scan_.enter("LAYER " + shown(name.text));
  while (!scan_.accept("END")) layer_statement(layer);
  if (scan_.name("the name of the layer").text != layer.name) {
    scan_.fail_at(name.line, "layer '" + shown(layer.name) + "' is not closed by 'END " + shown(layer.name) + "'");
  }
  library_.layers.push_back(layer);
}

void LefParser::layer_statement(Layer& layer) {
  const Token keyword = scan_.name("a statement of the layer, or 'END'");
  if (keyword.is("TYPE")) {
    layer.type = scan_.name("a type").text;
  } else if (keyword.is("DIRECTION")) {
    layer.direction = scan_.name("a direction").text;
  } else if (keyword.is("WIDTH")) {
    layer.width = scan_.number("a width");
  } else if (keyword.is("PITCH")) {
    layer.pitch_x = layer.pitch_y = scan_.positive("a pitch");
    if (!scan_.peek().is(";")) layer.pitch_y = scan_.positive("a pitch in y");
  }
  // The rest of these, and every other statement: rules of routing.
  scan_.skip_statement();
}

void LefParser::site() {
  Site site;
  const Token name = scan_.name("a site name");
  site.name = name.text;
  site.line = name.line;
  scan_.enter("SITE " + shown(name.text));
  while (!scan_.accept("END")) {
    const Token keyword = scan_.name("a statement of the site, or 'END'");
    if (keyword.is("SIZE")) {
      site.width = scan_.positive("a width");
      scan_.expect("BY", "after the width");
      site.height = scan_.positive("a height");
    } else if (keyword.is("CLASS")) {
      site.type = scan_.name("CORE or PAD").text;
    } else if (keyword.is("SYMMETRY")) {
      site.symmetry = words_to_semicolon("X, Y or R90");
    } else if (!keyword.is("ROWPATTERN")) {
      scan_.fail_at(keyword.line, "expected CLASS, SIZE, SYMMETRY or ROWPATTERN, found '" + shown(keyword.text) + "'");
    }
    scan_.skip_statement();
  }
  if (scan_.name("the name of the site").text != site.name) {
    scan_.fail_at(name.line, "site '" + shown(site.name) + "' is not closed by 'END " + shown(site.name) + "'");
  }
  library_.sites.push_back(std::move(site));
}

void LefParser::extension() { scan_.skip_text("ENDEXT", "BEGINEXT"); }

/// Up to the `;`, which stays.
std::vector<std::string_view> LefParser::words_to_semicolon(const char* what) {
  std::vector<std::string_view> words;
  while (!scan_.peek().is(";")) words.push_back(scan_.name(what).text);
  return words;
}

Library parse_lef(std::string_view text) { return LefParser(text).parse(); }

}  // namespace lefdef
