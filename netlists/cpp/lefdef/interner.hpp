// Names that occur often, each stored once.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lefdef {

class Interner {
 public:
  std::int32_t id(std::string_view name) {
    const auto [known, is_new] = index_.try_emplace(name, static_cast<std::int32_t>(names_.size()));
    if (is_new) names_.push_back(name);
    return known->second;
  }

  /// -1 for a name that is not known.
  std::int32_t find(std::string_view name) const {
    const auto known = index_.find(name);
    return known == index_.end() ? -1 : known->second;
  }

  const std::vector<std::string_view>& names() const { return names_; }

 private:
  std::unordered_map<std::string_view, std::int32_t> index_;
  std::vector<std::string_view> names_;
};

}  // namespace lefdef
