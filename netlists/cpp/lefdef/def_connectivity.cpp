// COMPONENTS, PINS and NETS.
#include <algorithm>
#include <string>

#include "def_parser.hpp"

namespace lefdef {

namespace {

constexpr std::string_view kSkippedComponentOptions[] = {"EEQMASTER", "SOURCE", "MASKSHIFT", "ROUTEHALO",
                                                         "FOREIGN",   "GENERATE", "PROPERTY"};

constexpr std::string_view kSkippedPinOptions[] = {
    "SPECIAL",          "NETEXPR",       "SUPPLYSENSITIVITY", "GROUNDSENSITIVITY", "PROPERTY",
    "ANTENNAPINPARTIALMETALAREA",        "ANTENNAPINPARTIALMETALSIDEAREA",         "ANTENNAPINPARTIALCUTAREA",
    "ANTENNAPINDIFFAREA",                "ANTENNAPINGATEAREA",                     "ANTENNAPINMAXAREACAR",
    "ANTENNAPINMAXSIDEAREACAR",          "ANTENNAPINMAXCUTCAR",                    "ANTENNAMODEL"};

constexpr std::string_view kSkippedNetOptions[] = {
    "SHIELDNET", "VPIN",  "SUBNET", "XTALK",     "NONDEFAULTRULE", "SOURCE",   "FIXEDBUMP", "FREQUENCY", "ORIGINAL",
    "PATTERN",   "ESTCAP", "PROPERTY", "ROUTED", "FIXED",          "COVER",    "NOSHIELD",  "SHIELD",    "SYNTHESIZED",
    "VOLTAGE",   "STYLE"};

template <class Options>
bool skips(const Options& options, const Token& keyword) {
  return std::ranges::any_of(options, [&](std::string_view option) { return keyword.is(option); });
}

bool placement_state(const Token& keyword, State& state) {
  if (keyword.is("PLACED")) return state = State::placed, true;
  if (keyword.is("FIXED")) return state = State::fixed, true;
  if (keyword.is("COVER")) return state = State::cover, true;
  return false;
}

Box grown(const Box& box, double lx, double ly, double ux, double uy) {
  if (box[0] != box[0]) return {lx, ly, ux, uy};
  return {std::min(box[0], lx), std::min(box[1], ly), std::max(box[2], ux), std::max(box[3], uy)};
}

}  // namespace

void DefParser::components() {
  section("COMPONENTS", [this] { component(); });
}

void DefParser::component() {
  auto& all = block_.components;
  scan_.enter("COMPONENTS");
  const Token name = scan_.name("a component name");
  const auto index = static_cast<std::int32_t>(all.name.size());
  if (component_names_.id(name.text) != index) {
    const int before = all.line[component_names_.find(name.text)];
    scan_.fail_at(name.line, "component '" + shown(name.text) + "' is named before, on line " + std::to_string(before));
  }
  all.name.push_back(name.text);
  all.line.push_back(name.line);
  all.macro.push_back(macro_names_.id(scan_.name("the macro of the component").text));
  all.state.push_back(static_cast<std::uint8_t>(State::unplaced));
  all.orientation.push_back(0);
  for (auto* column : {&all.x, &all.y, &all.weight}) column->push_back(kNone);
  all.span_begin.push_back(-1);
  all.span_end.push_back(-1);
  while (scan_.peek().is("+")) {
    const std::size_t plus = scan_.next().begin;
    if (component_option(index)) {
      if (all.span_begin[index] >= 0) scan_.fail_at(name.line, "component '" + shown(name.text) + "' is placed twice");
      all.span_begin[index] = static_cast<std::int64_t>(plus);
    }
  }
  if (all.span_begin[index] < 0) all.span_begin[index] = all.span_end[index] = static_cast<std::int64_t>(scan_.peek().begin);
  scan_.expect(";", "or '+' in the component");
}

/// Whether the option is a placement.
bool DefParser::component_option(std::int32_t index) {
  auto& all = block_.components;
  State state{};
  const Token keyword = scan_.name("a component option");
  if (placement_state(keyword, state)) {
    const Point at = point("after the placement state");
    const Token turned = scan_.peek();
    all.orientation[index] = orientation();
    all.state[index] = static_cast<std::uint8_t>(state);
    all.x[index] = at.x;
    all.y[index] = at.y;
    all.span_end[index] = static_cast<std::int64_t>(turned.end);
    return true;
  }
  if (keyword.is("UNPLACED")) {
    // Some tools add where the component lay once; that position means nothing.
    std::size_t end = keyword.end;
    if (scan_.peek().is("(")) {
      point("after UNPLACED");
      end = scan_.peek().end;
      orientation();
    }
    all.span_end[index] = static_cast<std::int64_t>(end);
    return true;
  }
  if (keyword.is("HALO")) {
    halo(index);
  } else if (keyword.is("REGION")) {
    all.region.push_back({index, region_of(all.name[index])});
  } else if (keyword.is("WEIGHT")) {
    all.weight[index] = scan_.number("a weight");
  } else if (skips(kSkippedComponentOptions, keyword)) {
    scan_.skip_option();
  } else {
    scan_.fail_at(keyword.line, "expected an option of a component, found '+ " + shown(keyword.text) + "'");
  }
  return false;
}

void DefParser::halo(std::int32_t index) {
  Halo halo{index, {}, scan_.accept("SOFT")};
  for (double& margin : halo.margin) margin = scan_.number("a halo: left bottom right top");
  block_.components.halo.push_back(halo);
}

void DefParser::pins() {
  section("PINS", [this] { pin(); });
}

void DefParser::pin() {
  auto& all = block_.pins;
  scan_.enter("PINS");
  const Token name = scan_.name("a pin name");
  const auto index = static_cast<std::int32_t>(all.name.size());
  if (pin_names_.id(name.text) != index) {
    const int before = all.line[pin_names_.find(name.text)];
    scan_.fail_at(name.line, "pin '" + shown(name.text) + "' is named before, on line " + std::to_string(before));
  }
  all.name.push_back(name.text);
  all.line.push_back(name.line);
  all.net.emplace_back();
  all.use.emplace_back();
  all.direction.push_back(static_cast<std::uint8_t>(Direction::unknown));
  const std::size_t first = all.port.size();
  all.port.emplace_back();
  while (scan_.accept("+")) {
    // `+ PORT` opens a port; without one, shapes and placement belong to the only port.
    if (!scan_.accept("PORT")) {
      pin_option();
    } else if (all.port.size() > first + 1 || all.port.back().at.x == all.port.back().at.x ||
               all.port.back().box[0] == all.port.back().box[0]) {
      all.port.emplace_back();
    }
  }
  scan_.expect(";", "or '+' in the pin");
  all.port_start.push_back(static_cast<std::int32_t>(all.port.size()));
}

void DefParser::pin_option() {
  auto& all = block_.pins;
  Port& port = all.port.back();
  const Token keyword = scan_.name("a pin option");
  if (placement_state(keyword, port.state)) {
    port.at = point("after the placement state");
    port.orientation = orientation();
  } else if (keyword.is("LAYER") || keyword.is("POLYGON")) {
    scan_.name("a layer");
    while (!scan_.peek().is("(") && !scan_.peek().is("+") && !scan_.peek().is(";") && !scan_.peek().at_end) scan_.next();
    const auto corners = points("a corner of the pin", keyword.is("LAYER") ? 2 : 3);
    for (const Point& corner : corners) port.box = grown(port.box, corner.x, corner.y, corner.x, corner.y);
  } else if (keyword.is("VIA")) {
    scan_.name("a via");
    if (scan_.accept("MASK")) scan_.count("a mask");
    const Point at = point("after the via");
    port.box = grown(port.box, at.x, at.y, at.x, at.y);
  } else if (keyword.is("NET")) {
    all.net.back() = scan_.name("a net").text;
  } else if (keyword.is("USE")) {
    all.use.back() = scan_.name("a use").text;
  } else if (keyword.is("DIRECTION")) {
    all.direction.back() = read_direction(scan_);
  } else if (skips(kSkippedPinOptions, keyword)) {
    scan_.skip_option();
  } else {
    scan_.fail_at(keyword.line, "expected an option of a pin, found '+ " + shown(keyword.text) + "'");
  }
}

void DefParser::nets() {
  section("NETS", [this] { net(); });
}

void DefParser::net() {
  auto& all = block_.nets;
  scan_.enter("NETS");
  const Token name = scan_.name("a net name");
  all.name.push_back(name.text);
  all.line.push_back(name.line);
  all.use.emplace_back();
  all.weight.push_back(1.0);
  // A net that states pins which must be joined names no net of the design: its entries are skipped.
  const bool must_join = name.is("MUSTJOIN");
  while (scan_.peek().is("(")) {
    if (must_join) {
      scan_.next();
      while (!scan_.accept(")")) scan_.name("a component or pin");
    } else {
      net_entry();
    }
  }
  while (scan_.accept("+")) net_option();
  scan_.expect(";", "or '(' or '+' in the net");
  all.entry_start.push_back(static_cast<std::int32_t>(all.component.size()));
}

void DefParser::net_entry() {
  auto& all = block_.nets;
  scan_.next();
  const Token owner = scan_.name("a component, or PIN");
  const Token pin = scan_.name("a pin name");
  if (scan_.accept("+")) scan_.expect("SYNTHESIZED", "after '+' in a pin of a net");
  scan_.expect(")", "after the pin name");
  // A component may be called PIN; the keyword wins where a pin of that name exists.
  std::int32_t index = owner.is("PIN") ? pin_names_.find(pin.text) : -1;
  if (index >= 0) {
    all.component.push_back(-1);
    all.pin.push_back(index);
  } else {
    index = component_names_.find(owner.text);
    if (index < 0) {
      std::string what = "'*' for every component is not supported; expected a component";
      if (owner.is("PIN")) {
        what = std::string("pin '").append(shown(pin.text)).append("' is no pin of the section PINS");
      } else if (!owner.is("*")) {
        what = std::string("'").append(shown(owner.text)).append("' is no component of the section COMPONENTS");
      }
      scan_.fail_at(owner.line, "net '" + shown(all.name.back()) + "': " + what);
    }
    all.component.push_back(index);
    all.pin.push_back(net_pin_names_.id(pin.text));
  }
  all.entry_line.push_back(owner.line);
}

void DefParser::net_option() {
  auto& all = block_.nets;
  const Token keyword = scan_.name("a net option");
  if (keyword.is("USE")) {
    all.use.back() = scan_.name("a use").text;
  } else if (keyword.is("WEIGHT")) {
    const int line = scan_.peek().line;
    all.weight.back() = scan_.number("a weight");
    if (all.weight.back() < 0) scan_.fail_at(line, "expected a weight of at least 0");
  } else if (skips(kSkippedNetOptions, keyword)) {
    scan_.skip_option();
  } else {
    scan_.fail_at(keyword.line, "expected an option of a net, found '+ " + shown(keyword.text) + "'");
  }
}

}  // namespace lefdef
