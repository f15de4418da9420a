//! Bare redis-rs: what the client library and the server can do in kombu's layout.

use anyhow::{Context, Result, ensure};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Script};
use tokio::time::Instant;

/// Messages per pipeline or script.
const BATCH: usize = 100;

/// What tags begin with: long, since Redis keeps a sorted set of up to 128 short members as a list that it walks.
const LONG_TAG: &str = "----------------------------------------------------------------";

/// A time in seconds since 1970 as long as any of today: the score is a number like those that kombu writes.
const SOME_TIME: f64 = 1_700_000_000.0;

/// Moves up to ARGV[1] messages of list KEYS[1] to the un-acked hash KEYS[2] and its index KEYS[3], as kombu records
/// them, under tags that begin with ARGV[2], and returns tags and messages. A record ends with ARGV[3], and its score is
/// the time ARGV[4].
const TAKE: &str = "
local got = redis.call('RPOP', KEYS[1], ARGV[1])
if not got then return {} end
local answer, records, scores = {}, {}, {}
for i, message in ipairs(got) do
  local tag = ARGV[2] .. i
  records[#records + 1] = tag
  records[#records + 1] = '[' .. message .. ARGV[3]
  scores[#scores + 1] = ARGV[4]
  scores[#scores + 1] = tag
  answer[#answer + 1] = tag
  answer[#answer + 1] = message
end
redis.call('HSET', KEYS[2], unpack(records))
redis.call('ZADD', KEYS[3], unpack(scores))
return answer";

/// Forgets the tags ARGV in hash KEYS[1] and index KEYS[2].
const ACK: &str = "
redis.call('HDEL', KEYS[1], unpack(ARGV))
return redis.call('ZREM', KEYS[2], unpack(ARGV))";

/// A connection.
#[derive(Clone, Debug)]
pub struct Bare(MultiplexedConnection);

impl Bare {
    /// Connects.
    ///
    /// # Errors
    /// If the server can't be reached.
    pub async fn connect(url: &str) -> Result<Self> {
        Ok(Self(redis::Client::open(url)?.get_multiplexed_async_connection().await?))
    }

    /// Has the server never rewrite its append-only file: it would by the bytes written, so in the turn of one contestant and
    /// not in another's, with a process of its own that takes a processor.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn keep_append_only_file(&self) -> Result<()> {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg("auto-aof-rewrite-percentage").arg(0);
        Ok(set.query_async(&mut self.0.clone()).await?)
    }

    /// The length of a list.
    ///
    /// # Errors
    /// If the server can't be asked.
    pub async fn ready(&self, list: &str) -> Result<u64> {
        Ok(self.0.clone().llen(list).await?)
    }

    /// Removes every key.
    ///
    /// # Errors
    /// If the server can't be asked.
    pub async fn clear(&self) -> Result<()> {
        redis::cmd("FLUSHALL").query_async::<()>(&mut self.0.clone()).await?;
        Ok(())
    }

    /// Takes one message for good.
    ///
    /// # Errors
    /// If the list is empty.
    pub async fn pop(&self, list: &str) -> Result<Vec<u8>> {
        let got: Option<Vec<u8>> = self.0.clone().rpop(list, None).await?;
        got.with_context(|| format!("the list `{list}` is empty"))
    }

    /// Pushes `count` messages in pipelines; returns the rate per second.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn publish(&self, list: &str, body: &[u8], count: usize) -> Result<f64> {
        let mut connection = self.0.clone();
        let began = Instant::now();
        let mut left = count;
        while left > 0 {
            let mut pipeline = redis::pipe();
            for _ in 0..left.min(BATCH) {
                pipeline.lpush(list, body).ignore();
            }
            pipeline.query_async::<()>(&mut connection).await?;
            left -= left.min(BATCH);
        }
        Ok(count as f64 / began.elapsed().as_secs_f64())
    }

    /// Takes `count` messages, recorded as un-acked, and acks them; returns the rate per second.
    ///
    /// # Errors
    /// If there are fewer.
    pub async fn consume(&self, list: &str, count: usize) -> Result<f64> {
        let (take, ack) = (Script::new(TAKE), Script::new(ACK));
        let (hash, index) = (format!("{list}-unacked"), format!("{list}-unacked-index"));
        let mut connection = self.0.clone();
        let record_end = format!(",\"\",\"{list}\"]");
        let began = Instant::now();
        let mut got = 0;
        while got < count {
            let batch: Vec<Vec<u8>> = take
                .key(list)
                .key(&hash)
                .key(&index)
                .arg(BATCH)
                .arg(format!("{LONG_TAG}{got}-"))
                .arg(&record_end)
                .arg(SOME_TIME + began.elapsed().as_secs_f64())
                .invoke_async(&mut connection)
                .await?;
            ensure!(!batch.is_empty(), "the list was empty after {got} of {count} messages");
            let tags: Vec<&Vec<u8>> = batch.iter().step_by(2).collect();
            let mut script = ack.prepare_invoke();
            script.key(&hash).key(&index);
            for tag in &tags {
                script.arg(*tag);
            }
            let acked: usize = script.invoke_async(&mut connection).await.context("the ack failed")?;
            ensure!(acked == tags.len(), "{acked} of {} messages were acked", tags.len());
            got += acked;
        }
        Ok(count as f64 / began.elapsed().as_secs_f64())
    }
}
