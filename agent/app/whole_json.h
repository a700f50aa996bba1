#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace wirespan::app {

// JSON of another process whose numbers are all whole. Discarded if it is none, or if a number has
// a fraction or an exponent: turned into an integer, one that does not fit would be undefined
// behaviour.
template <class Json = nlohmann::json>
Json ParseWholeJson(std::string_view text) {
  bool whole = true;
  const auto look = [&whole](int /*depth*/, typename Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::value && value.is_number_float()) whole = false;
    return true;
  };
  Json json = Json::parse(text, look, false);
  return whole ? json : Json(Json::value_t::discarded);
}

}  // namespace wirespan::app
