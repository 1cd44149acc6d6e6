// How the cost routes a net over grid cells (DESIGN section 4). Shared by the full and the incremental evaluation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace placecore {

struct Cell {
  int row, col;

  friend bool operator==(const Cell&, const Cell&) = default;
};

/// Routes as steps: + where one begins and - where it ends, so that a route costs two additions however long it is.
/// A sum along the first axis gives the demand of each cell.
struct RouteSteps {
  int rows = 0, cols = 0;
  std::vector<double> horizontal;  // (cols + 1, rows)
  std::vector<double> vertical;    // (rows + 1, cols)

  void reset(int rows_, int cols_) {
    rows = rows_;
    cols = cols_;
    horizontal.assign(static_cast<std::size_t>(cols + 1) * rows, 0.0);
    vertical.assign(static_cast<std::size_t>(rows + 1) * cols, 0.0);
  }
};

/// Tells the distinct cells of one net after the other, without a map to clear for each.
class SeenCells {
 public:
  void resize(int cells) { seen_.assign(cells, 0); }

  void next_net() {
    if (++net_ != 0) return;
    std::fill(seen_.begin(), seen_.end(), 0U);  // the count has come round
    net_ = 1;
  }

  /// Whether no pin of the net was in the cell before.
  bool is_new(int cell) {
    const bool is_new = seen_[cell] != net_;
    seen_[cell] = net_;
    return is_new;
  }

 private:
  std::vector<std::uint32_t> seen_;
  std::uint32_t net_ = 0;
};

/// Adds `weight` times the routes of nets to steps.
class Router {
 public:
  Router(RouteSteps& steps, double weight_)
      : weight(weight_),
        rows_(steps.rows),
        cols_(steps.cols),
        horizontal_(steps.horizontal.data()),
        vertical_(steps.vertical.data()) {}

  /// A net that touches these distinct cells; the first is the source's.
  void net(const Cell* cells, std::size_t count) {
    if (count == 3) return three(cells[0], cells[1], cells[2]);
    if (count > 1) star(cells, count);
  }

  /// L-routes from the source, the first cell, to each other one: horizontal in the source's row, then vertical in the
  /// sink's column. A route within one cell cancels itself.
  void star(const Cell* cells, std::size_t count) {
    const Cell source = cells[0];
    const double sign[] = {-weight, weight};  // a table, not a branch: directions are unpredictable
    double at_source = 0.0;  // summed up apart: additions to one memory cell would wait for one another
    for (std::size_t k = 1; k < count; ++k) {
      const Cell sink = cells[k];
      const double right = sign[sink.col >= source.col];
      const double up = sign[sink.row >= source.row];
      at_source += right;
      horizontal_[sink.col * rows_ + source.row] -= right;
      vertical_[source.row * cols_ + sink.col] += up;
      vertical_[sink.row * cols_ + sink.col] -= up;
    }
    horizontal_[source.col * rows_ + source.row] += at_source;
  }

  double weight;

 private:
  void horizontal(int row, int begin, int end) {
    horizontal_[begin * rows_ + row] += weight;
    horizontal_[end * rows_ + row] -= weight;
  }
  void vertical(int col, int row1, int row2) {
    vertical_[std::min(row1, row2) * cols_ + col] += weight;
    vertical_[std::max(row1, row2) * cols_ + col] -= weight;
  }
  void three(Cell a, Cell b, Cell c);

  int rows_, cols_;
  double* horizontal_;
  double* vertical_;
};

inline void Router::three(Cell a, Cell b, Cell c) {
  const auto sort = [&](auto before) {
    if (before(b, a)) std::swap(a, b);
    if (before(c, b)) std::swap(b, c);
    if (before(b, a)) std::swap(a, b);
  };
  sort([](Cell p, Cell q) { return p.col != q.col ? p.col < q.col : p.row < q.row; });
  if (a.col < b.col && b.col < c.col && std::min(a.row, c.row) < b.row && b.row < std::max(a.row, c.row)) {
    horizontal(a.row, a.col, b.col);
    horizontal(b.row, b.col, c.col);
    vertical(b.col, a.row, b.row);
    vertical(c.col, b.row, c.row);
  } else if (b.col == c.col && a.col < b.col && a.row < std::min(b.row, c.row)) {
    horizontal(a.row, a.col, b.col);
    vertical(b.col, a.row, std::max(b.row, c.row));
  } else if (b.row == c.row) {
    horizontal(a.row, a.col, b.col);
    horizontal(b.row, b.col, c.col);
    vertical(b.col, a.row, b.row);
  } else {
    sort([](Cell p, Cell q) { return p.row != q.row ? p.row < q.row : p.col < q.col; });
    horizontal(b.row, std::min({a.col, b.col, c.col}), std::max({a.col, b.col, c.col}));
    vertical(a.col, a.row, b.row);
    vertical(c.col, b.row, c.row);
  }
}

}  // namespace placecore
