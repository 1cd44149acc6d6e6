#include "placecore/incremental.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace placecore {

namespace {

constexpr int kFewCells = 10;  // below, the density cost asks which cells are occupied at all: no rounding may remain
constexpr int kLeastStar = 4;  // distinct cells from which on a net of more than two is routed as a star
constexpr double kGuideShare = 0.15;  // of the congestion values; the cost counts a third of it
constexpr int kAhead = 6;  // nets that are fetched before they are needed
constexpr long kRebuildEvery = 1L << 22;  // accepted moves; bounds the rounding that running sums collect
constexpr double kSlack = 1e-12;  // by which a bound may err and still refuse nothing that it should not

double half_perimeter(const Box& box) { return (box.ux - box.lx) + (box.uy - box.ly); }

/// Two coordinates as one vector, as GCC and Clang know them on every processor.
using Pair [[gnu::vector_size(2 * sizeof(double))]] = double;

/// Orientation as the matrix that turns an offset.
struct Turn {
  double xx, xy, yx, yy;
  explicit Turn(std::uint8_t orientation) {
    const Point x = turn(1.0, 0.0, orientation), y = turn(0.0, 1.0, orientation);
    xx = x.x, yx = x.y, xy = y.x, yy = y.y;
  }
  Point operator()(double dx, double dy) const { return {xx * dx + xy * dy, yx * dx + yy * dy}; }
};

}  // namespace

IncrementalCost::IncrementalCost(const Design& design, std::shared_ptr<const NetModel> nets,
                                 const PlacementView& placement, Weights weights)
    : design_(&design),
      nets_(std::move(nets)),
      weights_(weights),
      grid_(design.canvas.grid()),
      routing_grid_(design.canvas.congestion_grid()),
      wirelength_scale_(wirelength_cost(design, 1.0)),
      congestion_map_(design.canvas),
      x_(placement.x.begin(), placement.x.end()),
      y_(placement.y.begin(), placement.y.end()),
      orientation_(placement.orientation.begin(), placement.orientation.end()),
      placed_(placement.placed.begin(), placement.placed.end()) {
  for (int row = 0; row < routing_grid_.rows; ++row) {
    for (int col = 0; col < routing_grid_.cols; ++col) cell_at_.push_back({row, col});
  }
  seen_cells_.resize(routing_grid_.size());
  cells_.resize(routing_grid_.size() + 1);  // one more: the cell at hand is written before it is known to be new
  steps_.reset(routing_grid_.rows, routing_grid_.cols);
  running_.resize(std::max(routing_grid_.rows, routing_grid_.cols));
  rebuild();
}

void IncrementalCost::rebuild() {
  const NetModel& nets = *nets_;
  const int num_nets = static_cast<int>(nets.net_weight.size());
  place_at_.resize(nets.num_places());
  place_cell_.resize(nets.num_places());
  for (int node = 0; node < design_->netlist.num_nodes(); ++node) {
    for (int place = nets.place_start[node]; place < nets.place_start[node + 1]; ++place) {
      const Point offset = turn(nets.place_dx[place], nets.place_dy[place], orientation_[node]);
      place_at_[place] = {x_[node] + offset.x, y_[node] + offset.y};
      place_cell_[place] = cell_of(place_at_[place]);
    }
  }
  const PlacementView placement{x_, y_, orientation_, placed_};
  occupied_area(*design_, placement, occupied_);
  blocked_routes(*design_, placement, blocked_);
  trial_demand_.assign(2 * static_cast<std::size_t>(routing_grid_.size()), 0.0);
  net_box_.resize(num_nets);
  net_cells_.resize(num_nets);
  costs_.wirelength = nets.constant_wirelength;
  for (int net = 0; net < num_nets; ++net) {
    const int begin = nets.net_start[net], end = nets.net_start[net + 1];
    net_box_[net] = box_of(begin, end);
    net_cells_[net] = count_cells(net);
    costs_.wirelength += nets.net_weight[net] * half_perimeter(net_box_[net]);
    if (net_cells_[net].off_canvas == 0) route_whole(begin, end, nets.net_demand[net]);
  }
  columns_ = route_columns_ = {0, routing_grid_.cols - 1};
  rows_ = route_rows_ = {0, routing_grid_.rows - 1};
  sum_lines(route_columns_, routing_grid_.rows, 0, steps_.horizontal);
  sum_lines(route_rows_, routing_grid_.cols, routing_grid_.size(), steps_.vertical);
  trial_congestion_.resize(trial_demand_.size());
  congestion_map_.measure(trial_demand_, blocked_, columns_, rows_, trial_congestion_);
  demand_ = trial_demand_;
  congestion_ = trial_congestion_;
  costs_.wirelength_cost = costs_.wirelength * wirelength_scale_;
  costs_.density_cost = density_cost(grid_, occupied_, density_top_);
  costs_.congestion_cost = congestion_cost(congestion_, congestion_top_);
  floor_ = floor_congestion();
  guide_value_ = measure_guide();
}

void IncrementalCost::set_guide(double weight) {
  if (weight == guide_) return;
  guide_ = weight;
  congestion_map_.compute_blocked(blocked_, floor_map_);
  guide_value_ = measure_guide();
}

/// The guide's value, from the map of what hard macros block.
double IncrementalCost::measure_guide() {
  const int highest = static_cast<int>(kGuideShare * static_cast<double>(floor_map_.size()));
  if (guide_ == 0.0 || highest == 0) return 0.0;
  return guide_top_(floor_map_, highest) / highest;
}

IncrementalCost::NetCells IncrementalCost::count_cells(int net) {
  seen_cells_.next_net();
  NetCells cells{0, 0};
  for (int slot = nets_->net_start[net]; slot < nets_->net_start[net + 1]; ++slot) {
    const FlatCell cell = place_cell_[nets_->slot_place[slot]];
    if (cell == kOffCanvas) {
      ++cells.off_canvas;
      continue;
    }
    cells.distinct += seen_cells_.is_new(cell);
  }
  return cells;
}

IncrementalCost::FlatCell IncrementalCost::cell_of(const Point& at) const {
  const Canvas& canvas = design_->canvas;
  const int col = cell_along(at.x, canvas.width, routing_grid_.cell_width, routing_grid_.cols);
  const int row = cell_along(at.y, canvas.height, routing_grid_.cell_height, routing_grid_.rows);
  return col < 0 || row < 0 ? kOffCanvas : static_cast<FlatCell>(row * routing_grid_.cols + col);
}

double IncrementalCost::crowding(const Point& at) const {
  const Canvas& canvas = design_->canvas;
  const Point on{std::clamp(at.x, 0.0, canvas.width), std::clamp(at.y, 0.0, canvas.height)};
  const int col = cell_along(on.x, canvas.width, grid_.cell_width, grid_.cols);
  const int row = cell_along(on.y, canvas.height, grid_.cell_height, grid_.rows);
  const double fill = occupied_[row * grid_.cols + col] / (grid_.cell_width * grid_.cell_height);
  const Cell cell = cell_at_[cell_of(on)];
  const double horizontal = congestion_[cell.col * routing_grid_.rows + cell.row];
  const double vertical = congestion_[routing_grid_.size() + cell.row * routing_grid_.cols + cell.col];
  return fill + std::max(horizontal, vertical);
}

/// Around these slots.
Box IncrementalCost::box_of(int begin, int end) const {
  const int* const place = nets_->slot_place.data();
  const auto at = [&](int slot) {
    const Point& point = place_at_[place[slot]];
    return Pair{point.x, point.y};
  };
  Pair lo = at(begin), hi = lo;
  for (int slot = begin + 1; slot < end; ++slot) {
    const Pair p = at(slot);
    lo = p < lo ? p : lo;
    hi = p > hi ? p : hi;
  }
  return {lo[0], lo[1], hi[0], hi[1]};
}

/// Fits a net's box to one of its places that has moved; returns the change of its length.
double IncrementalCost::grow_net(const NetModel::Touch& touch, const Point& old, const Point& now) {
  Box& box = net_box_[touch.net];
  const Box before = box;
  const bool inside = before.lx < old.x && old.x < before.ux && before.ly < old.y && old.y < before.uy;
  if (inside) {
    if (before.lx <= now.x && now.x <= before.ux && before.ly <= now.y && now.y <= before.uy) return 0.0;
    box = {std::min(before.lx, now.x), std::min(before.ly, now.y), std::max(before.ux, now.x), std::max(before.uy, now.y)};
  } else {
    box = box_of(touch.begin, touch.end);
  }
  box_log_.push_back({touch.net, before});
  return half_perimeter(box) - half_perimeter(before);
}

/// Moves the places of a node; returns the change of the wirelength.
double IncrementalCost::move_places(const Move& move) {
  const NetModel& nets = *nets_;
  const Turn turned(move.orientation);
  double delta = 0.0;
  for (int place = nets.place_start[move.node]; place < nets.place_start[move.node + 1]; ++place) {
    const Point offset = turned(nets.place_dx[place], nets.place_dy[place]);
    const Point now{move.x + offset.x, move.y + offset.y}, old = place_at_[place];
    place_log_.push_back({place, place_cell_[place], old});
    place_at_[place] = now;
    for (const NetModel::Pair& pair : nets.pairs_of(place)) {
      const Point other = place_at_[pair.other];
      delta += pair.weight * ((std::abs(now.x - other.x) + std::abs(now.y - other.y)) -
                              (std::abs(old.x - other.x) + std::abs(old.y - other.y)));
    }
    const auto touches = nets.touches_of(place);
    for (std::size_t k = 0; k < touches.size(); ++k) {
      if (k + kAhead < touches.size()) {
        __builtin_prefetch(&net_box_[touches[k + kAhead].net]);
        __builtin_prefetch(&nets.slot_place[touches[k + kAhead].begin]);
      }
      delta += touches[k].weight * grow_net(touches[k], old, now);
    }
  }
  return delta;
}

/// Moves the nodes themselves: their positions and the area they take. Returns about how much the density cost changes:
/// what lies above the threshold of its top sum.
double IncrementalCost::move_nodes(std::span<const Move> moves) {
  const Netlist& netlist = design_->netlist;
  const double threshold = density_top_.threshold();
  double excess = 0.0;
  const auto take = [&](double sign) {
    return [&, sign](int cell, double area) {
      const double before = occupied_[cell], after = before + sign * area;
      area_log_.push_back({cell, before});
      occupied_[cell] = after;
      excess += std::max(after, threshold) - std::max(before, threshold);
    };
  };
  const bool few_cells = grid_.size() < kFewCells;
  for (const Move& move : moves) {
    const int node = move.node;
    const Box before = outline(netlist, node, x_[node], y_[node], orientation_[node]);
    const Box after = outline(netlist, node, move.x, move.y, move.orientation);
    old_moves_.push_back({node, x_[node], y_[node], orientation_[node]});
    x_[node] = move.x;
    y_[node] = move.y;
    orientation_[node] = move.orientation;
    if (!few_cells && netlist.kind_of(node) != Kind::port) {
      for_each_overlap(grid_, before, take(-1.0));
      for_each_overlap(grid_, after, take(1.0));
    }
  }
  if (few_cells) {
    for (int cell = 0; cell < grid_.size(); ++cell) area_log_.push_back({cell, occupied_[cell]});
    occupied_area(*design_, {x_, y_, orientation_, placed_}, occupied_);
    return 0.0;
  }
  return excess * density_per_area(grid_);
}

/// Moves the routes that hard macros block.
void IncrementalCost::move_blocked(std::span<const Move> moves) {
  const Netlist& netlist = design_->netlist;
  for (const Move& old : old_moves_) {
    if (netlist.is_hard(old.node)) block(outline(netlist, old.node, old.x, old.y, old.orientation), -1.0);
  }
  for (const Move& now : moves) {
    if (netlist.is_hard(now.node)) block(outline(netlist, now.node, now.x, now.y, now.orientation), 1.0);
  }
}

void IncrementalCost::block(const Box& box, double sign) {
  const int size = routing_grid_.size();
  for_each_blocked(design_->canvas, routing_grid_, box, [&](int at, double routes) {
    blocked_log_.push_back({at, blocked_[at]});
    blocked_[at] += sign * routes;
    if (at < size) {
      columns_.add(at / routing_grid_.rows);
    } else {
      rows_.add((at - size) / routing_grid_.cols);
    }
  });
}

/// Adds `weight` times the route between two cells on the canvas, the source's first, to the steps.
void IncrementalCost::add_route(FlatCell source, FlatCell sink, double weight) {
  const Cell cells[] = {cell_at_[source], cell_at_[sink]};
  for (const Cell& cell : cells) touch(cell);
  Router(steps_, weight).star(cells, 2);
}

/// Adds `weight` times the routes of a net, given by its slots, all of them on the canvas.
void IncrementalCost::route_whole(int begin, int end, double weight) {
  seen_cells_.next_net();
  std::size_t count = 0;
  for (int slot = begin; slot < end; ++slot) {
    const FlatCell cell = place_cell_[nets_->slot_place[slot]];
    cells_[count] = cell_at_[cell];
    count += seen_cells_.is_new(cell);
  }
  if (count < 2) return;
  for (std::size_t k = 0; k < count; ++k) touch(cells_[k]);
  Router(steps_, weight).net(cells_.data(), count);
}

/// Reroutes a net of two one of whose places moves to another cell.
void IncrementalCost::change_pair(const NetModel::Pair& pair, FlatCell from, FlatCell to) {
  const FlatCell other = place_cell_[pair.other];
  if (other == kOffCanvas) return;
  const auto add = [&](FlatCell cell, double weight) {
    if (cell == kOffCanvas || cell == other) return;
    add_route(pair.is_source ? cell : other, pair.is_source ? other : cell, weight);
  };
  add(from, -pair.demand);
  add(to, pair.demand);
}

/// Reroutes any other net one of whose places moves to another cell. That place still has the old one afterwards.
void IncrementalCost::change_net(const NetModel::Touch& touch, int place, FlatCell to) {
  const int* const slot_place = nets_->slot_place.data();
  const FlatCell from = place_cell_[place];
  int at_from = -1, at_to = 0;  // other slots in these cells
  for (int slot = touch.begin; slot < touch.end; ++slot) {
    const FlatCell cell = place_cell_[slot_place[slot]];
    at_from += cell == from;
    at_to += cell == to;
  }
  const NetCells before = net_cells_[touch.net];
  NetCells after = before;
  (from == kOffCanvas ? after.off_canvas : after.distinct) -= from == kOffCanvas || at_from == 0;
  (to == kOffCanvas ? after.off_canvas : after.distinct) += to == kOffCanvas || at_to == 0;
  net_log_.push_back({touch.net, before});
  net_cells_[touch.net] = after;
  const bool is_star = std::min(before.distinct, after.distinct) >= kLeastStar;
  if (is_star && !touch.is_source && before.off_canvas + after.off_canvas == 0) {
    // A sink's route changes alone, unless other slots share its cell.
    const FlatCell source = place_cell_[slot_place[touch.begin]];
    if (at_from == 0) add_route(source, from, -touch.demand);
    if (at_to == 0) add_route(source, to, touch.demand);
    return;
  }
  if (before.off_canvas == 0) route_whole(touch.begin, touch.end, -touch.demand);
  if (after.off_canvas > 0) return;
  place_cell_[place] = to;
  route_whole(touch.begin, touch.end, touch.demand);
  place_cell_[place] = from;
}

/// Changes the routes of all nets of which a place changes its cell; the log then holds the old cells.
void IncrementalCost::change_routes() {
  for (PlaceChange& change : place_log_) {
    const FlatCell to = change.cell, from = place_cell_[change.place];
    change.cell = from;
    if (to == from) continue;
    for (const NetModel::Pair& pair : nets_->pairs_of(change.place)) change_pair(pair, from, to);
    const auto touches = nets_->touches_of(change.place);
    for (std::size_t k = 0; k < touches.size(); ++k) {
      if (k + kAhead < touches.size()) {
        __builtin_prefetch(&net_cells_[touches[k + kAhead].net]);
        __builtin_prefetch(&nets_->slot_place[touches[k + kAhead].begin]);
      }
      change_net(touches[k], change.place, to);
    }
    place_cell_[change.place] = to;
  }
  rerouted_ = true;
  sum_lines(route_columns_, routing_grid_.rows, 0, steps_.horizontal);
  sum_lines(route_rows_, routing_grid_.cols, routing_grid_.size(), steps_.vertical);
  columns_.add(route_columns_);
  rows_.add(route_rows_);
}

/// Adds the sums of steps to the trial demand, in the lines between which they lie, and clears them.
void IncrementalCost::sum_lines(const Lines& lines, int width, int offset, std::vector<double>& steps) {
  std::fill(running_.begin(), running_.end(), 0.0);
  double* const running = running_.data();
  for (int line = lines.first; line <= lines.last; ++line) {
    double* const step = steps.data() + static_cast<std::ptrdiff_t>(line) * width;
    double* const demand = trial_demand_.data() + offset + static_cast<std::ptrdiff_t>(line) * width;
    for (int i = 0; i < width; ++i) {
      running[i] += step[i];
      demand[i] += running[i];
      step[i] = 0.0;
    }
  }
}

void IncrementalCost::copy_lines(const std::vector<double>& from, std::vector<double>& to) const {
  const auto copy = [&](const Lines& lines, int width, int offset) {
    if (lines.empty()) return;
    const std::ptrdiff_t first = offset + static_cast<std::ptrdiff_t>(lines.first) * width;
    const std::ptrdiff_t last = offset + static_cast<std::ptrdiff_t>(lines.last + 1) * width;
    std::copy(from.begin() + first, from.begin() + last, to.begin() + first);
  };
  copy(columns_, routing_grid_.rows, 0);
  copy(rows_, routing_grid_.cols, routing_grid_.size());
}

bool IncrementalCost::propose(std::span<const Move> moves, double limit, double hope) {
  old_moves_.clear();
  place_log_.clear();
  box_log_.clear();
  net_log_.clear();
  area_log_.clear();
  blocked_log_.clear();
  columns_ = rows_ = route_columns_ = route_rows_ = {};
  rerouted_ = false;
  trial_costs_ = costs_;
  trial_floor_ = floor_;
  trial_guide_value_ = guide_value_;
  const auto exceeds = [&](double most) {
    if (judged() <= most) return false;
    revert();
    return true;
  };

  // What is not known yet counts as unchanged.
  trial_costs_.density_cost += move_nodes(moves);
  if (exceeds(limit + hope)) return false;
  double delta = 0.0;
  for (const Move& move : moves) delta += move_places(move);
  trial_costs_.wirelength += delta;
  trial_costs_.wirelength_cost = trial_costs_.wirelength * wirelength_scale_;
  if (exceeds(limit + hope)) return false;

  // From here on terms are exact, or bounds: what is not known yet counts as the least that it can be or is hoped to be.
  bool reroutes = false;
  for (PlaceChange& change : place_log_) {
    change.cell = cell_of(place_at_[change.place]);
    reroutes |= change.cell != place_cell_[change.place];
  }
  const bool hard =
      std::any_of(moves.begin(), moves.end(), [&](const Move& move) { return design_->netlist.is_hard(move.node); });
  const double hoped = costs_.congestion_cost - hope / weights_.congestion;
  if (hard || reroutes) trial_costs_.congestion_cost = std::max(hard ? 0.0 : floor_, hoped);
  if (hard) trial_guide_value_ = 0.0;
  trial_costs_.density_cost = 0.0;
  trial_costs_.density_cost = density_cost(grid_, occupied_, density_top_, enough(limit, weights_.density));
  if (exceeds(limit)) return false;

  if (hard) {
    move_blocked(moves);
    trial_floor_ = floor_congestion();
    trial_costs_.congestion_cost = std::max(trial_floor_, hoped);
    trial_guide_value_ = measure_guide();
    if (exceeds(limit)) return false;
  }
  if (reroutes) change_routes();
  if (columns_.empty() && rows_.empty()) {
    trial_costs_.congestion_cost = costs_.congestion_cost;
  } else {
    congestion_map_.measure(trial_demand_, blocked_, columns_, rows_, trial_congestion_);
    trial_costs_.congestion_cost = 0.0;
    trial_costs_.congestion_cost =
        congestion_cost(trial_congestion_, congestion_top_, enough(limit, weights_.congestion));
  }
  return !exceeds(limit);
}

/// What the one cost term that is 0 in `trial_costs_` must exceed for the proxy cost to exceed the limit for certain.
double IncrementalCost::enough(double limit, double weight) const {
  if (weight <= 0.0) return std::numeric_limits<double>::infinity();
  return (limit - judged() + kSlack) / weight;
}

void IncrementalCost::accept() {
  if (rerouted_) copy_lines(trial_demand_, demand_);
  copy_lines(trial_congestion_, congestion_);
  costs_ = trial_costs_;
  floor_ = trial_floor_;
  guide_value_ = trial_guide_value_;
  if (++accepted_ % kRebuildEvery == 0) rebuild();
}

void IncrementalCost::reject() { revert(); }

void IncrementalCost::revert() {
  const auto backwards = [](auto& log, auto restore) {
    for (auto change = log.rbegin(); change != log.rend(); ++change) restore(*change);
  };
  if (rerouted_) {
    for (const PlaceChange& change : place_log_) place_cell_[change.place] = change.cell;
    backwards(net_log_, [&](const NetChange& change) { net_cells_[change.net] = change.old; });
    copy_lines(demand_, trial_demand_);
  }
  copy_lines(congestion_, trial_congestion_);
  for (const PlaceChange& change : place_log_) place_at_[change.place] = change.old;
  backwards(box_log_, [&](const BoxChange& change) { net_box_[change.net] = change.old; });
  backwards(area_log_, [&](const ValueChange& change) { occupied_[change.at] = change.old; });
  backwards(blocked_log_, [&](const ValueChange& change) { blocked_[change.at] = change.old; });
  for (const Move& move : old_moves_) {
    x_[move.node] = move.x;
    y_[move.node] = move.y;
    orientation_[move.node] = move.orientation;
  }
}

double IncrementalCost::floor_congestion() {
  congestion_map_.compute_blocked(blocked_, floor_map_);
  return congestion_cost(floor_map_, floor_top_);
}

}  // namespace placecore
