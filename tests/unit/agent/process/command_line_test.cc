#include "agent/process/command_line.h"

#include <gtest/gtest.h>

namespace wirespan::process {
namespace {

struct Row {
  const char* executable;
  std::vector<std::string> arguments;
  const char* name;
  ProgramKind kind;
};

const std::vector<Row>& Rows() {
  using enum ProgramKind;
  static const std::vector<Row> rows = {
      // Programs of their own.
      {"/usr/sbin/nginx", {"nginx: worker process"}, "nginx", kExecutable},
      {"/usr/sbin/nginx (deleted)",
       {"nginx: master process /usr/sbin/nginx -g daemon off;"},
       "nginx",
       kExecutable},
      {"/usr/sbin/apache2", {"/usr/sbin/apache2", "-k", "start"}, "apache2", kExecutable},
      {"/app/shop-linux-amd64",
       {"./shop-linux-amd64", "--port=80"},
       "shop-linux-amd64",
       kExecutable},
      {"/tmp/go-build123/b001/exe/main", {"/tmp/go-build123/b001/exe/main"}, "main", kExecutable},
      {"/nix/store/abc/bin/.hello-wrapped", {"hello"}, "hello", kExecutable},
      {"/bin/busybox", {"httpd", "-f", "-p", "8080"}, "httpd", kExecutable},
      {"/bin/busybox", {"busybox", "httpd", "-f"}, "httpd", kExecutable},
      {"", {"/opt/x/server", "-v"}, "server", kExecutable},
      {"", {}, "", kExecutable},
      {"/usr/bin/postgres", {"postgres: writer process"}, "postgres", kExecutable},
      {"/memfd:runner (deleted)", {"x"}, "runner", kExecutable},
      // Python.
      {"/usr/bin/python3.11", {"python3", "script.py"}, "script", kScript},
      {"/usr/bin/python3.11",
       {"python3", "-u", "/srv/shop/worker.py", "--port", "1"},
       "worker",
       kScript},
      {"/usr/bin/python3.11", {"python3", "-m", "http.server", "8000"}, "http.server", kModule},
      {"/usr/bin/python3.11", {"python3", "-um", "http.server"}, "http.server", kModule},
      {"/usr/bin/python3.11", {"python3", "-mhttp.server"}, "http.server", kModule},
      {"/usr/bin/python3.11", {"python", "-W", "ignore", "-X", "dev", "app.py"}, "app", kScript},
      {"/usr/bin/python3.11", {"python", "-Wignore", "-OO", "-B", "app.py"}, "app", kScript},
      {"/usr/bin/python3.11", {"python3", "-c", "import x; x.run()"}, "python3.11", kExecutable},
      {"/usr/bin/python3.11", {"python3", "-"}, "python3.11", kExecutable},
      {"/usr/bin/python3.11", {"python3"}, "python3.11", kExecutable},
      {"/usr/bin/python3.11", {"python3", "-m"}, "python3.11", kExecutable},
      {"/usr/bin/python3.11", {"python", "manage.py", "runserver"}, "manage", kScript},
      {"/usr/bin/python3.11",
       {"/usr/bin/python3", "/usr/bin/gunicorn", "-w", "4", "-b", "0.0.0.0:8000", "shop.wsgi"},
       "shop",
       kModule},
      {"/usr/bin/python3.11",
       {"/usr/bin/python3", "/usr/bin/gunicorn", "shop.web:app"},
       "shop.web",
       kModule},
      {"/usr/bin/python3.11",
       {"/venv/bin/python", "/venv/bin/gunicorn", "-k", "uvicorn.workers.UvicornWorker",
        "orders.main:app"},
       "orders.main",
       kModule},
      {"/usr/bin/python3.11",
       {"/venv/bin/python", "/venv/bin/gunicorn", "--bind", "localhost:80", "orders:create_app()"},
       "orders",
       kModule},
      {"/usr/bin/python3.11",
       {"/venv/bin/python", "/venv/bin/gunicorn", "-n", "billing", "main:app"},
       "billing",
       kStated},
      {"/usr/bin/python3.11", {"gunicorn: master [shop]"}, "shop", kTitle},
      {"/usr/bin/python3.11",
       {"python3", "-m", "gunicorn", "shop.wsgi:application"},
       "shop",
       kModule},
      {"/usr/bin/python3.11",
       {"/usr/bin/python3", "/usr/local/bin/uvicorn", "app.main:app", "--host", "0.0.0.0", "--port",
        "80"},
       "app.main",
       kModule},
      {"/usr/bin/python3.11",
       {"/usr/bin/python3", "/usr/local/bin/uvicorn", "--reload", "main:app"},
       "main",
       kModule},
      {"/usr/bin/python3.11",
       {"python3", "-m", "uvicorn", "--port", "8000", "shop:app"},
       "shop",
       kModule},
      {"/usr/bin/python3.11",
       {"/usr/bin/python3", "/usr/bin/hypercorn", "shop.asgi:app"},
       "shop",
       kModule},
      {"/usr/bin/python3.11",
       {"/usr/bin/python3", "/usr/bin/celery", "-A", "proj", "worker", "-l", "info"},
       "proj",
       kModule},
      {"/usr/bin/python3.11",
       {"/usr/bin/python3", "/usr/bin/celery", "--app=proj.tasks", "worker"},
       "proj.tasks",
       kModule},
      {"/usr/bin/python3.11",
       {"/usr/bin/python3", "/usr/bin/flask", "--app", "hello", "run"},
       "hello",
       kModule},
      {"/usr/bin/python3.11", {"/usr/bin/python3", "/usr/bin/flask", "run"}, "flask", kScript},
      {"/usr/bin/python3.11",
       {"/usr/bin/python3", "/usr/bin/streamlit", "run", "dash.py"},
       "dash",
       kScript},
      {"/usr/bin/python3.11",
       {"/usr/bin/python3", "/usr/bin/fastapi", "run", "api/main.py"},
       "main",
       kScript},
      {"/usr/bin/pypy3", {"pypy3", "x.py"}, "x", kScript},
      {"/usr/bin/uwsgi-core",
       {"uwsgi", "--http", ":80", "--module", "shop.wsgi:app"},
       "shop",
       kModule},
      {"/usr/bin/uwsgi", {"uwsgi", "--ini", "/etc/x.ini"}, "uwsgi", kExecutable},
      // Node and its like.
      {"/usr/bin/node", {"node", "app.js"}, "app", kScript},
      {"/usr/bin/node",
       {"node", "--max-old-space-size=512", "-r", "./tracing.js", "/srv/orders.mjs"},
       "orders",
       kScript},
      {"/usr/bin/node",
       {"node", "--import", "./x.mjs", "--inspect", "dist/main.cjs"},
       "main",
       kScript},
      {"/usr/bin/node", {"node", "-e", "require('http')"}, "node", kExecutable},
      {"/usr/bin/node", {"node", "/app/node_modules/.bin/next", "start"}, "next", kScript},
      {"/usr/bin/node", {"node", "/app/node_modules/next/dist/bin/next", "start"}, "next", kScript},
      {"/usr/bin/node",
       {"node", "/app/node_modules/@nestjs/cli/bin/nest.js", "start"},
       "cli",
       kScript},
      {"/usr/bin/node", {"node", "/app/node_modules/.bin/ts-node", "src/shop.ts"}, "shop", kScript},
      {"/usr/bin/node", {"next-server (v14.1.0)"}, "next-server", kTitle},
      {"/usr/bin/node", {"PM2 v5.3.0: God Daemon (/root/.pm2)"}, "PM2", kTitle},
      {"/usr/bin/deno", {"deno", "run", "--allow-net", "server.ts"}, "server", kScript},
      {"/usr/bin/deno", {"deno", "serve", "--port", "80", "main.ts"}, "main", kScript},
      {"/usr/bin/bun", {"bun", "run", "index.ts"}, "index", kScript},
      {"/usr/bin/bun", {"bun", "api.ts"}, "api", kScript},
      // Java.
      {"/usr/lib/jvm/java-17-openjdk-amd64/bin/java",
       {"java", "-jar", "/app/shop.jar"},
       "shop",
       kJar},
      {"/usr/bin/java",
       {"java", "-Xmx1g", "-javaagent:/x.jar", "-jar", "shop-1.4.2-SNAPSHOT.jar",
        "--server.port=80"},
       "shop",
       kJar},
      {"/usr/bin/java", {"java", "-jar", "log4j-2-test-10.jar"}, "log4j", kJar},
      {"/usr/bin/java", {"java", "-jar", "app.war"}, "app", kJar},
      {"/usr/bin/java",
       {"java", "-cp", "a.jar:b.jar", "com.example.shop.ShopApplication"},
       "ShopApplication",
       kClass},
      {"/usr/bin/java",
       {"java", "--module-path", "mods", "-m", "shop/com.example.Main"},
       "Main",
       kClass},
      {"/usr/bin/java",
       {"java", "-Dspring.application.name=billing", "-jar", "x.jar"},
       "billing",
       kStated},
      {"/usr/bin/java",
       {"java", "-classpath", "x", "-Dcatalina.base=/x", "org.apache.catalina.startup.Bootstrap",
        "start"},
       "tomcat",
       kClass},
      {"/usr/bin/java",
       {"java", "-Xms1G", "-cp", "/opt/kafka/libs/*", "kafka.Kafka", "server.properties"},
       "kafka",
       kClass},
      {"/usr/bin/java", {"java", "Server.java"}, "Server", kScript},
      {"/usr/bin/java", {"java", "-version"}, "java", kExecutable},
      // Ruby, Perl, PHP.
      {"/usr/bin/ruby3.1", {"ruby", "-I", "lib", "shop.rb"}, "shop", kScript},
      {"/usr/bin/ruby3.1",
       {"ruby", "/usr/bin/bundle", "exec", "puma", "-C", "config/puma.rb"},
       "puma",
       kScript},
      {"/usr/bin/ruby3.1", {"puma 6.4.0 (tcp://0.0.0.0:3000) [shop]"}, "shop", kTitle},
      {"/usr/bin/ruby3.1", {"puma: cluster worker 0: 77 [shop]"}, "shop", kTitle},
      {"/usr/bin/ruby3.1", {"sidekiq 7.2.0 shop [0 of 5 busy]"}, "shop", kTitle},
      {"/usr/bin/ruby3.1", {"Passenger RubyApp: /var/www/shop (production)"}, "shop", kTitle},
      {"/usr/bin/ruby3.1", {"ruby", "bin/rails", "server"}, "rails", kScript},
      {"/usr/bin/ruby3.1", {"ruby", "/usr/bin/rackup", "-p", "80", "config.ru"}, "rackup", kScript},
      {"/usr/bin/perl", {"perl", "-w", "-I", "lib", "mail.pl"}, "mail", kScript},
      {"/usr/bin/perl",
       {"/usr/bin/perl", "/usr/bin/plackup", "-p", "80", "shop.psgi"},
       "shop",
       kScript},
      {"/usr/bin/perl", {"perl", "-e", "print 1"}, "perl", kExecutable},
      {"/usr/bin/php8.2",
       {"php", "-S", "0.0.0.0:80", "-t", "public", "router.php"},
       "router",
       kScript},
      {"/usr/bin/php8.2", {"php", "artisan", "serve"}, "artisan", kScript},
      {"/usr/bin/php8.2", {"php", "-d", "x=1", "-f", "job.php"}, "job", kScript},
      {"/usr/bin/php8.2", {"php", "-S", "127.0.0.1:80"}, "php8.2", kExecutable},
      {"/usr/sbin/php-fpm8.2", {"php-fpm: pool www"}, "php-fpm", kExecutable},
      // .NET, Erlang, shells.
      {"/usr/share/dotnet/dotnet", {"dotnet", "/app/Shop.Api.dll"}, "Shop.Api", kScript},
      {"/usr/share/dotnet/dotnet",
       {"dotnet", "exec", "--depsfile", "x.json", "Shop.dll"},
       "Shop",
       kScript},
      {"/usr/share/dotnet/dotnet", {"dotnet", "build"}, "dotnet", kExecutable},
      {"/usr/lib/erlang/erts-13/bin/beam.smp",
       {"beam.smp", "-K", "true", "--", "-sname", "shop@host"},
       "shop",
       kStated},
      {"/usr/lib/erlang/erts-13/bin/beam.smp", {"beam.smp", "-K", "true"}, "beam.smp", kExecutable},
      {"/bin/bash", {"bash", "/srv/serve.sh", "x"}, "serve", kScript},
      {"/bin/bash", {"bash", "-c", "nc -l 80"}, "bash", kExecutable},
      {"/bin/dash", {"/bin/sh", "-e", "run"}, "run", kScript},
      {"/bin/bash", {"bash", "/dev/fd/3"}, "bash", kExecutable},
      {"/usr/bin/python3.11", {"python3", "/dev/stdin"}, "python3.11", kExecutable},
      {"/bin/bash", {"-bash"}, "bash", kExecutable},
  };
  return rows;
}

TEST(CommandLineTest, NamesWhatAProcessRuns) {
  for (const Row& row : Rows()) {
    std::string line;
    for (const std::string& argument : row.arguments) line += argument + " ";
    SCOPED_TRACE(std::string(row.executable) + " | " + line);
    const Program program = DescribeProgram(row.executable, row.arguments);
    EXPECT_EQ(program.name, row.name);
    EXPECT_EQ(program.kind, row.kind);
  }
}

TEST(CommandLineTest, SurvivesEveryCutOfEveryCommandLine) {
  for (const Row& row : Rows()) {
    for (std::size_t count = 0; count <= row.arguments.size(); ++count) {
      std::vector<std::string> cut(row.arguments.begin(),
                                   row.arguments.begin() + static_cast<std::ptrdiff_t>(count));
      const Program program = DescribeProgram(row.executable, cut);
      EXPECT_EQ(program.name, SaneName(program.name));
      if (!cut.empty()) cut.back().resize(cut.back().size() / 2);
      (void)DescribeProgram(row.executable, cut);
    }
  }
}

TEST(CommandLineTest, NamesHoldNoPathsNoControlCharactersAndAreBounded) {
  EXPECT_EQ(SaneName("a\nb\x7f"
                     "c/d e\\f"),
            "a-b-c-d-e-f");
  EXPECT_EQ(SaneName("\x1b[31mred"), "[31mred");
  EXPECT_EQ(SaneName("///"), "");
  EXPECT_EQ(SaneName("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(SaneName("bad\xff\xfe"), "bad");
  EXPECT_EQ(SaneName("cut\xc3"), "cut");
  EXPECT_EQ(SaneName("\xed\xa0\x80x"), "x");
  EXPECT_EQ(SaneName(std::string(500, 'a')).size(), 128u);
  // Never half a character at the bound.
  std::string long_name(127, 'a');
  EXPECT_EQ(SaneName(long_name + "\xc3\xa9"), long_name);
  EXPECT_EQ(SaneText("my shop/api"), "my shop/api");
  EXPECT_EQ(SaneText("  a\tb  "), "a-b");
}

}  // namespace
}  // namespace wirespan::process
