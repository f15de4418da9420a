//! Bare redis-rs: what the client library and the server can do with messages as kombu's.

use anyhow::{Context, Result, ensure};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Script};
use tokio::time::Instant;

/// Messages per pipeline or script.
const BATCH: usize = 100;

/// Moves up to ARGV[1] messages of list KEYS[1] to the hash KEYS[2] of what is un-acked, numbered from the one after ARGV[2] on, and
/// returns them.
const TAKE: &str = "
local got = redis.call('RPOP', KEYS[1], ARGV[1])
if not got then return {} end
local held = {}
for i, message in ipairs(got) do
  held[#held + 1] = string.format('%d', ARGV[2] + i)
  held[#held + 1] = message
end
redis.call('HSET', KEYS[2], unpack(held))
return got";

/// Forgets the numbers ARGV in hash KEYS[1].
const ACK: &str = "return redis.call('HDEL', KEYS[1], unpack(ARGV))";

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
        let held = format!("{list}-held");
        let mut connection = self.0.clone();
        let began = Instant::now();
        let mut got = 0;
        while got < count {
            let batch: Vec<Vec<u8>> =
                take.key(list).key(&held).arg(BATCH).arg(got).invoke_async(&mut connection).await?;
            ensure!(!batch.is_empty(), "the list was empty after {got} of {count} messages");
            let numbers: Vec<usize> = (got + 1..=got + batch.len()).collect();
            let mut script = ack.prepare_invoke();
            script.key(&held).arg(numbers);
            let acked: usize = script.invoke_async(&mut connection).await.context("the ack failed")?;
            ensure!(acked == batch.len(), "{acked} of {} messages were acked", batch.len());
            got += acked;
        }
        Ok(count as f64 / began.elapsed().as_secs_f64())
    }
}
