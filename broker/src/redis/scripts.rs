//! The Lua scripts. Each is one step that must not be seen half done.

use ::redis::Script;

/// What is longer is never fetched whole: the largest body that anybody reads, in base64, and its headers. Redis closes the
/// connection of a subscriber, which ours is, when 32 MB wait for it.
pub(crate) const LONGEST: usize = 12 * 1024 * 1024;
/// How many bytes one call takes before it takes no more.
pub(crate) const ROOM: usize = 1024 * 1024;

/// The scripts, with their hashes worked out once.
#[derive(Debug)]
pub(crate) struct Scripts {
    /// KEYS index, held, lists; ARGV most, first number, longest, bytes. Returns lengths and envelopes in turn: until there
    /// are so many bytes, and of what is too long the beginning.
    pub(crate) take: Script,
    /// KEYS held; ARGV numbers. Returns how many were held.
    pub(crate) ack: Script,
    /// KEYS index, held, list; ARGV channel, newest time or '', then number and envelope in turn; '' is the one that is
    /// held. Returns how many were given back: none if the consumer was heard of after that time.
    pub(crate) give_back: Script,
    /// KEYS held; ARGV number, longest. Returns the envelope; '' if it is too long.
    pub(crate) envelope: Script,
    /// KEYS index, held. Says that the consumer lives; returns the numbers that it holds.
    pub(crate) refresh: Script,
    /// KEYS index; ARGV age in seconds, most, longest. Returns, of a consumer that was not heard of for so long, the time
    /// that was then, what it holds, and numbers and envelopes in turn, the newest first; '' is one that is too long, and
    /// after so many bytes there are no more.
    pub(crate) overdue: Script,
    /// KEYS result; ARGV text, seconds. Writes and publishes a result, unless there is one of success.
    pub(crate) result: Script,
    /// KEYS registry, live, index, lists; ARGV queue. Returns exists, ready, un-acked.
    pub(crate) depth: Script,
}

/// The key of what a consumer holds is made of its name in the index, and never read there: an agent, which may write into its
/// own index, could name the key of another one.
const CONSUMER: &str = "local consumer = string.sub(KEYS[2], #KEYS[1] + 2);\n";

const NOW: &str = "local t = redis.call('TIME'); local now = t[1] .. '.' .. string.format('%06d', t[2]);\n";

/// Ends a transaction that has pushed messages: KEYS list, registry, live; ARGV queue, check, expiry in ms, how many. Takes
/// them back and returns 0 if there is no such queue.
///
/// The messages themselves do not go through Lua, which hashes each byte of a text that it is given.
pub(crate) const PUSHED: &str = r"
if ARGV[2] == '1' and redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 0 and redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('LTRIM', KEYS[1], ARGV[4], -1)
  return 0
end
if ARGV[3] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1
";

// What is held is the very text that was popped: to make another one of it, such as kombu's record with exchange and routing
// key, Lua would hash it all once more, which was a fifth of what a message cost the server. They are popped a few at a
// time, and one by one where they are long, so that those behind are not moved to and fro.
const TAKE: &str = r"
local out, held = {}, {}
local left, number, longest, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local step = 1
for k = 3, #KEYS do
  while left > 0 and room > 0 do
    local wanted = math.min(left, step)
    local got = redis.call('RPOP', KEYS[k], wanted)
    if not got then break end
    for i, envelope in ipairs(got) do
      if room <= 0 then
        for j = #got, i, -1 do redis.call('RPUSH', KEYS[k], got[j]) end
        break
      end
      held[#held + 1] = string.format('%d', number)
      held[#held + 1] = envelope
      out[#out + 1] = #envelope
      if #envelope > longest then envelope = string.sub(envelope, 1, 1048576) end
      out[#out + 1] = envelope
      number = number + 1
      left = left - 1
      room = room - #envelope
    end
    if #got < wanted then break end
    step = #got[#got] > 65536 and 1 or 16
  end
end
if #held > 0 then
  redis.call('HSET', KEYS[2], unpack(held))
  redis.call('ZADD', KEYS[1], now, consumer)
end
return out
";

const ACK: &str = "return redis.call('HDEL', KEYS[1], unpack(ARGV))";

const GIVE_BACK: &str = r"
if ARGV[2] ~= '' then
  local heard_of = redis.call('ZSCORE', KEYS[1], consumer)
  if not heard_of or tonumber(heard_of) > tonumber(ARGV[2]) then return 0 end
end
local count = 0
for i = 3, #ARGV, 2 do
  local number, envelope = ARGV[i], ARGV[i + 1]
  if envelope == '' then envelope = redis.call('HGET', KEYS[2], number) end
  if envelope and redis.call('HDEL', KEYS[2], number) == 1 then
    redis.call('RPUSH', KEYS[3], envelope)
    count = count + 1
  end
end
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('ZREM', KEYS[1], consumer) end
if count > 0 then redis.call('PUBLISH', ARGV[1], '') end
return count
";

const ENVELOPE: &str = r"
local envelope = redis.call('HGET', KEYS[1], ARGV[1])
if envelope and #envelope > tonumber(ARGV[2]) then return '' end
return envelope
";

const REFRESH: &str = r"
local numbers = redis.call('HKEYS', KEYS[2])
if #numbers > 0 then redis.call('ZADD', KEYS[1], now, consumer) end
return numbers
";

const OVERDUE: &str = r"
local newest = string.format('%.6f', tonumber(now) - tonumber(ARGV[1]))
for _, consumer in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', newest)) do
  local held = KEYS[1] .. '/' .. consumer
  local numbers = redis.call('HKEYS', held)
  if #numbers > 0 then
    table.sort(numbers, function(a, b) return tonumber(a) > tonumber(b) end)
    local out, longest = { newest, held }, tonumber(ARGV[3])
    local room = longest
    for i = 1, math.min(#numbers, tonumber(ARGV[2])) do
      local envelope = redis.call('HGET', held, numbers[i])
      if #envelope > longest then envelope = '' end
      out[#out + 1] = numbers[i]
      out[#out + 1] = envelope
      room = room - #envelope
      if room <= 0 then break end
    end
    return out
  end
  redis.call('ZREM', KEYS[1], consumer)
end
return {}
";

const DEPTH: &str = r"
local ready, unacked = 0, 0
for k = 4, #KEYS do ready = ready + redis.call('LLEN', KEYS[k]) end
for _, consumer in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', '+inf')) do
  unacked = unacked + redis.call('HLEN', KEYS[3] .. '/' .. consumer)
end
local exists = redis.call('SISMEMBER', KEYS[1], ARGV[1]) + redis.call('EXISTS', KEYS[2]) + ready
return { exists, ready, unacked }
";

const RESULT: &str = r"
local there = redis.call('GET', KEYS[1])
if there then
  local ok, known = pcall(cjson.decode, there)
  if ok and type(known) == 'table' and known['status'] == 'SUCCESS' then return 0 end
end
redis.call('SETEX', KEYS[1], ARGV[2], ARGV[1])
redis.call('PUBLISH', KEYS[1], ARGV[1])
return 1
";

impl Default for Scripts {
    fn default() -> Self {
        let timed = |code: &str| Script::new(&format!("{NOW}{code}"));
        let of_consumer = |code: &str| timed(&format!("{CONSUMER}{code}"));
        Self {
            take: of_consumer(TAKE),
            ack: Script::new(ACK),
            give_back: of_consumer(GIVE_BACK),
            envelope: Script::new(ENVELOPE),
            refresh: of_consumer(REFRESH),
            overdue: timed(OVERDUE),
            result: Script::new(RESULT),
            depth: Script::new(DEPTH),
        }
    }
}
