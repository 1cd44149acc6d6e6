#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "placecore/floorplan.hpp"

namespace placecore {

/// Runs `work(i)` for i in 0 .. count - 1 on a fixed set of threads.
class ThreadPool {
 public:
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void run(int count, const std::function<void(int)>& work);

 private:
  void serve();
  void take_work(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(int)>* work_ = nullptr;
  int next_ = 0, count_ = 0, running_ = 0;
  bool stop_ = false;
  std::vector<std::jthread> threads_;
};

/// What one step of one episode came to.
struct StepResult {
  bool legal, terminated, infeasible;
  Costs costs;  // of what is placed; of the whole placement where the episode is complete
};

/// Many episodes, each of a design of its own, stepped in one call.
class FloorplanBatch {
 public:
  FloorplanBatch(std::vector<std::shared_ptr<const FloorplanTask>> tasks, int num_threads);

  int size() const { return static_cast<int>(episodes_.size()); }
  const FloorplanTask& task(int episode) const { return episodes_[episode].task(); }
  Floorplan& episode(int index) { return episodes_[index]; }

  void reset(int episode);
  /// `partial_costs`: whether `costs` is wanted of steps that do not end an episode.
  void step(std::span<const std::int64_t> cells, bool partial_costs, std::span<StepResult> results);
  /// Arrays of all episodes, one after the other.
  void observe(const FloorplanMaps& maps);

 private:
  std::vector<Floorplan> episodes_;
  std::vector<std::size_t> cell_start_, routing_start_, node_start_;
  ThreadPool pool_;
};

}  // namespace placecore
