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
    /// KEYS unacked, index, lists; ARGV most, tag prefix, first number, end of a record, longest, bytes. Returns lengths and
    /// envelopes in turn: until there are so many bytes, and of what is too long the beginning.
    pub(crate) take: Script,
    /// KEYS unacked, index; ARGV tags. Returns how many were held.
    pub(crate) ack: Script,
    /// KEYS unacked, index, list; ARGV channel, newest score or '', end of a record, then tag and envelope in turn; '' is
    /// the one that is in the record. Returns how many were given back.
    pub(crate) give_back: Script,
    /// KEYS unacked; ARGV tag, longest. Returns the record; '' if it is too long.
    pub(crate) record: Script,
    /// KEYS index; ARGV tags. Sets the score of those that are there to now.
    pub(crate) refresh: Script,
    /// KEYS index, unacked; ARGV age in seconds, most, longest. Returns the newest score, then tags and values in turn; ''
    /// is one that is too long, and after so many bytes there are no more.
    pub(crate) overdue: Script,
    /// KEYS result; ARGV text, seconds. Writes and publishes a result, unless there is one of success.
    pub(crate) result: Script,
    /// KEYS registry, live, index, lists; ARGV queue, tag prefix. Returns exists, ready, un-acked.
    pub(crate) depth: Script,
}

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

// The envelope is put into the record as it is: decoding and encoding it here would change numbers and lists. They are
// popped a few at a time, and one by one where they are long, so that those behind are not moved to and fro.
const TAKE: &str = r#"
local out, hash, scores = {}, {}, {}
local left, number, longest, room = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[5]), tonumber(ARGV[6])
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
      local tag = ARGV[2] .. string.format('%d', number)
      hash[#hash + 1] = tag
      hash[#hash + 1] = '[' .. envelope .. ARGV[4]
      scores[#scores + 1] = now
      scores[#scores + 1] = tag
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
if #hash > 0 then
  redis.call('HSET', KEYS[1], unpack(hash))
  redis.call('ZADD', KEYS[2], unpack(scores))
end
return out
"#;

const ACK: &str = r"
redis.call('ZREM', KEYS[2], unpack(ARGV))
return redis.call('HDEL', KEYS[1], unpack(ARGV))
";

const GIVE_BACK: &str = r"
local count = 0
for i = 4, #ARGV, 2 do
  local tag, envelope = ARGV[i], ARGV[i + 1]
  local due = true
  if ARGV[2] ~= '' then
    local score = redis.call('ZSCORE', KEYS[2], tag)
    due = score and tonumber(score) <= tonumber(ARGV[2])
  end
  if due and envelope == '' then
    local record = redis.call('HGET', KEYS[1], tag)
    due = record and string.sub(record, -#ARGV[3]) == ARGV[3]
    if due then envelope = string.sub(record, 2, -#ARGV[3] - 1) end
  end
  if due and redis.call('HDEL', KEYS[1], tag) == 1 then
    redis.call('ZREM', KEYS[2], tag)
    redis.call('RPUSH', KEYS[3], envelope)
    count = count + 1
  end
end
if count > 0 then redis.call('PUBLISH', ARGV[1], '') end
return count
";

const RECORD: &str = r"
local record = redis.call('HGET', KEYS[1], ARGV[1])
if record and #record > tonumber(ARGV[2]) then return '' end
return record
";

const REFRESH: &str = r"
for _, tag in ipairs(ARGV) do
  if redis.call('ZSCORE', KEYS[1], tag) then redis.call('ZADD', KEYS[1], now, tag) end
end
return 1
";

const OVERDUE: &str = r"
local newest = string.format('%.6f', tonumber(now) - tonumber(ARGV[1]))
local out, room = { newest }, tonumber(ARGV[3])
for _, tag in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', newest, 'LIMIT', 0, ARGV[2])) do
  local value = redis.call('HGET', KEYS[2], tag)
  if value then
    if #value > tonumber(ARGV[3]) then value = '' end
    out[#out + 1] = tag
    out[#out + 1] = value
    room = room - #value
    if room <= 0 then break end
  else
    redis.call('ZREM', KEYS[1], tag)
  end
end
return out
";

const DEPTH: &str = r"
local ready, unacked = 0, 0
for k = 4, #KEYS do ready = ready + redis.call('LLEN', KEYS[k]) end
for _, tag in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', '+inf')) do
  if string.sub(tag, 1, #ARGV[2]) == ARGV[2] then unacked = unacked + 1 end
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
        Self {
            take: timed(TAKE),
            ack: Script::new(ACK),
            give_back: Script::new(GIVE_BACK),
            record: Script::new(RECORD),
            refresh: timed(REFRESH),
            overdue: timed(OVERDUE),
            result: Script::new(RESULT),
            depth: Script::new(DEPTH),
        }
    }
}
