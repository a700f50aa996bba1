#include "agent/protocol/hpack/static_table.h"

#include <array>

namespace wirespan::hpack {
namespace {

constexpr std::array<StaticEntry, kStaticEntries> kTable = {{
    {":authority", "", Name::kAuthority},
    {":method", "GET", Name::kMethod},
    {":method", "POST", Name::kMethod},
    {":path", "/", Name::kPath},
    {":path", "/index.html", Name::kPath},
    {":scheme", "http", Name::kScheme},
    {":scheme", "https", Name::kScheme},
    {":status", "200", Name::kStatus},
    {":status", "204", Name::kStatus},
    {":status", "206", Name::kStatus},
    {":status", "304", Name::kStatus},
    {":status", "400", Name::kStatus},
    {":status", "404", Name::kStatus},
    {":status", "500", Name::kStatus},
    {"accept-charset", "", Name::kOther},
    {"accept-encoding", "gzip, deflate", Name::kOther},
    {"accept-language", "", Name::kOther},
    {"accept-ranges", "", Name::kOther},
    {"accept", "", Name::kOther},
    {"access-control-allow-origin", "", Name::kOther},
    {"age", "", Name::kOther},
    {"allow", "", Name::kOther},
    {"authorization", "", Name::kOther},
    {"cache-control", "", Name::kOther},
    {"content-disposition", "", Name::kOther},
    {"content-encoding", "", Name::kOther},
    {"content-language", "", Name::kOther},
    {"content-length", "", Name::kContentLength},
    {"content-location", "", Name::kOther},
    {"content-range", "", Name::kOther},
    {"content-type", "", Name::kContentType},
    {"cookie", "", Name::kOther},
    {"date", "", Name::kOther},
    {"etag", "", Name::kOther},
    {"expect", "", Name::kOther},
    {"expires", "", Name::kOther},
    {"from", "", Name::kOther},
    {"host", "", Name::kHost},
    {"if-match", "", Name::kOther},
    {"if-modified-since", "", Name::kOther},
    {"if-none-match", "", Name::kOther},
    {"if-range", "", Name::kOther},
    {"if-unmodified-since", "", Name::kOther},
    {"last-modified", "", Name::kOther},
    {"link", "", Name::kOther},
    {"location", "", Name::kOther},
    {"max-forwards", "", Name::kOther},
    {"proxy-authenticate", "", Name::kOther},
    {"proxy-authorization", "", Name::kOther},
    {"range", "", Name::kOther},
    {"referer", "", Name::kOther},
    {"refresh", "", Name::kOther},
    {"retry-after", "", Name::kOther},
    {"server", "", Name::kOther},
    {"set-cookie", "", Name::kOther},
    {"strict-transport-security", "", Name::kOther},
    {"transfer-encoding", "", Name::kOther},
    {"user-agent", "", Name::kUserAgent},
    {"vary", "", Name::kOther},
    {"via", "", Name::kOther},
    {"www-authenticate", "", Name::kOther},
}};

}  // namespace

const StaticEntry& StaticAt(std::size_t index) { return kTable[index - 1]; }

}  // namespace wirespan::hpack
