#include "source/upstream/health/health_events.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "source/base/escape.h"
#include "source/base/log.h"
#include "source/net/owned_fd.h"

namespace narthex {

namespace {

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  AppendJsonEscaped(quoted, text);
  return quoted + "\"";
}

const char* FailureType(const ProbeResult& result) {
  if (result.timeout) return "NETWORK_TIMEOUT";
  return result.network ? "NETWORK" : "ACTIVE";
}

// By the order of HealthCheckSettings::check.
const char* CheckerType(const HealthCheckSettings& settings) {
  constexpr const char* kTypes[] = {"HTTP", "TCP", "GRPC"};
  return kTypes[settings.check.index()];
}

std::string HostJson(const Host& host) {
  const Address& address = host.address();
  if (!address.is_ip()) return "{\"pipe\":{\"path\":" + Quoted(host.address_text()) + "}}";
  return "{\"socket_address\":{\"protocol\":\"TCP\",\"address\":" + Quoted(address.IpString()) +
         ",\"port_value\":" + std::to_string(address.port()) + "}}";
}

// RFC 3339, in UTC.
std::string Timestamp(std::chrono::system_clock::time_point now) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const time_t seconds = static_cast<time_t>(ms / 1000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
  return std::string(text, size) + "." + fraction + "Z";
}

// The errno, or 0. Events are rare: opening the file each time lets it be moved away.
int AppendLine(const std::string& path, const std::string& line) {
  const OwnedFd file(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (file.get() < 0) return errno;
  const ssize_t written = write(file.get(), line.data(), line.size());
  if (written < 0) return errno;
  return static_cast<size_t>(written) == line.size() ? 0 : ENOSPC;
}

}  // namespace

void HealthEvents::Note(const Host& host, const ProbeResult& result, const HealthVerdict::Change& change,
                        std::chrono::system_clock::time_point now) {
  const std::string who = "cluster " + config_.name + ": host " + host.address_text();
  const std::string first = change.first ? "true" : "false";
  if (change.unhealthy || (change.first && !result.ok())) {
    NARTHEX_LOG(kWarning, "health") << who << " is unhealthy: " << result.cause;
  }
  if (change.healthy) {
    NARTHEX_LOG(kInfo, "health") << who << " is healthy";
  }
  if (settings_.event_log_path.empty()) return;
  const std::string failure = std::string("\"failure_type\":\"") + FailureType(result) + "\"";
  if (change.unhealthy) Write(host, "\"eject_unhealthy_event\":{" + failure + "}", now);
  if (change.healthy) Write(host, "\"add_healthy_event\":{\"first_check\":" + first + "}", now);
  if (change.degraded) Write(host, "\"degraded_healthy_host\":{}", now);
  if (change.no_longer_degraded) Write(host, "\"no_longer_degraded_host\":{}", now);
  if (!result.ok() && (settings_.log_every_failure || change.first)) {
    Write(host, "\"health_check_failure_event\":{" + failure + ",\"first_check\":" + first + "}", now);
  }
  if (result.ok() && settings_.log_every_success) Write(host, "\"successful_health_check_event\":{}", now);
}

void HealthEvents::Write(const Host& host, const std::string& event,
                         std::chrono::system_clock::time_point now) {
  const std::string line = std::string("{\"health_checker_type\":\"") + CheckerType(settings_) +
                           "\",\"host\":" + HostJson(host) + ",\"cluster_name\":" + Quoted(config_.name) +
                           "," + event + ",\"timestamp\":\"" + Timestamp(now) + "\"}\n";
  const int error = AppendLine(settings_.event_log_path, line);
  // Told once, until it works again.
  if (error != 0 && !std::exchange(write_failed_, true)) {
    NARTHEX_LOG(kError, "health") << "cannot write events to " << settings_.event_log_path << ": "
                                  << strerror(error);
  }
  if (error == 0) write_failed_ = false;
}

}  // namespace narthex
