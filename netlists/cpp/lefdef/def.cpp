#include "def.hpp"

#include <algorithm>
#include <string>

#include "def_parser.hpp"

namespace lefdef {

namespace {

/// Statements that end in ';' and say nothing that a placer of macros needs.
constexpr std::string_view kSkippedStatements[] = {"TECHNOLOGY", "ARRAY",        "FLOORPLAN",         "GCELLGRID",
                                                   "CANPLACE",   "CANNOTOCCUPY", "COMPONENTMASKSHIFT"};

/// Sections that do so, `KEYWORD ... END KEYWORD`.
constexpr std::string_view kSkippedSections[] = {
    "VIAS",  "STYLES", "NONDEFAULTRULES", "PINPROPERTIES", "SLOTS",       "FILLS",          "SPECIALNETS", "SCANCHAINS",
    "TIMINGDISABLES", "PARTITIONS", "CONSTRAINTS", "ASSERTIONS", "IOTIMINGS",
    "DEFAULTCAP"};

constexpr double kMostUnits = 1e6;

constexpr std::string_view kOrientations[] = {"N", "FN", "S", "FS", "E", "W", "FE", "FW"};

}  // namespace

const std::unordered_map<std::string_view, DefParser::Handler>& DefParser::handlers() {
  static const std::unordered_map<std::string_view, Handler> table = {
      {"VERSION", &DefParser::version},
      {"NAMESCASESENSITIVE", &DefParser::case_sensitive},
      {"DIVIDERCHAR", &DefParser::divider},
      {"BUSBITCHARS", &DefParser::bus},
      {"DESIGN", &DefParser::design},
      {"UNITS", &DefParser::units},
      {"DIEAREA", &DefParser::die},
      {"ROW", &DefParser::row},
      {"TRACKS", &DefParser::tracks},
      {"HISTORY", &DefParser::history},
      {"BEGINEXT", &DefParser::extension},
      {"PROPERTYDEFINITIONS", &DefParser::property_definitions},
      {"COMPONENTS", &DefParser::components},
      {"PINS", &DefParser::pins},
      {"NETS", &DefParser::nets},
      {"BLOCKAGES", &DefParser::blockages},
      {"REGIONS", &DefParser::regions},
      {"GROUPS", &DefParser::groups},
  };
  return table;
}

Block DefParser::parse() {
  while (true) {
    if (scan_.peek().at_end) scan_.fail("expected 'END DESIGN'");
    const Token keyword = scan_.name("a statement");
    if (keyword.is("END")) break;
    statement(keyword);
  }
  scan_.expect("DESIGN", "after 'END'");
  if (!scan_.peek().at_end) scan_.fail("expected nothing after 'END DESIGN'");
  if (block_.units == 0.0) scan_.fail_at(1, "expected 'UNITS DISTANCE MICRONS n', found none in the file");
  if (block_.die.empty()) scan_.fail_at(1, "expected a DIEAREA, found none in the file");
  block_.components.macro_name = macro_names_.names();
  block_.nets.pin_name = net_pin_names_.names();
  return std::move(block_);
}

void DefParser::statement(const Token& keyword) {
  std::string upper(keyword.text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  scan_.enter(upper);
  if (const auto known = handlers().find(upper); known != handlers().end()) {
    (this->*known->second)();
  } else if (std::ranges::find(kSkippedStatements, upper) != std::ranges::end(kSkippedStatements)) {
    scan_.skip_statement();
  } else if (std::ranges::find(kSkippedSections, upper) != std::ranges::end(kSkippedSections)) {
    skip_section(upper, keyword.line);
  } else {
    scan_.enter("");
    scan_.fail_at(keyword.line, "expected a statement or section of DEF 5.8, found '" + shown(keyword.text) + "'");
  }
  scan_.enter("");
}

void DefParser::skip_section(std::string_view keyword, int line) {
  scan_.skip_block("section", keyword, line);
  block_.notes.push_back({line, "section " + std::string(keyword) + " is skipped"});
}

void DefParser::design() {
  block_.design = scan_.name("the name of the design").text;
  scan_.expect(";", "after the name of the design");
}

void DefParser::units() {
  scan_.expect("DISTANCE", "after UNITS");
  scan_.expect("MICRONS", "after DISTANCE");
  block_.units = scan_.positive("database units a micron");
  if (block_.units < 1 || block_.units > kMostUnits) scan_.fail("expected 1 to 1000000 database units a micron before this");
  scan_.expect(";", "after the units");
}

void DefParser::die() {
  block_.die_line = scan_.peek().line;
  block_.die = points("a corner of the die", 2);
  scan_.expect(";", "after the corners");
}

void DefParser::row() {
  Row row{scan_.name("a row name").text, scan_.name("a site name").text, {}, 0, 1, 1, {0, 0}};
  row.origin.x = scan_.number("x of the row");
  row.origin.y = scan_.number("y of the row");
  row.orientation = orientation();
  if (scan_.accept("DO")) {
    row.count_x = scan_.count("the number of columns");
    scan_.expect("BY", "after the number of columns");
    row.count_y = scan_.count("the number of rows");
    if (scan_.accept("STEP")) {
      row.step.x = scan_.number("the step in x");
      row.step.y = scan_.number("the step in y");
    }
  }
  if (!scan_.peek().is("+") && !scan_.peek().is(";")) scan_.fail("expected DO, STEP, '+' or ';'");
  scan_.skip_statement();
  block_.rows.push_back(row);
}

void DefParser::tracks() {
  Tracks tracks{};
  if (!scan_.peek().is("X") && !scan_.peek().is("Y")) scan_.fail("expected X or Y");
  tracks.axis = scan_.next().is("X") ? 'X' : 'Y';
  tracks.start = scan_.number("the first track");
  scan_.expect("DO", "after the first track");
  tracks.count = scan_.count("the number of tracks");
  scan_.expect("STEP", "after the number of tracks");
  tracks.step = scan_.positive("the distance of tracks");
  if (scan_.accept("MASK")) {
    scan_.count("a mask");
    scan_.accept("SAMEMASK");
  }
  if (scan_.accept("LAYER")) {
    while (!scan_.peek().is(";")) tracks.layers.push_back(scan_.name("a layer or ';'").text);
  }
  scan_.expect(";", "after the tracks");
  block_.tracks.push_back(std::move(tracks));
}

void DefParser::history() { scan_.skip_text(";", "HISTORY"); }

void DefParser::extension() { scan_.skip_text("ENDEXT", "BEGINEXT"); }

void DefParser::property_definitions() {
  scan_.skip_block("section", "PROPERTYDEFINITIONS", scan_.peek().line);
}

Point DefParser::point(const char* what) {
  scan_.expect("(", what);
  const double x = scan_.number("x");
  const double y = scan_.number("y");
  scan_.expect(")", "after y");
  return {x, y};
}

Box DefParser::box(const char* what) {
  const Point a = point(what), b = point(what);
  return {std::min(a.x, b.x), std::min(a.y, b.y), std::max(a.x, b.x), std::max(a.y, b.y)};
}

std::vector<Point> DefParser::points(const char* what, std::size_t least) {
  std::vector<Point> points;
  while (scan_.peek().is("(")) {
    scan_.next();
    // `*` repeats a coordinate of the point before.
    Point next{};
    for (const bool is_x : {true, false}) {
      const bool repeats = !points.empty() && scan_.peek().is("*");
      if (repeats) scan_.next();
      const double before = points.empty() ? 0.0 : is_x ? points.back().x : points.back().y;
      (is_x ? next.x : next.y) = repeats ? before : scan_.number(is_x ? "x" : "y");
    }
    scan_.expect(")", "after y");
    points.push_back(next);
  }
  if (points.size() < least) scan_.fail("expected '(' to begin " + std::string(what));
  return points;
}

std::uint8_t DefParser::orientation() {
  for (std::uint8_t code = 0; code < 8; ++code) {
    if (scan_.accept(kOrientations[code])) return code;
  }
  scan_.fail("expected an orientation, one of N, S, E, W, FN, FS, FE, FW");
}

Block parse_def(std::string_view text) { return DefParser(text).parse(); }

}  // namespace lefdef
