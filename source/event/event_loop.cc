#include "source/event/event_loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "source/event/socket_set.h"

namespace narthex {
namespace {

uint64_t MonotonicUs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

class SignalRegistration final : public IoRegistration {
 public:
  SignalRegistration(event_base* base, int signal, std::function<void()> handler)
      : handler_(std::move(handler)) {
    event_assign(
        &event_, base, signal, EV_SIGNAL | EV_PERSIST,
        [](evutil_socket_t, short, void* self) { static_cast<SignalRegistration*>(self)->handler_(); }, this);
    event_add(&event_, nullptr);
  }
  ~SignalRegistration() override { event_del(&event_); }

 private:
  std::function<void()> handler_;
  event event_;
};

struct EventFd {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  ~EventFd() { close(fd); }
};

// Sockets wait in a set of their own, which stands in libevent's as one descriptor: what libevent does for an
// event costs more than to read a small request's head. A loop that finds sockets ready at every turn looks
// at their set alone, and at libevent's (signals, the time to wake up) now and then.
class LibeventLoop final : public EventLoop, private IoHandler {
 public:
  LibeventLoop() : now_us_(MonotonicUs()), wheel_(now_us_ / 1000), wake_(sockets_, wake_fd_.fd, *this) {
    event_config* config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_O1);
    base_ = event_base_new_with_config(config);
    event_config_free(config);
    event_assign(&sockets_event_, base_, sockets_.fd(), EV_READ | EV_PERSIST, &LibeventLoop::OnSockets, this);
    event_add(&sockets_event_, nullptr);
    event_assign(&timer_, base_, -1, 0, &LibeventLoop::OnTimer, this);
    UpdateClock();
  }

  ~LibeventLoop() override {
    RunPosted();
    EndTurn();
    event_del(&sockets_event_);
    event_del(&timer_);
    event_base_free(base_);
  }

  void Run() override {
    while (!stop_.load(std::memory_order_relaxed)) Turn(EVLOOP_ONCE);
    stop_.store(false, std::memory_order_relaxed);
    RunPosted();
    EndTurn();
  }

  void RunOnce() override { Turn(EVLOOP_ONCE | EVLOOP_NONBLOCK); }

  void Stop() override {
    stop_.store(true, std::memory_order_relaxed);
    Wake();
  }

  void Post(std::function<void()> work) override {
    bool first;
    {
      std::lock_guard lock(mutex_);
      first = posted_.empty();
      posted_.push_back(std::move(work));
    }
    if (first) Wake();
  }

  std::unique_ptr<IoRegistration> Register(int fd, IoHandler& handler) override {
    return std::make_unique<SocketSet::Member>(sockets_, fd, handler);
  }

  std::unique_ptr<IoRegistration> OnSignal(int signal, std::function<void()> handler) override {
    return std::make_unique<SignalRegistration>(base_, signal, std::move(handler));
  }

  std::chrono::system_clock::time_point WallNow() const override {
    return wall_base_ + std::chrono::microseconds(now_us_ - wall_taken_us_);
  }
  uint64_t NowUs() const override { return now_us_; }
  TimerWheel& wheel() override { return wheel_; }
  const TimerWheel& wheel() const override { return wheel_; }

  // Reads the clock once a turn, when its first event is handled.
  void Freshen() {
    if (!fresh_) UpdateClock();
  }

 protected:
  void DeleteLaterErased(std::shared_ptr<void> object) override { trash_.push_back(std::move(object)); }

 private:
  void UpdateClock() {
    fresh_ = true;
    now_us_ = MonotonicUs();
    // The wall clock is read once a second; between, it runs with the monotonic one.
    if (wall_taken_us_ == 0 || now_us_ - wall_taken_us_ > 1'000'000) {
      wall_base_ = std::chrono::system_clock::now();
      wall_taken_us_ = now_us_;
    }
    wheel_.Advance(now_us_ / 1000);
  }

  void Turn(int flags) {
    fresh_ = false;
    // No signal waits longer than the events of so many turns.
    constexpr uint32_t kBusyTurns = 8;
    const bool busy = busy_turns_ > 0 && busy_turns_ < kBusyTurns;
    busy_turns_ = busy && DispatchSockets() > 0 ? busy_turns_ + 1 : 0;
    if (busy_turns_ == 0) {
      ArmTimer();
      event_base_loop(base_, heavy_.empty() ? flags : flags | EVLOOP_NONBLOCK);
    }
    Freshen();
    if (has_posted_) RunPosted();
    heavy_.RunOne();
    EndTurn();
  }

  // A destructor may ask for more.
  void EndTurn() {
    while (!turn_end_.empty() || !trash_.empty()) {
      turn_end_.Run();
      DeleteNow();
    }
  }

  // One libevent timer stands for the whole wheel, and is moved only when a deadline comes before it.
  void ArmTimer() {
    const int64_t delay = wheel_.NextDelay();
    if (delay < 0) return;
    const uint64_t due = wheel_.now() + static_cast<uint64_t>(delay);
    if (timer_due_ != 0 && timer_due_ <= due) return;
    timer_due_ = due;
    // One more millisecond, because the wheel's tick may have begun just before.
    const timeval wait = {static_cast<time_t>(delay / 1000), static_cast<suseconds_t>(delay % 1000 * 1000)};
    event_add(&timer_, &wait);
  }

  void Wake() {
    const uint64_t one = 1;
    // A full counter still wakes the loop, so there is nothing to do on failure.
    [[maybe_unused]] const ssize_t written = write(wake_fd_.fd, &one, sizeof one);
  }

  void RunPosted() {
    has_posted_ = false;
    std::vector<std::function<void()>> work;
    {
      std::lock_guard lock(mutex_);
      work.swap(posted_);
    }
    for (std::function<void()>& item : work) item();
  }

  void DeleteNow() {
    while (!trash_.empty()) {
      std::vector<std::shared_ptr<void>> dying;
      dying.swap(trash_);
    }
  }

  size_t DispatchSockets() {
    return sockets_.Dispatch([](void* self) { static_cast<LibeventLoop*>(self)->Freshen(); }, this);
  }

  static void OnSockets(evutil_socket_t, short, void* self) {
    auto* loop = static_cast<LibeventLoop*>(self);
    // Several at a time: more will have come until these are done.
    if (loop->DispatchSockets() > 1) loop->busy_turns_ = 1;
  }

  // Somebody has written to wake_fd_.
  void OnReady(IoReadiness ready) override {
    if (!ready.readable) return;
    uint64_t count;
    [[maybe_unused]] const ssize_t got = read(wake_fd_.fd, &count, sizeof count);
    has_posted_ = true;
  }

  static void OnTimer(evutil_socket_t, short, void* self) {
    auto* loop = static_cast<LibeventLoop*>(self);
    loop->timer_due_ = 0;
    loop->Freshen();
  }

  event_base* base_ = nullptr;
  uint64_t now_us_;
  TimerWheel wheel_;
  bool fresh_ = false;
  bool has_posted_ = false;
  uint64_t timer_due_ = 0;
  uint64_t wall_taken_us_ = 0;
  std::chrono::system_clock::time_point wall_base_;
  SocketSet sockets_;
  uint32_t busy_turns_ = 0;  // in a row that have found sockets ready without asking libevent
  const EventFd wake_fd_;
  SocketSet::Member wake_;
  event sockets_event_;
  event timer_;
  std::atomic<bool> stop_ = false;
  std::vector<std::shared_ptr<void>> trash_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace

std::unique_ptr<EventLoop> EventLoop::Make() {
  return std::make_unique<LibeventLoop>();
}

}  // namespace narthex
