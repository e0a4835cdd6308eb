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

namespace narthex {
namespace {

uint64_t MonotonicUs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

class LibeventLoop;

class SocketRegistration final : public IoRegistration {
 public:
  SocketRegistration(LibeventLoop& loop, event_base* base, int fd, IoHandler& handler);
  ~SocketRegistration() override { event_del(&event_); }

 private:
  static void OnEvent(evutil_socket_t, short what, void* self);

  LibeventLoop& loop_;
  IoHandler& handler_;
  event event_;
};

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

class LibeventLoop final : public EventLoop {
 public:
  LibeventLoop() : now_us_(MonotonicUs()), wheel_(now_us_ / 1000) {
    event_config* config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_O1);
    base_ = event_base_new_with_config(config);
    event_config_free(config);
    wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    event_assign(&wake_, base_, wake_fd_, EV_READ | EV_PERSIST | EV_ET, &LibeventLoop::OnWake, this);
    event_add(&wake_, nullptr);
    event_assign(&timer_, base_, -1, 0, &LibeventLoop::OnTimer, this);
    UpdateClock();
  }

  ~LibeventLoop() override {
    RunPosted();
    DeleteNow();
    event_del(&wake_);
    event_del(&timer_);
    close(wake_fd_);
    event_base_free(base_);
  }

  void Run() override {
    while (!stop_.load(std::memory_order_relaxed)) Turn(EVLOOP_ONCE);
    stop_.store(false, std::memory_order_relaxed);
    RunPosted();
    DeleteNow();
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
    return std::make_unique<SocketRegistration>(*this, base_, fd, handler);
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
    ArmTimer();
    fresh_ = false;
    event_base_loop(base_, flags);
    Freshen();
    if (has_posted_) RunPosted();
    if (!trash_.empty()) DeleteNow();
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
    [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
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

  static void OnWake(evutil_socket_t fd, short, void* self) {
    auto* loop = static_cast<LibeventLoop*>(self);
    uint64_t count;
    [[maybe_unused]] const ssize_t got = read(fd, &count, sizeof count);
    loop->has_posted_ = true;
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
  int wake_fd_ = -1;
  event wake_;
  event timer_;
  std::atomic<bool> stop_ = false;
  std::vector<std::shared_ptr<void>> trash_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
};

SocketRegistration::SocketRegistration(LibeventLoop& loop, event_base* base, int fd, IoHandler& handler)
    : loop_(loop), handler_(handler) {
  event_assign(&event_, base, fd, EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST,
               &SocketRegistration::OnEvent, this);
  event_add(&event_, nullptr);
}

void SocketRegistration::OnEvent(evutil_socket_t, short what, void* self) {
  auto* that = static_cast<SocketRegistration*>(self);
  that->loop_.Freshen();
  that->handler_.OnReady({(what & EV_READ) != 0, (what & EV_WRITE) != 0, (what & EV_CLOSED) != 0});
}

}  // namespace

std::unique_ptr<EventLoop> EventLoop::Make() {
  return std::make_unique<LibeventLoop>();
}

}  // namespace narthex
