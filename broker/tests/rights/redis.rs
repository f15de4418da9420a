//! What the user of agent a tries on Redis against b, the control plane and the server.

use redis::{Client, Value};

/// What is tried, word by word; `{sep}` is kombu's separator of priorities.
const ATTEMPTS: &[(&str, &[&str])] = &[
    ("read b's offers", &["LRANGE", "berth.b.run.q", "0", "-1"]),
    ("count b's offers", &["LLEN", "berth.b.run.q"]),
    ("count b's offers of a higher priority", &["LLEN", "berth.b.run.q{sep}3"]),
    ("take b's offer", &["RPOP", "berth.b.run.q"]),
    ("wait for b's offer", &["BRPOP", "berth.b.run.q", "1"]),
    ("wait for b's offer beside an own one", &["BRPOP", "berth.a.run.q", "berth.b.run.q", "1"]),
    ("move b's offer to itself", &["RPOPLPUSH", "berth.b.run.q", "berth.a.run.q"]),
    ("move b's offer by its newer command", &["LMOVE", "berth.b.run.q", "berth.a.run.q", "LEFT", "LEFT"]),
    ("purge b's queue", &["DEL", "berth.b.run.q"]),
    ("purge b's queue in the background", &["UNLINK", "berth.b.run.q"]),
    ("let b's queue end", &["PEXPIRE", "berth.b.run.q", "1"]),
    ("look whether b has offers", &["EXISTS", "berth.b.run.q"]),
    ("offer to b", &["LPUSH", "berth.b.run.q", "{}"]),
    ("ask b's replica", &["LPUSH", "berth.b.control.r1", "{}"]),
    ("report as b", &["LPUSH", "berth.b.out", "{}"]),
    ("reply as b", &["LPUSH", "berth.b.reply.x", "{}"]),
    ("submit as somebody", &["LPUSH", "berth.submit.sa", "{}"]),
    ("fill a queue of others", &["RPUSH", "celery", "{}"]),
    ("read b's un-acked messages", &["HGETALL", "berth.b._held.run.q/c"]),
    ("read one of them", &["HGET", "berth.b._held.run.q/c", "1"]),
    ("list them", &["HKEYS", "berth.b._held.run.q/c"]),
    ("count them", &["HLEN", "berth.b._held.run.q/c"]),
    ("ack for b", &["HDEL", "berth.b._held.run.q/c", "1"]),
    ("give b an un-acked message", &["HSET", "berth.b._held.run.q/c", "1", "x"]),
    ("restore what b holds", &["ZREM", "berth.b._held.run.q", "c"]),
    ("see who of b holds something", &["ZRANGEBYSCORE", "berth.b._held.run.q", "-inf", "+inf"]),
    ("keep b from restoring", &["SET", "berth.b._restoring.run.q", "x"]),
    ("restore what b's stock workers hold", &["ZREM", "berth.b.unacked_index", "t"]),
    ("read what b's stock workers hold", &["HGETALL", "berth.b.unacked"]),
    ("declare a queue of b's", &["SADD", "berth.b._queues", "berth.b.run.x"]),
    ("delete a queue of b's", &["SREM", "berth.b._queues", "berth.b.run.q"]),
    ("list b's queues", &["SMEMBERS", "berth.b._queues"]),
    ("declare a queue of the control plane's", &["SADD", "berth._queues", "berth.submit.x"]),
    ("forge the marker", &["SET", "berth.marker.m", "1"]),
    ("see the marker", &["GET", "berth.marker.m"]),
    ("wake the control plane", &["PUBLISH", "berth.wake", "{}"]),
    ("hint at b", &["PUBLISH", "berth.b.run.q", ""]),
    ("hear b's hints", &["SUBSCRIBE", "berth.b.run.q"]),
    ("hear the control plane", &["SUBSCRIBE", "berth.wake"]),
    ("hear everything", &["PSUBSCRIBE", "*"]),
    ("hear all of Berth", &["PSUBSCRIBE", "berth.*"]),
    ("hear of keys", &["PSUBSCRIBE", "__key*__:*"]),
    ("list channels", &["PUBSUB", "CHANNELS", "*"]),
    ("list keys", &["KEYS", "*"]),
    ("list its own keys", &["KEYS", "berth.a.*"]),
    ("scan keys", &["SCAN", "0", "MATCH", "berth.b.*"]),
    ("take a random key", &["RANDOMKEY"]),
    ("count keys", &["DBSIZE"]),
    ("name a key with a glob", &["GET", "berth.*"]),
    ("name a key with a set", &["GET", "berth.[ab].x"]),
    ("name a key that only begins alike", &["GET", "berth.ab.x"]),
    ("name its prefix without its end", &["GET", "berth.a"]),
    ("sort by b's keys", &["SORT", "berth.a.run.q", "BY", "berth.b.*"]),
    ("rename b's queue", &["RENAME", "berth.b.run.q", "berth.a.x"]),
    ("rename a queue to b's", &["RENAME", "berth.a.run.q", "berth.b.run.q"]),
    ("copy b's queue", &["COPY", "berth.b.run.q", "berth.a.x"]),
    ("dump b's queue", &["DUMP", "berth.b.run.q"]),
    ("restore a key of b's", &["RESTORE", "berth.b.x", "0", "x"]),
    ("move a key to another database", &["MOVE", "berth.a.run.q", "1"]),
    ("look into another database", &["SELECT", "1"]),
    ("swap databases", &["SWAPDB", "0", "1"]),
    ("touch b's key in a script", &["EVAL", "return redis.call('LLEN', KEYS[1])", "1", "berth.b.run.q"]),
    ("hide b's key in a script", &["EVAL", "return redis.call('LPUSH', 'berth.b.run.q', 'x')", "0"]),
    ("build b's key in a script", &["EVAL", "return redis.call('DEL', 'berth.' .. ARGV[1])", "0", "b.run.q"]),
    ("list keys in a script", &["EVAL", "return redis.call('KEYS', '*')", "0"]),
    ("flush in a script", &["EVAL", "return redis.call('FLUSHALL')", "0"]),
    ("wake the control plane in a script", &["EVAL", "return redis.call('PUBLISH', 'berth.wake', '')", "0"]),
    ("run a function", &["FCALL", "f", "0"]),
    ("load a function", &["FUNCTION", "LOAD", "#!lua name=f\n"]),
    ("forget all scripts", &["SCRIPT", "FLUSH"]),
    ("kill a script", &["SCRIPT", "KILL"]),
    ("flush the database", &["FLUSHDB"]),
    ("flush the server", &["FLUSHALL"]),
    ("read the configuration", &["CONFIG", "GET", "*"]),
    ("change the configuration", &["CONFIG", "SET", "requirepass", ""]),
    ("list users", &["ACL", "LIST"]),
    ("list users' names", &["ACL", "USERS"]),
    ("ask who it is", &["ACL", "WHOAMI"]),
    ("give itself rights", &["ACL", "SETUSER", "berth-a", "+@all", "~*"]),
    ("see a user", &["ACL", "GETUSER", "berth-b"]),
    ("see what was refused", &["ACL", "LOG"]),
    ("debug", &["DEBUG", "OBJECT", "berth.b.run.q"]),
    ("watch all commands", &["MONITOR"]),
    ("list connections", &["CLIENT", "LIST"]),
    ("kill connections", &["CLIENT", "KILL", "TYPE", "normal"]),
    ("pause everybody", &["CLIENT", "PAUSE", "1000"]),
    ("see the server", &["INFO"]),
    ("see slow commands", &["SLOWLOG", "GET"]),
    ("see where memory goes", &["MEMORY", "USAGE", "berth.b.run.q"]),
    ("look at b's encoding", &["OBJECT", "ENCODING", "berth.b.run.q"]),
    ("replicate from elsewhere", &["REPLICAOF", "127.0.0.1", "1"]),
    ("follow the stream of changes", &["PSYNC", "?", "-1"]),
    ("load a module", &["MODULE", "LOAD", "/tmp/x.so"]),
    ("save", &["BGSAVE"]),
    ("end the server", &["SHUTDOWN", "NOSAVE"]),
    ("migrate b's queue", &["MIGRATE", "127.0.0.1", "1", "berth.b.run.q", "0", "1"]),
    ("watch b's key", &["WATCH", "berth.b.run.q"]),
    ("become the default user", &["AUTH", "default", ""]),
];

/// Everything is refused, and has changed nothing.
pub(crate) async fn everything_else_is_refused(control: &str, agent: &str) {
    let mut control = Client::open(control).unwrap().get_multiplexed_async_connection().await.unwrap();
    let keys = redis::cmd("DBSIZE").query_async::<i64>(&mut control).await.unwrap();
    let offers = async |control: &mut _| {
        redis::cmd("LRANGE")
            .arg("berth.b.run.q")
            .arg(0)
            .arg(-1)
            .query_async::<Vec<String>>(control)
            .await
            .unwrap()
    };
    let before = offers(&mut control).await;
    assert!(ATTEMPTS.len() >= 30 && !before.is_empty());
    let mut allowed = Vec::new();
    for (what, words) in ATTEMPTS {
        // Each on a connection of its own: what one attempt changes of a connection is not the next one's.
        let mut connection = Client::open(agent).unwrap().get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word.replace("{sep}", "\u{6}\u{16}"));
        }
        let answer = command.query_async::<Value>(&mut connection).await;
        let is_refused = answer.as_ref().is_err_and(is_refusal);
        if !is_refused {
            allowed.push(format!("{what}: {words:?}: {answer:?}"));
        }
    }
    assert!(allowed.is_empty(), "allowed, or not for want of rights:\n{}", allowed.join("\n"));
    assert_eq!(redis::cmd("DBSIZE").query_async::<i64>(&mut control).await.unwrap(), keys);
    assert_eq!(offers(&mut control).await, before);
}

/// For want of rights: not because what was tried makes no sense. (DEBUG and MODULE are refused to everybody, before rights are
/// looked at, unless the server was told otherwise; and an old server does not know every command.)
fn is_refusal(error: &redis::RedisError) -> bool {
    let others = [
        "The user executing the script can't",
        "command not allowed. If the enable-",
        "unknown command",
        "ACL failure in script",
    ];
    matches!(error.code(), Some("NOPERM" | "WRONGPASS"))
        || others.iter().any(|text| error.to_string().contains(text))
}
