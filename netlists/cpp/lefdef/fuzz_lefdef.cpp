// Coverage-guided fuzzing of both parsers with libFuzzer; not part of the build. `tests/data/lefdef/README.md` says how.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "def.hpp"
#include "lef.hpp"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void check_block(const lefdef::Block& block, std::size_t size) {
  const auto& c = block.components;
  for (std::size_t i = 0; i < c.name.size(); ++i) {
    check(0 <= c.span_begin[i] && c.span_begin[i] <= c.span_end[i] && c.span_end[i] <= static_cast<std::int64_t>(size));
    check(i == 0 || c.span_end[i - 1] <= c.span_begin[i]);
    check(c.macro[i] < static_cast<std::int32_t>(c.macro_name.size()) && c.orientation[i] < 8);
  }
  const auto& n = block.nets;
  check(n.entry_start.size() == n.name.size() + 1 && n.entry_start.back() == static_cast<std::int32_t>(n.pin.size()));
  for (std::size_t i = 0; i < n.pin.size(); ++i) {
    const std::size_t most = n.component[i] < 0 ? block.pins.name.size() : n.pin_name.size();
    check(n.component[i] < static_cast<std::int32_t>(c.name.size()) && static_cast<std::size_t>(n.pin[i]) < most);
  }
  check(block.pins.port_start.size() == block.pins.name.size() + 1);
}

void check_library(const lefdef::Library& library) {
  check(library.pin_start.size() == library.macro_name.size() + 1);
  check(library.port.start.size() == library.pin_name.size() + 1);
  check(library.obstruction.start.size() == library.macro_name.size() + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    check_block(lefdef::parse_def(text), size);
  } catch (const lefdef::ParseError&) {
  }
  try {
    check_library(lefdef::parse_lef(text));
  } catch (const lefdef::ParseError&) {
  }
  return 0;
}
