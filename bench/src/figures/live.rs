//! How soon a change is seen by those who follow an organization's events, at a thousand changes a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use berth_domain::id::ProjectId;
use berth_domain::lifecycle::{DispatchState, Event, RetryPolicy, step};
use berth_domain::time::{Clock, Time};
use berth_store::{Audit, NewRun, Options, Queue, Store};
use berth_test_servers::{Postgres, Redis};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::figure::Effort;
use crate::http_load::Target;
use crate::ours::program::Program;
use crate::ours::roles;
use crate::row::{Goal, Row, Side};

/// Changes a second.
const RATE: usize = 1_000;
/// How often some are committed, and how many at a time.
const TICK: Duration = Duration::from_millis(20);
const EACH: usize = RATE / 50;
/// How long a round lasts.
const ROUND: Duration = Duration::from_secs(5);
/// Streams of which every event is looked at.
const LOOKED_AT: usize = 4;
/// How long the last events may be on their way.
const TAIL: Duration = Duration::from_secs(2);
/// How many follow.
const STREAMS: [usize; 2] = [LOOKED_AT, 1_000];

/// For each number of streams: the 95th percentile of the time from a change to its event, round by round, and the API's memory.
///
/// # Errors
/// If a server can't be started, or a stream ends.
pub async fn measure(effort: Effort, program: &Program) -> Result<Vec<Row>> {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let url = postgres.create_database("berth");
    let mut api = roles::api(program, &url, &redis.url()).await?;
    let store = Store::connect(&url, Options::default()).await?;
    let project = store.project("default", "bench").await?.id;
    let queue = store.queue("default", "local", "default").await?;
    let mut rows = Vec::new();
    for streams in STREAMS {
        let mut values = Vec::new();
        for round in 0..effort.pairs {
            let seen = round_of(&api.target, &store, (project, &queue), streams).await?;
            eprintln!("live round {}: {streams} streams, p95 {seen:.0} ms", round + 1);
            values.push(seen);
        }
        api.group.alive()?;
        let row = |work: String, unit, values, goal| Row {
            figure: "Live".to_owned(),
            work,
            unit,
            ours: Side::new("berth api", values),
            partner: None,
            goal,
        };
        let work = format!("from a change to its event, {RATE} changes/s, {streams} streams, p95");
        rows.push(row(work, "ms", values, Some(Goal::AtMost(1_000.0))));
        let memory = vec![api.group.resident_mib()];
        rows.push(row(format!("memory after {streams} streams at {RATE} changes/s"), "MiB", memory, None));
    }
    store.close().await;
    Ok(rows)
}

/// The 95th percentile of one round, in milliseconds.
async fn round_of(target: &Target, store: &Store, place: (ProjectId, &Queue), streams: usize) -> Result<f64> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut following = JoinSet::new();
    for n in 0..streams {
        let stream = open(target).await?;
        following.spawn(follow(stream, n < LOOKED_AT, Arc::clone(&stop)));
    }
    let made = make(store, place).await?;
    tokio::time::sleep(TAIL).await;
    stop.store(true, Ordering::Relaxed);
    let mut all = Vec::new();
    while let Some(followed) = following.join_next().await {
        all.extend(followed??);
    }
    ensure!(all.len() == made * LOOKED_AT.min(streams), "{} events of {made} changes", all.len());
    all.sort_by(f64::total_cmp);
    all.get(all.len() * 95 / 100).copied().context("no event came")
}

/// Makes changes for a round; returns how many.
async fn make(store: &Store, (project, queue): (ProjectId, &Queue)) -> Result<usize> {
    let clock = Clock::system();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let began = Instant::now();
    let mut made = 0;
    while began.elapsed() < ROUND {
        ticks.tick().await;
        let now = clock.now();
        let compiled = step(&DispatchState::new(RetryPolicy::default()), &Event::Compile, now, 0.0)?;
        let queued = step(&compiled.state, &Event::Queue, now, 0.0)?.state;
        let run = || {
            let mut run = NewRun::job("default", project, queued.clone());
            (run.queue_id, run.agent_id) = (Some(queue.id), Some(queue.agent_id));
            run
        };
        let runs: Vec<NewRun> = (0..EACH).map(|_| run()).collect();
        for created in store.create_runs(&runs, &Audit::new("bench", "bench.live", now)).await? {
            created?;
            made += 1;
        }
    }
    let rate = made as f64 / began.elapsed().as_secs_f64();
    ensure!(rate > 0.95 * RATE as f64, "only {rate:.0} changes/s could be made");
    Ok(made)
}

/// Opens a stream; it has begun when this returns.
async fn open(target: &Target) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", target.port)).await?;
    let token = target.token.as_deref().unwrap_or_default();
    let request = format!(
        "GET /api/v1/orgs/default/events HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nauthorization: Bearer {token}\r\n\r\n",
        target.port
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    ensure!(head.ends_with(b" 200"), "{}", String::from_utf8_lossy(&head));
    Ok(stream)
}

/// Reads a stream until `stop`, and returns how old each event was when it came, in milliseconds, if they are looked at.
async fn follow(mut stream: TcpStream, is_looked_at: bool, stop: Arc<AtomicBool>) -> Result<Vec<f64>> {
    const MARK: &[u8] = b"\"at\":\"";
    let clock = Clock::system();
    let mut ages = Vec::new();
    let mut buffer = Vec::with_capacity(64 * 1024);
    while !stop.load(Ordering::Relaxed) {
        let read = tokio::time::timeout(Duration::from_millis(200), stream.read_buf(&mut buffer)).await;
        let Ok(read) = read else { continue };
        ensure!(read? > 0, "the stream ended");
        if !is_looked_at {
            buffer.clear();
            continue;
        }
        let now = clock.now();
        let mut done = 0;
        while let Some(at) = buffer[done..].windows(MARK.len()).position(|window| window == MARK) {
            let begin = done + at + MARK.len();
            let Some(length) = buffer[begin..].iter().position(|byte| *byte == b'"') else { break };
            let at = Time::parse(std::str::from_utf8(&buffer[begin..begin + length])?)?;
            ages.push(now.since(at).as_secs_f64() * 1_000.0);
            done = begin + length;
        }
        // What may be the beginning of the next.
        done = done.max(buffer.len().saturating_sub(64));
        buffer.drain(..done.min(buffer.len()));
    }
    Ok(ages)
}
