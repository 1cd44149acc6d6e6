// BLOCKAGES, REGIONS and GROUPS.
#include <string>
#include <utility>

#include "def_parser.hpp"

namespace lefdef {

void DefParser::blockages() {
  std::int32_t layers = 0;
  const int line = scan_.peek().line;
  section("BLOCKAGES", [&] {
    scan_.enter("BLOCKAGES");
    const Token kind = scan_.name("LAYER or PLACEMENT");
    if (kind.is("PLACEMENT")) {
      blockage(kind.line);
    } else if (kind.is("LAYER")) {
      ++layers;
      scan_.skip_statement();
    } else {
      scan_.fail_at(kind.line, "expected LAYER or PLACEMENT, found '" + shown(kind.text) + "'");
    }
  });
  if (layers > 0) block_.notes.push_back({line, std::to_string(layers) + " routing blockages are skipped"});
}

void DefParser::blockage(int line) {
  Blocked blocked;
  blocked.line = line;
  while (!scan_.accept(";")) {
    if (scan_.accept("RECT")) {
      blocked.boxes.push_back(box("to begin a corner of the blockage"));
    } else if (scan_.accept("POLYGON")) {
      blocked.polygons.push_back(points("a corner of the blockage", 3));
    } else {
      scan_.expect("+", "or RECT, POLYGON or ';' in a placement blockage");
      if (scan_.accept("SOFT")) {
        blocked.soft = true;
      } else if (scan_.accept("PARTIAL")) {
        blocked.density = scan_.number("the largest density, percent");
        if (blocked.density < 0 || blocked.density > 100) scan_.fail_at(line, "expected a density of 0 to 100 percent");
      } else if (scan_.accept("COMPONENT")) {
        blocked.component = scan_.name("a component").text;
      } else if (scan_.accept("PUSHDOWN")) {
        blocked.pushdown = true;
      } else {
        scan_.fail("expected SOFT, PARTIAL, COMPONENT or PUSHDOWN");
      }
    }
  }
  block_.blockages.push_back(std::move(blocked));
}

void DefParser::regions() {
  section("REGIONS", [this] {
    scan_.enter("REGIONS");
    Region region;
    region.name = scan_.name("a region name").text;
    while (scan_.peek().is("(")) region.boxes.push_back(box("to begin a corner of the region"));
    if (region.boxes.empty()) scan_.fail("expected '(' to begin a corner of the region");
    while (scan_.accept("+")) {
      if (scan_.accept("TYPE")) {
        region.type = scan_.name("FENCE or GUIDE").text;
      } else if (scan_.accept("PROPERTY")) {
        scan_.skip_option();
      } else {
        scan_.fail("expected TYPE or PROPERTY");
      }
    }
    scan_.expect(";", "or '+' in the region");
    block_.regions.push_back(std::move(region));
  });
}

void DefParser::groups() {
  section("GROUPS", [this] {
    scan_.enter("GROUPS");
    Group group;
    const Token name = scan_.name("a group name");
    group.name = name.text;
    group.line = name.line;
    while (!scan_.peek().is("+") && !scan_.peek().is(";")) group.members.push_back(scan_.name("a component, '+' or ';'").text);
    while (scan_.accept("+")) {
      if (scan_.accept("REGION")) {
        group.region = region_of(group.name);
      } else if (scan_.accept("PROPERTY") || scan_.accept("SOFT")) {
        scan_.skip_option();
      } else {
        scan_.fail("expected REGION, PROPERTY or SOFT");
      }
    }
    scan_.expect(";", "or '+' in the group");
    block_.groups.push_back(std::move(group));
  });
}

/// The name of a region, after `REGION`. Older files state rectangles there: they become a region with the owner's name.
std::string_view DefParser::region_of(std::string_view owner) {
  if (!scan_.peek().is("(")) return scan_.name("a region").text;
  Region region{owner, {}, {}};
  while (scan_.peek().is("(")) region.boxes.push_back(box("to begin a corner of the region"));
  block_.regions.push_back(std::move(region));
  return owner;
}

}  // namespace lefdef
