#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "source/event/event_loop.h"

namespace narthex::testing {

// An event loop without descriptors, whose clock stands still until the test moves it.
class FakeLoop : public EventLoop {
 public:
  void Run() override { RunOnce(); }
  void RunOnce() override {
    for (auto& work : std::exchange(posted_, {})) work();
    turn_end_.Run();
    doomed_.clear();
  }
  void Stop() override {}
  void Post(std::function<void()> work) override { posted_.push_back(std::move(work)); }
  std::unique_ptr<IoRegistration> Register(int, IoHandler&) override { return nullptr; }
  std::unique_ptr<IoRegistration> OnSignal(int, std::function<void()>) override { return nullptr; }
  std::chrono::system_clock::time_point WallNow() const override {
    return std::chrono::system_clock::time_point(std::chrono::milliseconds(NowMs()));
  }
  uint64_t NowUs() const override { return NowMs() * 1000; }
  TimerWheel& wheel() override { return wheel_; }
  const TimerWheel& wheel() const override { return wheel_; }

  void Advance(std::chrono::milliseconds time) { wheel_.Advance(NowMs() + time.count()); }

 protected:
  void DeleteLaterErased(std::shared_ptr<void> object) override { doomed_.push_back(std::move(object)); }

 private:
  TimerWheel wheel_{1000};
  std::vector<std::function<void()>> posted_;
  std::vector<std::shared_ptr<void>> doomed_;
};

}  // namespace narthex::testing
