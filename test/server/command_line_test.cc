#include "source/server/command_line.h"

#include "gtest/gtest.h"

namespace narthex {
namespace {

CommandLine Parse(const std::vector<std::string>& arguments) {
  absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  EXPECT_TRUE(line.ok()) << line.status();
  return line.ok() ? *line : CommandLine();
}

std::string ErrorOf(const std::vector<std::string>& arguments) {
  absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  EXPECT_FALSE(line.ok());
  return line.ok() ? "" : std::string(line.status().message().data(), line.status().message().size());
}

TEST(CommandLine, RunIsTheVerbWhenNoneIsWritten) {
  EXPECT_EQ(Parse({"-c", "a.yaml"}).verb, Verb::kRun);
  EXPECT_EQ(Parse({"run", "-c", "a.yaml"}).verb, Verb::kRun);
  EXPECT_EQ(Parse({"-c", "a.yaml"}).config_path, "a.yaml");
}

TEST(CommandLine, FlagsTakeTheirValueAsAWordOrBehindEquals) {
  const CommandLine line =
      Parse({"--config-path=a.yaml", "--concurrency", "3", "-l", "debug", "--log-path=/tmp/log",
             "--drain-time-s", "7", "--parent-shutdown-time-s=9", "--base-id", "4", "--disable-hot-restart",
             "--profile", "envoy", "--format=json"});
  EXPECT_EQ(line.config_path, "a.yaml");
  EXPECT_EQ(line.concurrency, 3u);
  EXPECT_EQ(line.log_level, "debug");
  EXPECT_EQ(line.log_path, "/tmp/log");
  EXPECT_EQ(line.drain_time.count(), 7);
  EXPECT_EQ(line.parent_shutdown_time.count(), 9);
  EXPECT_EQ(line.base_id, 4u);
  EXPECT_TRUE(line.disable_hot_restart);
  EXPECT_EQ(line.edge_profile, false);
  EXPECT_EQ(line.format, ReportFormat::kJson);
}

TEST(CommandLine, DefaultsAreEnvoys) {
  const CommandLine line = Parse({"-c", "a.yaml"});
  EXPECT_EQ(line.drain_time.count(), 600);
  EXPECT_EQ(line.concurrency, 0u);
  EXPECT_FALSE(line.edge_profile.has_value());
}

TEST(CommandLine, ModeValidateChecks) {
  EXPECT_EQ(Parse({"--mode", "validate", "-c", "a.yaml"}).verb, Verb::kCheck);
  EXPECT_EQ(Parse({"--mode", "serve", "-c", "a.yaml"}).verb, Verb::kRun);
}

TEST(CommandLine, ExplainTakesAMethodAUrlAndHeaders) {
  const CommandLine line = Parse({"explain", "-c", "a.yaml", "GET", "http://h/p", "-H", "x-a: b c", "-H",
                                  "x-b:", "--client", "10.0.0.1"});
  EXPECT_EQ(line.explain.method, "GET");
  EXPECT_EQ(line.explain.url, "http://h/p");
  ASSERT_EQ(line.explain.headers.size(), 2u);
  EXPECT_EQ(line.explain.headers[0].second, "b c");
  EXPECT_EQ(line.explain.headers[1].second, "");
  EXPECT_EQ(line.explain.client, "10.0.0.1");
}

TEST(CommandLine, WrongUsageSaysWhatWasMeant) {
  EXPECT_EQ(ErrorOf({"--config-pth", "x"}), "unknown flag --config-pth; did you mean --config-path?");
  EXPECT_EQ(ErrorOf({"chekc", "-c", "x"}), "unknown command \"chekc\"; did you mean check?");
  EXPECT_EQ(ErrorOf({"-c", "x", "--profile", "edgy"}),
            "--profile \"edgy\" is none of edge, envoy; did you mean edge?");
  EXPECT_EQ(ErrorOf({"-c", "x", "--concurrency", "many"}),
            "--concurrency \"many\": expected a number from 0 to 1024");
  EXPECT_EQ(ErrorOf({"-c"}), "-c needs a value: -c FILE");
  EXPECT_EQ(ErrorOf({"--disable-hot-restart=1"}), "--disable-hot-restart takes no value");
}

TEST(CommandLine, WhatIsMissingIsNamed) {
  EXPECT_EQ(ErrorOf({}), "no configuration: name a file with -c FILE, or give text with --config-yaml");
  EXPECT_EQ(ErrorOf({"run", "a.yaml"}), "unexpected \"a.yaml\"; a configuration is named with -c a.yaml");
  EXPECT_NE(ErrorOf({"explain", "-c", "x", "GET"}).find("needs a method and a URL"), std::string::npos);
}

TEST(CommandLine, HelpKnowsItsVerb) {
  EXPECT_EQ(Parse({"--help"}).verb, Verb::kHelp);
  EXPECT_EQ(Parse({"check", "--help"}).help_about, Verb::kCheck);
  EXPECT_NE(HelpText(Verb::kExplain).find("METHOD URL"), std::string_view::npos);
  EXPECT_EQ(Parse({"--version"}).verb, Verb::kVersion);
}

}  // namespace
}  // namespace narthex
