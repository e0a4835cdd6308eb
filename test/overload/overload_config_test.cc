#include "source/overload/overload_config.h"

#include <string>

#include "envoy/config/overload/v3/overload.pb.h"
#include "gtest/gtest.h"
#include "source/config/document.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;

// A configuration in YAML, compiled, with what was found wrong.
struct Compiled {
  explicit Compiled(const std::string& yaml) {
    envoy::config::overload::v3::OverloadManager message;
    if (!LoadString("o.yaml", yaml, message, document, diagnostics)) return;
    config = CompileOverload(message, document.Root(), diagnostics);
  }
  std::string errors() const { return diagnostics.ToText(); }

  ConfigDocument document;
  Diagnostics diagnostics;
  std::shared_ptr<const OverloadConfig> config;
};

std::string Monitor(const std::string& name, const std::string& type, const std::string& fields) {
  return "- {name: " + name + ", typed_config: {'@type': type.googleapis.com/envoy.extensions." +
         "resource_monitors." + type + ", " + fields + "}}\n";
}
const std::string kHeap = Monitor("heap", "fixed_heap.v3.FixedHeapConfig", "max_heap_size_bytes: 1000");

std::string Action(const std::string& name, const std::string& more = "",
                   const std::string& triggers = "{name: heap, threshold: {value: 0.9}}") {
  return "- {name: envoy.overload_actions." + name + ", triggers: [" + triggers + "]" + more + "}\n";
}
std::string With(const std::string& actions, const std::string& monitors = kHeap) {
  return "resource_monitors:\n" + monitors + "actions:\n" + actions;
}
std::string ScaleTimers(const std::string& factors) {
  return ", typed_config: {'@type': type.googleapis.com/envoy.config.overload.v3."
         "ScaleTimersOverloadActionConfig, timer_scale_factors: [" +
         factors + "]}";
}

void ExpectError(const std::string& yaml, const std::string& error) {
  const Compiled compiled(yaml);
  EXPECT_EQ(compiled.config, nullptr);
  EXPECT_NE(compiled.errors().find(error), std::string::npos) << compiled.errors();
}

TEST(OverloadConfig, HasMonitorsOfFourKinds) {
  const Compiled compiled(
      "refresh_interval: 0.25s\nresource_monitors:\n" + kHeap +
      Monitor("cx", "downstream_connections.v3.DownstreamConnectionsConfig",
              "max_active_downstream_connections: 7") +
      Monitor("cpu", "cpu_utilization.v3.CpuUtilizationConfig", "mode: CONTAINER") +
      Monitor("file", "injected_resource.v3.InjectedResourceConfig", "filename: /tmp/pressure"));
  ASSERT_NE(compiled.config, nullptr) << compiled.errors();
  const OverloadConfig& config = *compiled.config;
  EXPECT_EQ(config.refresh, milliseconds(250));
  ASSERT_EQ(config.monitors.size(), 4u);
  EXPECT_EQ(config.monitors[0].name, "heap");
  EXPECT_EQ(std::get<FixedHeapConfig>(config.monitors[0].kind).most_bytes, 1000u);
  EXPECT_EQ(std::get<DownstreamConnectionsConfig>(config.monitors[1].kind).most, 7u);
  EXPECT_TRUE(std::get<CpuUtilizationConfig>(config.monitors[2].kind).of_container);
  EXPECT_EQ(std::get<InjectedResourceConfig>(config.monitors[3].kind).file, "/tmp/pressure");
  EXPECT_EQ(config.max_connections, 7u);
  EXPECT_EQ(config.max_connections_place, "cx");
}

TEST(OverloadConfig, MeasuresEachSecondUnlessToldOtherwise) {
  const Compiled compiled("resource_monitors:\n" + kHeap);
  ASSERT_NE(compiled.config, nullptr) << compiled.errors();
  EXPECT_EQ(compiled.config->refresh, milliseconds(1000));
  EXPECT_FALSE(compiled.config->max_connections);
}

TEST(OverloadConfig, HasActionsWithTriggersOfBothKinds) {
  const Compiled compiled(
      With(Action("stop_accepting_requests", "",
                  "{name: heap, scaled: {scaling_threshold: 0.8, saturation_threshold: 0.95}}, {name: cpu, "
                  "threshold: {value: 0.7}}") +
               Action("stop_accepting_connections") + Action("disable_http_keepalive"),
           kHeap + Monitor("cpu", "cpu_utilization.v3.CpuUtilizationConfig", "mode: HOST")));
  ASSERT_NE(compiled.config, nullptr) << compiled.errors();
  ASSERT_EQ(compiled.config->actions.size(), 3u);
  const OverloadActionConfig& refuse = compiled.config->actions[0];
  EXPECT_EQ(refuse.action, OverloadAction::kStopAcceptingRequests);
  ASSERT_EQ(refuse.triggers.size(), 2u);
  EXPECT_EQ(refuse.triggers[0].monitor, 0u);
  EXPECT_NEAR(refuse.triggers[0].trigger.ScaleAt(0.83), 0.2, 1e-9);
  EXPECT_EQ(refuse.triggers[1].monitor, 1u);
  EXPECT_EQ(refuse.triggers[1].trigger.ScaleAt(0.7), 1);
  EXPECT_EQ(refuse.triggers[1].trigger.ScaleAt(0.69), 0);
}

TEST(OverloadConfig, ReducesTimeoutsToAnAmountOrAShare) {
  const Compiled compiled(With(Action(
      "reduce_timeouts", ScaleTimers("{timer: HTTP_DOWNSTREAM_CONNECTION_IDLE, min_timeout: 2s}, {timer: "
                                     "HTTP_DOWNSTREAM_STREAM_IDLE, min_scale: {value: 10}}"))));
  ASSERT_NE(compiled.config, nullptr) << compiled.errors();
  const LeastTimeouts& least = compiled.config->least_timeouts;
  EXPECT_EQ(least[0]->Of(milliseconds(10'000)), milliseconds(2000));
  EXPECT_EQ(least[1]->Of(milliseconds(10'000)), milliseconds(1000));
  EXPECT_FALSE(least[2]);
}

TEST(OverloadConfig, ShrinksTheHeapAsConfigured) {
  const Compiled plain(With(Action("shrink_heap")));
  ASSERT_NE(plain.config, nullptr) << plain.errors();
  EXPECT_EQ(plain.config->shrink_interval, milliseconds(10'000));
  EXPECT_EQ(plain.config->max_unfreed, 100u << 20);
  const Compiled set(
      With(Action("shrink_heap",
                  ", typed_config: {'@type': type.googleapis.com/envoy.config.overload.v3.ShrinkHeapConfig, "
                  "timer_interval: 3s, max_unfreed_memory_bytes: 5}")));
  ASSERT_NE(set.config, nullptr) << set.errors();
  EXPECT_EQ(set.config->shrink_interval, milliseconds(3000));
  EXPECT_EQ(set.config->max_unfreed, 5u);
}

TEST(OverloadConfig, ResetsStreamsFromASizeOn) {
  const Compiled compiled(With(Action("reset_high_memory_stream")) +
                          "buffer_factory_config: {minimum_account_to_track_power_of_two: 20}\n");
  ASSERT_NE(compiled.config, nullptr) << compiled.errors();
  EXPECT_EQ(compiled.config->smallest_account, 20u);
}

TEST(OverloadConfig, SaysWhichMonitorsAreWrong) {
  ExpectError("resource_monitors: []\n", "resource_monitors");
  ExpectError("resource_monitors:\n" + kHeap + kHeap,
              "o.yaml:3:4: resource_monitors[1].name: Duplicate resource monitor heap");
  ExpectError("resource_monitors: [{name: x}]\n", "a resource monitor's typed_config is a FixedHeapConfig");
  ExpectError(
      "resource_monitors:\n- {name: x, typed_config: {'@type': "
      "type.googleapis.com/envoy.config.overload.v3.ShrinkHeapConfig}}\n",
      "resource_monitors[0].typed_config: a resource monitor's typed_config is a FixedHeapConfig");
  ExpectError(
      "resource_monitors:\n" + Monitor("heap", "fixed_heap.v3.FixedHeapConfig", "max_heap_size_bytes: 0"),
      "max_heap_size_bytes: must be set");
  ExpectError("resource_monitors:\n" + Monitor("cx", "downstream_connections.v3.DownstreamConnectionsConfig",
                                               "max_active_downstream_connections: 0"),
              "max_active_downstream_connections");
  const std::string limit = "downstream_connections.v3.DownstreamConnectionsConfig";
  ExpectError("resource_monitors:\n" + Monitor("a", limit, "max_active_downstream_connections: 1") +
                  Monitor("b", limit, "max_active_downstream_connections: 2"),
              "resource_monitors[1].typed_config: limits the connections of clients, as \"a\" does");
  ExpectError("refresh_interval: 0s\nresource_monitors:\n" + kHeap,
              "refresh_interval: must be more than nothing");
}

TEST(OverloadConfig, SaysWhichTriggersAreWrong) {
  ExpectError(With(Action("shrink_heap", "", "{name: disk, threshold: {value: 0.9}}")),
              "actions[0].triggers[0].name: Unknown trigger resource disk for overload action "
              "envoy.overload_actions.shrink_heap");
  ExpectError(With(Action("shrink_heap", "",
                          "{name: heap, threshold: {value: 0.9}}, {name: heap, threshold: "
                          "{value: 0.8}}")),
              "triggers[1].name: Duplicate trigger resource for overload action");
  ExpectError(With(Action("shrink_heap", "",
                          "{name: heap, scaled: {scaling_threshold: 0.9, saturation_threshold: 0.9}}")),
              "scaled: scaling_threshold must be less than saturation_threshold");
  ExpectError(With(Action("shrink_heap", "", "{name: heap, threshold: {value: 1.5}}")), "threshold.value");
  ExpectError(With(Action("shrink_heap", "", "{name: heap}")), "triggers[0]");
  ExpectError(With(Action("shrink_heap", "", "")), "triggers");
}

TEST(OverloadConfig, SaysWhichActionsAreWrong) {
  ExpectError(With(Action("panic")),
              "actions[0].name: Unknown Overload Manager Action envoy.overload_actions.panic; there are "
              "envoy.overload_actions.stop_accepting_connections");
  ExpectError(With(Action("shrink_heap") + Action("shrink_heap")),
              "actions[1].name: Duplicate overload action envoy.overload_actions.shrink_heap");
  ExpectError(With(Action("reset_high_memory_stream")), "minimum_account_to_track_power_of_two");
  ExpectError(
      With(Action("stop_accepting_requests", ScaleTimers("{timer: TRANSPORT_SOCKET_CONNECT, min_timeout: "
                                                         "1s}"))),
      "actions[0].typed_config: Overload action envoy.overload_actions.stop_accepting_requests takes no");
  ExpectError(With(Action("reduce_timeouts")), "requires a typed_config of type");
  ExpectError(With(Action("reduce_timeouts", ScaleTimers(""))), "timer_scale_factors");
}

TEST(OverloadConfig, SaysWhichTimersAreWrong) {
  const auto timers = [](const std::string& factors) {
    return With(Action("reduce_timeouts", ScaleTimers(factors)));
  };
  ExpectError(timers("{timer: HTTP_DOWNSTREAM_CONNECTION_MAX, min_timeout: 1s}"),
              "timer_scale_factors[0].timer: only HTTP_DOWNSTREAM_CONNECTION_IDLE");
  ExpectError(timers("{timer: TRANSPORT_SOCKET_CONNECT, min_timeout: 1s}, {timer: TRANSPORT_SOCKET_CONNECT, "
                     "min_scale: {value: 5}}"),
              "Found duplicate entry for timer type TRANSPORT_SOCKET_CONNECT");
  ExpectError(timers("{timer: TRANSPORT_SOCKET_CONNECT}"), "timer_scale_factors[0]");
}

}  // namespace
}  // namespace narthex
