"""The overload manager: what both take and refuse of it, and what clients see of an overloaded gateway."""
from case import Configuration, filter_yaml, get, post, request

MONITORS = {
    "heap": "fixed_heap.v3.FixedHeapConfig, max_heap_size_bytes: 1",
    "cpu": "cpu_utilization.v3.CpuUtilizationConfig",
    "container": "cpu_utilization.v3.CpuUtilizationConfig, mode: CONTAINER",
    "injected": "injected_resource.v3.InjectedResourceConfig, filename: /no/such/pressure",
}
CONNECTIONS = "{name: envoy.resource_monitors.global_downstream_max_connections, typed_config: {'@type': type.googleapis.com/" \
              "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig, " \
              "max_active_downstream_connections: %d}}"


def monitor(kind, name=None):
    return "{name: %s, typed_config: {'@type': type.googleapis.com/envoy.extensions.resource_monitors.%s}}" % (
        name or "envoy.resource_monitors." + kind, MONITORS[kind])


HEAP = monitor("heap", "heap")
ALWAYS = "{name: heap, threshold: {value: 0}}"


def action(name, triggers=ALWAYS, more=""):
    return f"{{name: envoy.overload_actions.{name}, triggers: [{triggers}]{more}}}"


def manager(actions="", monitors=HEAP, more=""):
    return f"overload_manager: {{refresh_interval: 0.005s, resource_monitors: [{monitors}], actions: [{actions}]{more}}}"


def typed(kind, fields):
    return f", typed_config: {{'@type': type.googleapis.com/envoy.config.overload.v3.{kind}, {fields}}}"


def timers(factors):
    return typed("ScaleTimersOverloadActionConfig", f"timer_scale_factors: [{factors}]")


def scaled(low, high):
    return f"{{name: heap, scaled: {{scaling_threshold: {low}, saturation_threshold: {high}}}}}"


ACCOUNTS = ", buffer_factory_config: {minimum_account_to_track_power_of_two: %d}"

TAKEN = {
    "no action": manager(),
    "a monitor of the processor": manager(monitors=monitor("cpu")),
    "a scaled trigger": manager(action("stop_accepting_requests", scaled(0.8, 0.9))),
    "every action": manager(", ".join([
        action("stop_accepting_connections", scaled(0.98, 1)), action("stop_accepting_requests", scaled(0.98, 1)),
        action("disable_http_keepalive"), action("shrink_heap"), action("reset_high_memory_stream", scaled(0.9, 1)),
        action("reduce_timeouts", more=timers("{timer: HTTP_DOWNSTREAM_CONNECTION_IDLE, min_timeout: 1s}, {timer: "
                                              "HTTP_DOWNSTREAM_STREAM_IDLE, min_scale: {value: 10}}, {timer: "
                                              "TRANSPORT_SOCKET_CONNECT, min_timeout: 1s}"))]), more=ACCOUNTS % 20),
}
REFUSED = {
    "no monitor": "overload_manager: {}",
    "two monitors of one name": manager(monitors=f"{HEAP}, {HEAP}"),
    "an action twice": manager(f"{action('shrink_heap')}, {action('shrink_heap')}"),
    "an unknown action": manager(action("panic")),
    "an action without triggers": manager(action("shrink_heap", "")),
    "a trigger of an unknown monitor": manager(action("shrink_heap", "{name: disk, threshold: {value: 0.9}}")),
    "two triggers of one monitor": manager(action("shrink_heap", f"{ALWAYS}, {ALWAYS}")),
    "a trigger of no kind": manager(action("shrink_heap", "{name: heap}")),
    "a threshold above 1": manager(action("shrink_heap", "{name: heap, threshold: {value: 1.1}}")),
    "a scale that begins where it ends": manager(action("shrink_heap", scaled(0.9, 0.9))),
    "reduce_timeouts of nothing": manager(action("reduce_timeouts")),
    "a timer twice": manager(action("reduce_timeouts", more=timers(", ".join(
        ["{timer: HTTP_DOWNSTREAM_CONNECTION_IDLE, min_timeout: 1s}"] * 2)))),
    "a timer of no kind": manager(action("reduce_timeouts", more=timers("{min_timeout: 1s}"))),
    "accounts that are too small": manager(more=ACCOUNTS % 9),
    "a limit of no connections": manager(monitors=CONNECTIONS % 0),
    "a configuration of an action that has none": manager(action("stop_accepting_requests", more=timers(
        "{timer: HTTP_DOWNSTREAM_CONNECTION_IDLE, min_timeout: 1s}"))),
}

REQUESTS = [get("/"), get("/", "Content-Type: application/grpc"), post("/", b"abc", differs=""), request("HEAD", "/")]

CONFIGURATIONS = [
    *(Configuration(f"taken: {name}", bootstrap=text) for name, text in TAKEN.items()),
    *(Configuration(f"refused: {name}", bootstrap=text, accepted=False) for name, text in REFUSED.items()),
    Configuration("requests are refused", bootstrap=manager(action("stop_accepting_requests")), requests=REQUESTS,
                  filters=filter_yaml("buffer", "max_request_bytes: 1000")),
    Configuration("requests are refused in the form of local replies",
                  bootstrap=manager(action("stop_accepting_requests")), requests=REQUESTS[:2],
                  hcm="local_reply_config: {body_format: {text_format_source: {inline_string: 'sorry, %RESPONSE_CODE%'}}}"),
    Configuration("keep-alive ends", bootstrap=manager(action("disable_http_keepalive")), requests=[get("/"), post("/", b"abc")]),
    Configuration("a pressure that is not reached", bootstrap=manager(
        action("stop_accepting_requests", "{name: many, threshold: {value: 0.9}}"),
        monitor("heap", "many").replace("max_heap_size_bytes: 1", "max_heap_size_bytes: 1000000000000")), requests=[get("/")]),
]
