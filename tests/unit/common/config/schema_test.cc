#include "common/config/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/document.h"

namespace wirespan::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

const Key& Keys() {
  static const Key keys =
      Group("", "",
            {Group("export", "Where spans go.",
                   {{.name = "endpoint", .default_text = "localhost:4317", .help = "Address."},
                    {.name = "timeout",
                     .type = Type::kDuration,
                     .default_text = "10s",
                     .help = "Time.",
                     .min = 1,
                     .max = 60},
                    {.name = "protocol",
                     .type = Type::kChoice,
                     .default_text = "grpc",
                     .choices = {"grpc", "http"}},
                    {.name = "queue", .type = Type::kSize, .default_text = "8MiB", .min = 1024},
                    {.name = "token", .type = Type::kSecret}}),
             {.name = "ports", .type = Type::kStrings, .default_text = "[80, 443]"},
             {.name = "ignore", .type = Type::kGlobs, .default_text = "curl/*"},
             {.name = "sample", .type = Type::kNumber, .default_text = "1", .min = 0, .max = 1},
             {.name = "workers", .type = Type::kInt, .default_text = "2", .min = 1, .max = 64},
             {.name = "on", .type = Type::kBool, .default_text = "true"},
             {.name = "routes",
              .type = Type::kList,
              .children = {{.name = "service"}, {.name = "paths", .type = Type::kStrings}}},
             {.name = "services", .type = Type::kMap, .children = {{.name = "name"}}}});
  return keys;
}

TEST(SchemaTest, ReadsDefaultsWhereNothingIsWritten) {
  auto document = Document::Parse({});
  const Section settings(Keys(), document.root());
  settings.Check();
  EXPECT_EQ(settings.String("export.endpoint"), "localhost:4317");
  EXPECT_EQ(settings.Duration("export.timeout"), 10s);
  EXPECT_EQ(settings.String("export.protocol"), "grpc");
  EXPECT_EQ(settings.Size("export.queue"), 8u << 20);
  EXPECT_TRUE(settings.Secret("export.token").empty());
  EXPECT_THAT(settings.Strings("ports"), ElementsAre("80", "443"));
  EXPECT_TRUE(settings.Globs("ignore").Matches("curl/8"));
  EXPECT_EQ(settings.Number("sample"), 1);
  EXPECT_EQ(settings.Int("workers"), 2);
  EXPECT_TRUE(settings.Bool("on"));
  EXPECT_TRUE(settings.Items("routes").empty());
  EXPECT_FALSE(settings.present("export.timeout"));
  EXPECT_TRUE(document.Finish().has_value());
}

TEST(SchemaTest, ReadsWhatIsWritten) {
  auto document = Document::Parse({{.name = "a.yaml",
                                    .text = "export: {timeout: 3s, protocol: http}\n"
                                            "routes:\n- service: shop\n  paths: [/a, /b]\n"
                                            "services:\n  x: {name: X}\n"}});
  const Section settings(Keys(), document.root());
  settings.Check();
  EXPECT_EQ(settings.Child("export").Duration("timeout"), 3s);
  EXPECT_EQ(settings.String("export.protocol"), "http");
  ASSERT_EQ(settings.Items("routes").size(), 1u);
  EXPECT_THAT(settings.Items("routes")[0].Strings("paths"), ElementsAre("/a", "/b"));
  ASSERT_EQ(settings.Entries("services").size(), 1u);
  EXPECT_EQ(settings.Entries("services")[0].second.String("name"), "X");
  EXPECT_TRUE(document.Finish().has_value());
}

TEST(SchemaTest, ChecksEverythingAtOnceAndTellsItOnce) {
  auto document =
      Document::Parse({{.name = "a.yaml",
                        .text = "export:\n  timeout: 2m\n  queue: 1k\n  protocl: x\n"
                                "sample: 1.5\nworkers: 0\nroutes:\n- servce: x\nservices: [1]\n"}});
  const Section settings(Keys(), document.root());
  settings.Check();
  EXPECT_EQ(settings.Duration("export.timeout"), 10s);
  EXPECT_EQ(settings.Int("workers"), 2);
  EXPECT_EQ(document.Finish().error().message,
            "a.yaml:2:12: must be at most 1m\n"
            "a.yaml:3:10: must be at least 1024 bytes\n"
            "a.yaml:4:3: unknown key \"protocl\" (did you mean \"protocol\"?)\n"
            "a.yaml:5:9: must be 0 to 1\n"
            "a.yaml:6:10: must be 1 to 64\n"
            "a.yaml:8:3: unknown key \"servce\" (did you mean \"service\"?)\n"
            "a.yaml:9:11: expected a map, not a list");
}

TEST(SchemaTest, FlattensForTheDocumentation) {
  std::vector<std::string> paths;
  for (const KeyLine& line : Flatten(Keys())) paths.push_back(line.path);
  EXPECT_THAT(paths, ElementsAre("export", "export.endpoint", "export.timeout", "export.protocol",
                                 "export.queue", "export.token", "ports", "ignore", "sample",
                                 "workers", "on", "routes", "routes[].service", "routes[].paths",
                                 "services", "services.*.name"));
}

}  // namespace
}  // namespace wirespan::config
