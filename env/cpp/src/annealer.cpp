#include "placecore/annealer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace placecore {

namespace {

constexpr double kSmallestStep = 2e-3, kLargestStep = 0.5;
constexpr double kTargetAcceptance = 0.25;
// Temperatures by which terms that are not evaluated yet are hoped to make up for what others cost. Of the moves that
// need more, fewer than 1 % would be accepted.
constexpr double kHope = 2.5;
constexpr int kMedianNets = 5;
constexpr int kNeighbours = 3;  // hard macros, drawn at random, of which one is aligned to the nearest
constexpr int kTries = 3;  // places that a soft macro looks at, of which it tries the least crowded one
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

Annealer::Annealer(IncrementalCost cost, HardMacros macros, std::vector<int> hard, std::vector<int> soft,
                   std::uint64_t seed, bool on_cells)
    : cost_(std::move(cost)),
      macros_(std::move(macros)),
      hard_(std::move(hard)),
      soft_(std::move(soft)),
      rng_(seed),
      on_cells_(on_cells) {
  const Netlist& netlist = cost_.design().netlist;
  for (const int node : hard_) {
    std::vector<int> peers;
    for (const int other : hard_) {
      if (other != node && netlist.width[other] == netlist.width[node] && netlist.height[other] == netlist.height[node]) {
        peers.push_back(other);
      }
    }
    same_size_.push_back(std::move(peers));
  }
  best_.proxy = std::numeric_limits<double>::infinity();
  keep_best();
}

void Annealer::Step::adapt() {
  if (proposed < 64) return;
  const double acceptance = static_cast<double>(accepted) / static_cast<double>(proposed);
  size = std::clamp(size * (acceptance > kTargetAcceptance ? 1.1 : 0.9), kSmallestStep, kLargestStep);
  proposed = accepted = 0;
}

void Annealer::run(long count, double temperature, double guide, double least_hope) {
  temperature_ = temperature;
  hope_ = std::max(kHope * temperature, least_hope);
  cost_.set_guide(guide);
  if (hard_.empty() && soft_.empty()) return;
  for (long i = 0; i < count; ++i) {
    const MoveKind kind = draw_kind();
    const auto at = static_cast<std::size_t>(kind);
    ++counts_.proposed[at];
    if (attempt(kind)) ++counts_.accepted[at];
  }
  hard_step_.adapt();
  soft_step_.adapt();
  keep_best();
}

void Annealer::keep_best() {
  if (cost_.proxy() >= best_.proxy) return;
  best_.x.assign(cost_.xs().begin(), cost_.xs().end());
  best_.y.assign(cost_.ys().begin(), cost_.ys().end());
  best_.orientation.assign(cost_.orientations().begin(), cost_.orientations().end());
  best_.costs = cost_.costs();
  best_.proxy = cost_.proxy();
}

void Annealer::adopt(const Annealer& other) {
  cost_ = other.cost_;
  macros_ = other.macros_;
  keep_best();
}

void Annealer::restrict(std::span<const int> soft, double hard_share) {
  soft_.assign(soft.begin(), soft.end());
  hard_share_ = hard_share;
}

void Annealer::take(const Annealer& other) {
  moves_.clear();
  const auto compare = [&](int node) {
    const Move move{node, other.cost_.x(node), other.cost_.y(node), other.cost_.orientation(node)};
    if (move.x == cost_.x(node) && move.y == cost_.y(node) && move.orientation == cost_.orientation(node)) return;
    moves_.push_back(move);
    if (!cost_.design().netlist.is_hard(node)) return;
    macros_.put(node, outline(cost_.design().netlist, node, move.x, move.y, move.orientation));
  };
  if (other.hard_share_ > 0.0) std::for_each(other.hard_.begin(), other.hard_.end(), compare);
  std::for_each(other.soft_.begin(), other.soft_.end(), compare);
  if (moves_.empty()) return;
  cost_.propose(moves_, kInfinity);
  cost_.accept();
  keep_best();
}

MoveKind Annealer::draw_kind() {
  const bool hard = !hard_.empty() && (soft_.empty() || rng_.uniform() < hard_share_);
  const double u = rng_.uniform();
  if (hard) {
    if (u < 0.25) return MoveKind::hard_shift;
    if (u < 0.40) return MoveKind::hard_median;
    if (u < 0.65) return MoveKind::hard_align;
    if (u < 0.90) return MoveKind::hard_swap;
    return MoveKind::hard_flip;
  }
  if (u < 0.30) return MoveKind::soft_shift;
  if (u < 0.70) return MoveKind::soft_median;
  if (u < 0.95) return MoveKind::soft_pull;
  return MoveKind::soft_swap;
}

bool Annealer::attempt(MoveKind kind) {
  const Canvas& canvas = cost_.design().canvas;
  const bool hard = kind <= MoveKind::hard_flip;
  const int rank = rng_.index(static_cast<int>(hard ? hard_.size() : soft_.size()));
  const int node = hard ? hard_[rank] : soft_[rank];
  const auto near = [&](Point centre, double size) {
    return Point{centre.x + size * canvas.width * rng_.symmetric(), centre.y + size * canvas.height * rng_.symmetric()};
  };
  const auto uncrowded = [&](Point centre, double size) {
    Point best = near(centre, size);
    double least = cost_.crowding(best);
    for (int other = 1; other < kTries; ++other) {
      const Point to = near(centre, size);
      const double crowding = cost_.crowding(to);
      if (crowding < least) best = to, least = crowding;
    }
    return best;
  };
  const Point here{cost_.x(node), cost_.y(node)};
  switch (kind) {
    case MoveKind::hard_shift: {
      const Point to = near(here, hard_step_.size);
      const bool accepted = shift_hard(node, to.x, to.y);
      ++hard_step_.proposed;
      hard_step_.accepted += accepted;
      return accepted;
    }
    case MoveKind::hard_median: {
      const Point to = near(median_of(node), hard_step_.size * rng_.uniform());
      return shift_hard(node, to.x, to.y);
    }
    case MoveKind::hard_align: {
      const Point to = beside_another(rank);
      return shift_hard(node, to.x, to.y);
    }
    case MoveKind::hard_swap: return swap_hard(rank);
    case MoveKind::hard_flip: return flip_hard(node);
    case MoveKind::soft_shift: {
      const Point to = uncrowded(here, soft_step_.size);
      const bool accepted = move_soft(node, to.x, to.y);
      ++soft_step_.proposed;
      soft_step_.accepted += accepted;
      return accepted;
    }
    case MoveKind::soft_median: {
      const Point to = uncrowded(median_of(node), soft_step_.size * rng_.uniform());
      return move_soft(node, to.x, to.y);
    }
    case MoveKind::soft_pull: {
      const Point pin = random_net_point(node);
      const double share = rng_.uniform();
      return move_soft(node, here.x + share * (pin.x - here.x), here.y + share * (pin.y - here.y));
    }
    case MoveKind::soft_swap: return swap_soft(node);
  }
  return false;
}

double Annealer::accept_limit() {
  return cost_.guided_proxy() - temperature_ * std::log(1.0 - rng_.uniform());
}

bool Annealer::try_moves(std::span<const Move> moves) {
  if (!cost_.propose(moves, accept_limit(), hope_)) return false;
  cost_.accept();
  return true;
}

bool Annealer::shift_hard(int node, double x, double y) {
  const Netlist& netlist = cost_.design().netlist;
  const std::uint8_t orientation = cost_.orientation(node);
  const Point goal = snapped(node, inside(node, {x, y}));
  // Among packed macros a diagonal shift rarely fits; sliding along one axis often does.
  const Point here{cost_.x(node), cost_.y(node)};
  for (const Point to : {goal, Point{goal.x, here.y}, Point{here.x, goal.y}}) {
    const Box box = outline(netlist, node, to.x, to.y, orientation);
    if (!macros_.fits(node, box)) continue;
    const Move move{node, to.x, to.y, orientation};
    if (!try_moves({&move, 1})) return false;
    macros_.put(node, box);
    return true;
  }
  return false;
}

/// A place next to the nearest of a few hard macros, as close as it may be, with two of their edges in line.
Point Annealer::beside_another(int rank) {
  const int node = hard_[rank];
  const Point here{cost_.x(node), cost_.y(node)};
  int nearest = -1;
  double least = kInfinity;
  for (int draw = 0; draw < kNeighbours; ++draw) {
    const int other = hard_[rng_.index(static_cast<int>(hard_.size()))];
    const double distance = std::abs(cost_.x(other) - here.x) + std::abs(cost_.y(other) - here.y);
    if (other != node && distance < least) nearest = other, least = distance;
  }
  if (nearest < 0) return here;
  const Netlist& netlist = cost_.design().netlist;
  const Box own = outline(netlist, node, 0.0, 0.0, cost_.orientation(node)), other = macros_.box(nearest);
  const double gap = macros_.rules().gap(node, nearest) + kEdgeMargin;
  const bool before = rng_.uniform() < 0.5, low = rng_.uniform() < 0.5;
  if (rng_.uniform() < 0.5) {
    return {before ? other.lx - gap - own.ux : other.ux + gap + own.ux, low ? other.ly + own.uy : other.uy - own.uy};
  }
  return {low ? other.lx + own.ux : other.ux - own.ux, before ? other.ly - gap - own.uy : other.uy + gap + own.uy};
}

bool Annealer::swap_hard(int rank) {
  const int node = hard_[rank];
  const Netlist& netlist = cost_.design().netlist;
  const auto& peers = same_size_[rank];
  const int other = peers.empty() || rng_.uniform() < 0.2 ? hard_[rng_.index(static_cast<int>(hard_.size()))]
                                                           : peers[rng_.index(static_cast<int>(peers.size()))];
  if (other == node) return false;
  const Point at = snapped(node, {cost_.x(other), cost_.y(other)});
  const Point other_at = snapped(other, {cost_.x(node), cost_.y(node)});
  const std::array<Move, 2> moves = {Move{node, at.x, at.y, cost_.orientation(node)},
                                     Move{other, other_at.x, other_at.y, cost_.orientation(other)}};
  const Box box = outline(netlist, node, moves[0].x, moves[0].y, moves[0].orientation);
  const Box other_box = outline(netlist, other, moves[1].x, moves[1].y, moves[1].orientation);
  if (overlaps(box, other_box, macros_.rules().gap(node, other)) || !macros_.fits(node, box, other) ||
      !macros_.fits(other, other_box, node) || !try_moves(moves)) {
    return false;
  }
  macros_.put(node, box);
  macros_.put(other, other_box);
  return true;
}

bool Annealer::flip_hard(int node) {
  if (on_cells_) return false;
  // Codes 0 to 3 and 4 to 7 are the flips of one another that keep the outline.
  const std::uint8_t orientation = cost_.orientation(node);
  const auto flipped = static_cast<std::uint8_t>((orientation & 4) | ((orientation + 1 + rng_.index(3)) & 3));
  if (!cost_.design().netlist.allows(node, flipped)) return false;
  const Move move{node, cost_.x(node), cost_.y(node), flipped};
  return try_moves({&move, 1});
}

bool Annealer::move_soft(int node, double x, double y) {
  const Point to = inside(node, {x, y});
  const Move move{node, to.x, to.y, cost_.orientation(node)};
  return try_moves({&move, 1});
}

bool Annealer::swap_soft(int node) {
  const int other = soft_[rng_.index(static_cast<int>(soft_.size()))];
  if (other == node) return false;
  const Canvas& canvas = cost_.design().canvas;
  const auto inside = [&](int which, double x, double y) {
    const Box box = outline(cost_.design().netlist, which, x, y, cost_.orientation(which));
    return box.lx >= 0.0 && box.ly >= 0.0 && box.ux <= canvas.width && box.uy <= canvas.height;
  };
  const std::array<Move, 2> moves = {Move{node, cost_.x(other), cost_.y(other), cost_.orientation(node)},
                                     Move{other, cost_.x(node), cost_.y(node), cost_.orientation(other)}};
  return inside(node, moves[0].x, moves[0].y) && inside(other, moves[1].x, moves[1].y) && try_moves(moves);
}

/// The centre of a hard macro moved to where it may lie: on whole cells, or so that its corner is on the snapping
/// grid if there is one.
Point Annealer::snapped(int node, Point centre) const {
  if (!on_cells_ && !macros_.rules().snaps()) return centre;
  const Box size = outline(cost_.design().netlist, node, 0.0, 0.0, cost_.orientation(node));
  if (on_cells_) {
    const Grid grid = cost_.design().canvas.grid();
    const Point offset = macros_.rules().whole_cells(node, size.ux, size.uy);
    const int col = grid.nearest_col(centre.x - offset.x), row = grid.nearest_row(centre.y - offset.y);
    return macros_.rules().at_cell(col, row, size.ux, size.uy, offset);
  }
  return macros_.rules().snap(centre, size.ux, size.uy);
}

/// The centre moved so that the node lies inside the canvas.
Point Annealer::inside(int node, Point centre) const {
  const Canvas& canvas = cost_.design().canvas;
  const Box size = outline(cost_.design().netlist, node, 0.0, 0.0, cost_.orientation(node));
  const double margin = cost_.design().netlist.is_hard(node) ? canvas.boundary + 2 * kEdgeMargin : 0.0;
  const auto clamp = [&](double at, double half, double extent) {
    half = std::min(half + margin, 0.5 * extent);
    return std::clamp(at, half, extent - half);
  };
  return {clamp(centre.x, size.ux, canvas.width), clamp(centre.y, size.uy, canvas.height)};
}

/// Where a node's nets pull it: the middle of the median interval of a few of its nets, drawn at random.
Point Annealer::median_of(int node) {
  const NetModel& nets = cost_.nets();
  const auto slots = nets.slots_of(node);
  if (slots.empty()) return {cost_.x(node), cost_.y(node)};
  std::array<double, 2 * kMedianNets> ends_x, ends_y;
  std::size_t count = 0;
  for (int draw = 0; draw < kMedianNets; ++draw) {
    const int slot = slots[rng_.index(static_cast<int>(slots.size()))], net = nets.slot_net[slot];
    Box box{kInfinity, kInfinity, -kInfinity, -kInfinity};  // of the net's other slots
    for (int other = nets.net_start[net]; other < nets.net_start[net + 1]; ++other) {
      if (nets.slot_node[other] == node) continue;
      const Point at = cost_.slot(other);
      box = {std::min(box.lx, at.x), std::min(box.ly, at.y), std::max(box.ux, at.x), std::max(box.uy, at.y)};
    }
    if (box.lx > box.ux) continue;
    const double dx = cost_.slot(slot).x - cost_.x(node), dy = cost_.slot(slot).y - cost_.y(node);
    ends_x[count] = box.lx - dx, ends_y[count++] = box.ly - dy;
    ends_x[count] = box.ux - dx, ends_y[count++] = box.uy - dy;
  }
  if (count == 0) return {cost_.x(node), cost_.y(node)};
  const auto middle = [&](std::array<double, 2 * kMedianNets>& ends) {
    const auto upper = ends.begin() + static_cast<std::ptrdiff_t>(count / 2);
    std::nth_element(ends.begin(), upper, ends.begin() + static_cast<std::ptrdiff_t>(count));
    return 0.5 * (*upper + *std::max_element(ends.begin(), upper));
  };
  return {middle(ends_x), middle(ends_y)};
}

/// Another place that one of a node's nets touches.
Point Annealer::random_net_point(int node) {
  const NetModel& nets = cost_.nets();
  const auto slots = nets.slots_of(node);
  if (slots.empty()) return {cost_.x(node), cost_.y(node)};
  const int own = slots[rng_.index(static_cast<int>(slots.size()))], net = nets.slot_net[own];
  const int begin = nets.net_start[net], count = nets.net_start[net + 1] - begin;
  const int other = begin + rng_.index(count - 1);
  return cost_.slot(other < own ? other : other + 1);
}

}  // namespace placecore
