#include "placecore/floorplan_batch.hpp"

#include <algorithm>

namespace placecore {

ThreadPool::ThreadPool(int num_threads) {
  for (int i = 1; i < num_threads; ++i) threads_.emplace_back([this] { serve(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
}

void ThreadPool::take_work(std::unique_lock<std::mutex>& lock) {
  ++running_;
  while (next_ < count_) {
    const int item = next_++;
    const auto* work = work_;
    lock.unlock();
    (*work)(item);
    lock.lock();
  }
  if (--running_ == 0) done_.notify_all();
}

void ThreadPool::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || next_ < count_; });
    if (stop_) return;
    take_work(lock);
  }
}

void ThreadPool::run(int count, const std::function<void(int)>& work) {
  std::unique_lock lock(mutex_);
  work_ = &work;
  next_ = 0;
  count_ = count;
  if (!threads_.empty()) wake_.notify_all();
  take_work(lock);
  done_.wait(lock, [this] { return running_ == 0; });
  count_ = 0;
}

FloorplanBatch::FloorplanBatch(std::vector<std::shared_ptr<const FloorplanTask>> tasks, int num_threads)
    : pool_(std::max(1, num_threads)) {
  std::size_t cells = 0, routing_cells = 0, nodes = 0;
  for (auto& task : tasks) {
    cell_start_.push_back(cells);
    routing_start_.push_back(routing_cells);
    node_start_.push_back(nodes);
    nodes += task->design.netlist.num_nodes();
    cells += task->design.canvas.grid().size();
    routing_cells += task->design.canvas.congestion_grid().size();
    episodes_.emplace_back(std::move(task));
  }
}

namespace {

/// Not even the first macro fits: any action ends the episode.
bool begins_stuck(const Floorplan& episode) { return episode.step() == 0 && !episode.feasible(); }

}  // namespace

void FloorplanBatch::reset(int episode) { episodes_[episode].reset(); }

void FloorplanBatch::step(std::span<const std::int64_t> cells, bool partial_costs, std::span<StepResult> results) {
  bool all_legal = true;
  for (int i = 0; i < size(); ++i) {
    results[i] = {};
    results[i].legal = begins_stuck(episodes_[i]) || episodes_[i].allows(cells[i]);
    all_legal = all_legal && results[i].legal;
  }
  if (!all_legal) return;  // no episode goes on unless all can
  pool_.run(size(), [&](int i) {
    Floorplan& episode = episodes_[i];
    StepResult& result = results[i];
    if (begins_stuck(episode)) {
      result = {true, true, true, {}};
      return;
    }
    episode.place(static_cast<int>(cells[i]));
    result.infeasible = !episode.feasible();
    result.terminated = episode.complete() || result.infeasible;
    if (episode.complete()) {
      episode.finish(0);
      result.costs = episode.costs();
    } else if (partial_costs) {
      result.costs = episode.partial_costs();
    }
  });
}

void FloorplanBatch::observe(const FloorplanMaps& maps) {
  pool_.run(size(), [&](int i) {
    const std::size_t cell = cell_start_[i], routing = routing_start_[i], node = node_start_[i];
    episodes_[i].observe({maps.action_mask + cell, maps.wire_mask + cell, maps.density + cell,
                          maps.congestion_hor + routing, maps.congestion_ver + routing, maps.position + 2 * node,
                          maps.placed + node});
  });
}

}  // namespace placecore
