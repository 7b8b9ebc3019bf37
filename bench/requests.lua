-- Requests for wrk, from a file with a line `Accept <tab> target` for each, taken in turn.
-- Arguments: the file, `fresh` or `repeat`, a mark, the number of the first line.
-- `fresh` ends each query with a comment that no other has, so that no two texts are the same.

local heads, tails, whole = {}, {}, {}
local at, fresh, mark, number, tried = 0, false, "", 0, false

function init(given)
  for line in io.lines(given[1]) do
    local accept, target = line:match("^(.-)\t(.+)$")
    heads[#heads + 1] = "GET " .. target
    tails[#tails + 1] = " HTTP/1.1\r\nHost: localhost\r\nAccept: " .. accept .. "\r\n\r\n"
    whole[#whole + 1] = heads[#heads] .. tails[#tails]
  end
  fresh, mark, at = given[2] == "fresh", given[3], tonumber(given[4]) % #whole
end

function request()
  if not tried then
    tried = true -- wrk looks at one request before it begins, and does not send it
    return whole[at + 1]
  end
  at = at % #whole + 1
  if fresh then
    number = number + 1
    return heads[at] .. "%0A%23" .. mark .. "-" .. number .. tails[at]
  end
  return whole[at]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "bytes": %d, "p50": %.6f, "p99": %.6f, '
      .. '"refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
