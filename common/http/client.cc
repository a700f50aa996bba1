#include "common/http/client.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "common/base/strings.h"
#include "common/http/client_connection.h"
#include "common/http/client_transport.h"
#include "common/http/proxy.h"
#include "common/http/tls_files.h"
#include "common/telemetry/log.h"

namespace wirespan::http {
namespace internal {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// One request from Send() to its callback.
struct Job {
  Job(asio::io_context& context, ClientRequest given,
      std::function<void(Result<Response>)> callback)
      : request(std::move(given)), done(std::move(callback)), timer(context) {}
  ClientRequest request;
  std::function<void(Result<Response>)> done;
  asio::steady_timer timer;
  Url url{};
  Route route{};
  std::string target{};
  std::string proxy_authorization{};  // of a plain request through a proxy
  std::shared_ptr<Connection> connection{};
  bool fresh_only = false;
};

struct Idle {
  std::shared_ptr<Connection> connection{};
  SteadyTime since{};
};

std::string BasicAuthorization(const Url& proxy) {
  if (proxy.user.empty() && proxy.password.empty()) return "";
  return "Basic " + Base64(proxy.user + ":" + proxy.password);
}

bool IsToken(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f ||
        std::string_view("()<>@,;:\\\"/[]?={}").find(c) != std::string_view::npos) {
      return false;
    }
  }
  return true;
}

Result<> CheckHead(const ClientRequest& request) {
  if (!IsToken(request.method))
    return Fail(ErrorCode::kInvalidArgument, "method is not an HTTP token");
  for (const auto& [name, value] : request.headers) {
    if (!IsToken(name) || name.size() > 256) {
      return Fail(ErrorCode::kInvalidArgument, "a header's name is not an HTTP token");
    }
    if (value.size() > 32768 ||
        value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return Fail(ErrorCode::kInvalidArgument,
                  "header " + name + " has a line break or is too long");
    }
  }
  return {};
}

std::string FilesOf(const TlsClientOptions& tls) {
  return StampOf(
      {.certificate_file = tls.certificate_file, .key_file = tls.key_file, .ca_file = tls.ca_file});
}

// Everything but Send() and the destructor runs on the client's thread.
class PooledClient final : public Client {
 public:
  explicit PooledClient(ClientOptions options)
      : options_(std::move(options)), work_(asio::make_work_guard(context_)), sweep_(context_) {
    if (options_.max_connections == 0) options_.max_connections = 1;
    tls_files_ = FilesOf(options_.tls);
    auto tls = MakeClientTls(options_.tls);
    if (tls) {
      tls_ = std::move(*tls);
    } else {
      tls_error_ = std::move(tls.error());
    }
    tls_read_ = std::chrono::steady_clock::now();
    if (!options_.proxy.empty()) {
      auto proxy = ParseUrl(options_.proxy);
      if (!proxy) {
        proxy_error_ = Error{ErrorCode::kInvalidArgument, "proxy: " + proxy.error().message};
      } else if (proxy->tls()) {
        proxy_error_ = Error{ErrorCode::kUnsupported, "proxy: only http:// proxies are supported"};
      } else {
        proxy_ = std::move(*proxy);
      }
    }
    thread_ = std::jthread([this] { context_.run(); });
  }

  ~PooledClient() override {
    asio::post(context_, [this] {
      stopping_ = true;
      CancelAll();
      work_.reset();
      context_.stop();
    });
    thread_.join();
    CancelAll();  // what was sent from another callback in between
  }

  std::optional<Error> problem() const { return tls_error_ ? tls_error_ : proxy_error_; }

  void Send(ClientRequest request, std::function<void(Result<Response>)> done) override {
    auto job = std::make_shared<Job>(context_, std::move(request), std::move(done));
    {
      const std::lock_guard lock(inbox_mutex_);
      inbox_.push_back(std::move(job));
    }
    asio::post(context_, [this] { TakeInbox(); });
  }

 private:
  using JobPtr = std::shared_ptr<Job>;

  void TakeInbox() {
    std::deque<JobPtr> jobs;
    {
      const std::lock_guard lock(inbox_mutex_);
      jobs.swap(inbox_);
    }
    for (const JobPtr& job : jobs) Begin(job);
  }

  void Begin(const JobPtr& job) {
    if (stopping_) return End(job, Fail(ErrorCode::kCancelled, "client is closed"));
    if (auto prepared = Prepare(*job); !prepared) {
      return End(job, tl::unexpected<Error>(std::move(prepared.error())));
    }
    if (active_.size() >= options_.max_connections && waiting_.size() >= options_.max_waiting) {
      return End(job,
                 Fail(ErrorCode::kResourceExhausted, "too many requests wait for a connection"));
    }
    job->timer.expires_after(job->request.timeout);
    job->timer.async_wait([this, job](boost::system::error_code error) {
      if (!error && job->done)
        End(job, Fail(ErrorCode::kDeadlineExceeded, Where(*job) + ": no response in time"));
    });
    waiting_.push_back(job);
    Pump();
  }

  Result<> Prepare(Job& job) {
    if (auto ok = CheckHead(job.request); !ok) return ok;
    auto url = ParseUrl(job.request.url);
    if (!url) return tl::unexpected<Error>(std::move(url.error()));
    job.url = std::move(*url);
    if (job.url.tls()) ReloadTls();
    if (job.url.tls() && tls_error_) return tl::unexpected<Error>(*tls_error_);
    job.route = {.host = job.url.host, .port = job.url.port, .tls = job.url.tls()};
    job.route.server_name =
        options_.tls.server_name.empty() ? job.url.host : options_.tls.server_name;
    job.target = job.url.target();
    if (!job.url.user.empty() && !FindHeader(job.request.headers, "Authorization")) {
      job.request.headers.emplace_back("Authorization", BasicAuthorization(job.url));
    }
    if (options_.proxy.empty()) return {};
    if (!options_.proxy_always && BypassesProxy(job.url, options_.no_proxy)) return {};
    if (proxy_error_) return tl::unexpected<Error>(*proxy_error_);
    job.route.host = proxy_->host;
    job.route.port = proxy_->port;
    if (job.url.tls()) {
      job.route.tunnel = job.url.authority();
      job.route.authorization = BasicAuthorization(*proxy_);
    } else {
      job.target = job.url.scheme + "://" + job.url.host_header() + job.target;
      job.proxy_authorization = BasicAuthorization(*proxy_);
    }
    return {};
  }

  // Connections that are there keep what they began with; idle ones are not used again.
  void ReloadTls() {
    if (options_.tls.reload_interval.count() <= 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - tls_read_ < options_.tls.reload_interval) return;
    tls_read_ = now;
    const std::string seen = FilesOf(options_.tls);
    if (seen == tls_files_) return;
    auto made = MakeClientTls(options_.tls);
    if (!made) {
      log::WriteLimited(log::Level::kWarn, "http-client-tls" + options_.tls.certificate_file,
                        "http client: " + made.error().message + "; going on with what was there");
      return;
    }
    tls_ = std::move(*made);
    tls_error_.reset();
    tls_files_ = seen;
    for (auto& [key, kept] : idle_) {
      for (Idle& idle : kept) idle.connection->Close();
    }
    idle_.clear();
  }

  void Pump() {
    while (!waiting_.empty() && active_.size() < options_.max_connections) {
      JobPtr job = std::move(waiting_.front());
      waiting_.pop_front();
      active_.insert(job);
      Dispatch(job);
    }
  }

  void Dispatch(const JobPtr& job) {
    if (!job->fresh_only) {
      if (auto kept = TakeIdle(job->route.key())) {
        job->connection = std::move(kept);
        return Exchange(job, true);
      }
    }
    job->connection = MakeConnection(
        context_, job->route.tls
                      ? MakeTlsTransport(context_, tls_, !options_.tls.insecure_skip_verify)
                      : MakePlainTransport(context_));
    job->connection->Open(job->route, options_.connect_timeout, [this, job](Result<> opened) {
      if (!job->done) return;
      if (opened) return Exchange(job, false);
      End(job, tl::unexpected<Error>(std::move(opened.error())));
    });
  }

  void Exchange(const JobPtr& job, bool kept) {
    job->connection->Exchange(
        job->request, job->target, job->url.host_header(), job->proxy_authorization,
        options_.max_response_bytes, [this, job, kept](Outcome outcome) {
          if (!job->done) return;
          if (!outcome.response && kept && outcome.untouched) {
            job->fresh_only = true;
            return Dispatch(job);
          }
          if (outcome.reusable) KeepIdle(job->route.key(), std::move(job->connection));
          if (!outcome.response) {
            return End(job, Wrap(Where(*job), std::move(outcome.response.error())));
          }
          End(job, std::move(outcome.response));
        });
  }

  static std::string Where(const Job& job) { return job.url.authority(); }

  void End(const JobPtr& job, Result<Response> result) {
    auto done = std::exchange(job->done, nullptr);
    job->timer.cancel();
    if (job->connection != nullptr) job->connection->Close();
    job->connection = nullptr;
    active_.erase(job);
    std::erase(waiting_, job);
    if (done) done(std::move(result));
    if (!stopping_) Pump();
  }

  std::shared_ptr<Connection> TakeIdle(const std::string& key) {
    auto& kept = idle_[key];
    std::shared_ptr<Connection> connection;
    if (!kept.empty()) {
      connection =
          std::move(kept.back().connection);  // the one used last is the likeliest to be alive
      kept.pop_back();
      connection->StopWatching();
    }
    if (kept.empty()) idle_.erase(key);
    return connection;
  }

  void KeepIdle(const std::string& key, std::shared_ptr<Connection> connection) {
    std::size_t count = 0;
    for (const auto& [route, kept] : idle_) count += kept.size();
    if (stopping_ || count >= options_.max_connections) return connection->Close();
    const std::weak_ptr<Connection> weak = connection;
    connection->WatchIdle([this, key, weak] { Forget(key, weak.lock()); });
    idle_[key].push_back(
        {.connection = std::move(connection), .since = std::chrono::steady_clock::now()});
    if (!sweeping_) Sweep();
  }

  void Forget(const std::string& key, const std::shared_ptr<Connection>& connection) {
    const auto found = idle_.find(key);
    if (connection == nullptr || found == idle_.end()) return;
    connection->Close();
    std::erase_if(found->second, [&](const Idle& idle) { return idle.connection == connection; });
    if (found->second.empty()) idle_.erase(found);
  }

  // Closes connections that nobody needed for the idle timeout; runs only while there are any.
  void Sweep() {
    const auto oldest = std::chrono::steady_clock::now() - options_.idle_timeout;
    for (auto entry = idle_.begin(); entry != idle_.end();) {
      std::erase_if(entry->second, [&](const Idle& idle) {
        if (idle.since > oldest) return false;
        idle.connection->Close();
        return true;
      });
      entry = entry->second.empty() ? idle_.erase(entry) : std::next(entry);
    }
    sweeping_ = !idle_.empty();
    if (!sweeping_) return;
    sweep_.expires_after(options_.idle_timeout / 2 + std::chrono::milliseconds(1));
    sweep_.async_wait([this](boost::system::error_code error) {
      if (!error) Sweep();
    });
  }

  void CancelAll() {
    std::deque<JobPtr> jobs;
    {
      const std::lock_guard lock(inbox_mutex_);
      jobs.swap(inbox_);
    }
    jobs.insert(jobs.end(), waiting_.begin(), waiting_.end());
    jobs.insert(jobs.end(), active_.begin(), active_.end());
    for (const JobPtr& job : jobs) End(job, Fail(ErrorCode::kCancelled, "client is closed"));
    for (auto& [key, kept] : idle_) {
      for (Idle& idle : kept) idle.connection->Close();
    }
    idle_.clear();
  }

  ClientOptions options_;
  std::shared_ptr<asio::ssl::context> tls_;
  std::optional<Error> tls_error_;
  SteadyTime tls_read_{};
  std::string tls_files_{};  // their stamp when they were read
  std::optional<Url> proxy_;
  std::optional<Error> proxy_error_;

  std::mutex inbox_mutex_;  // guards inbox_
  std::deque<JobPtr> inbox_;

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer sweep_;
  bool sweeping_ = false;
  bool stopping_ = false;
  std::deque<JobPtr> waiting_;
  std::set<JobPtr> active_;
  std::map<std::string, std::vector<Idle>> idle_;
  std::jthread thread_;
};

}  // namespace
}  // namespace internal

std::unique_ptr<Client> Client::Create(ClientOptions options) {
  return std::make_unique<internal::PooledClient>(std::move(options));
}

Result<> Client::Check(const ClientOptions& options) {
  const internal::PooledClient client(options);
  if (auto problem = client.problem()) return tl::unexpected<Error>(std::move(*problem));
  return {};
}

}  // namespace wirespan::http
