//! A TCP proxy that breaks what passes through it: cuts in the middle of a frame, stalls, trickles, and swallows what one
//! side says, or both.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How much passes at a time while the proxy trickles, and the pause after it: about 100 kB/s.
const TRICKLE_BYTES: usize = 512;
const TRICKLE_PAUSE: Duration = Duration::from_millis(5);

/// Forwards connections to a target until told to harm them.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    closed: AtomicBool,
    stalled: AtomicBool,
    refusing: AtomicBool,
    trickling: AtomicBool,
    /// Connections whose next chunk from the target is to be cut in two.
    cuts: AtomicUsize,
    open: Mutex<Vec<Open>>,
    /// From what on nothing more passes.
    last_words: Mutex<Option<LastWords>>,
    /// Connections on which they came.
    mutes: AtomicUsize,
}

/// A connection, and whether it is half-open: both sides think that it is there, and neither hears the other.
#[derive(Debug)]
struct Open {
    ends: [TcpStream; 2],
    is_half_open: Arc<AtomicBool>,
}

/// One of the two ways through a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// What clients say to the target.
    ToTarget,
    /// What the target says to clients.
    ToClient,
}

/// What ends all that passes on one way of the connection on which it comes.
#[derive(Clone, Debug)]
struct LastWords {
    way: Way,
    texts: Vec<Vec<u8>>,
}

impl Proxy {
    /// Listens on a free loopback port and forwards to `target` (a loopback port).
    ///
    /// # Panics
    /// If it can't listen.
    pub fn start(target: u16) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST, target)
    }

    /// The same on all addresses of this machine: what listens on loopback only is reached by pods so.
    ///
    /// # Panics
    /// If it can't listen.
    pub fn start_for_pods(target: u16) -> Self {
        Self::start_on(Ipv4Addr::UNSPECIFIED, target)
    }

    fn start_on(address: Ipv4Addr, target: u16) -> Self {
        let listener =
            TcpListener::bind((address, 0)).unwrap_or_else(|error| panic!("proxy can't listen: {error}"));
        let port = listener.local_addr().map_or(0, |address| address.port());
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.closed.load(Ordering::SeqCst) {
                    return;
                }
                if !shared.refusing.load(Ordering::SeqCst) {
                    forward(client, target, &shared);
                }
            }
        });
        Self { port, state }
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Lets only half of the next chunk from the target through, then cuts every connection.
    pub fn cut_mid_frame(&self) {
        self.state.cuts.store(1, Ordering::SeqCst);
    }

    /// Whether a cut asked for by [`Self::cut_mid_frame`] has happened.
    pub fn has_cut(&self) -> bool {
        self.state.cuts.load(Ordering::SeqCst) == 0
    }

    /// Cuts every connection now.
    pub fn cut(&self) {
        self.state.cut();
    }

    /// Keeps connections open but passes nothing on, in either direction.
    pub fn stall(&self) {
        self.state.stalled.store(true, Ordering::SeqCst);
    }

    /// Passes on what was held back, and everything after it.
    pub fn resume(&self) {
        self.state.stalled.store(false, Ordering::SeqCst);
    }

    /// Makes every connection that there is now a half-open one: what either side says is swallowed, and the end of one
    /// is not told to the other. Those that were half-open before are closed. New ones pass.
    pub fn half_open(&self) {
        let mut open = self.state.open();
        open.retain(|open| !open.is_half_open.load(Ordering::SeqCst) || open.close());
        for open in open.iter() {
            open.is_half_open.store(true, Ordering::SeqCst);
        }
    }

    /// Swallows whatever would go on that way of a connection from the first time on that one of `texts` comes on it, the
    /// text itself included.
    pub fn mute_from(&self, way: Way, texts: Vec<Vec<u8>>) {
        *self.state.last_words() = Some(LastWords { way, texts });
    }

    /// Ends [`Self::mute_from`] for what is said from now on; on a connection that was muted nothing will make sense.
    pub fn mute_no_more(&self) {
        *self.state.last_words() = None;
    }

    /// How many connections were muted.
    pub fn mutes(&self) -> usize {
        self.state.mutes.load(Ordering::SeqCst)
    }

    /// Passes on a few bytes at a time, with pauses in the middle of frames (`true`), or all at once (`false`).
    pub fn trickle(&self, trickle: bool) {
        self.state.trickling.store(trickle, Ordering::SeqCst);
    }

    /// Closes new connections at once (`true`), or takes them again (`false`).
    pub fn refuse(&self, refuse: bool) {
        self.state.refusing.store(refuse, Ordering::SeqCst);
    }
}

impl State {
    fn open(&self) -> MutexGuard<'_, Vec<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_words(&self) -> MutexGuard<'_, Option<LastWords>> {
        self.last_words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut(&self) {
        for open in self.open().drain(..) {
            open.close();
        }
    }
}

impl Open {
    /// Closes both ends; says that it is not open any more.
    fn close(&self) -> bool {
        for end in &self.ends {
            // Already gone is as good.
            drop(end.shutdown(Shutdown::Both));
        }
        false
    }
}

impl LastWords {
    /// Whether they are in what has passed on their way, of which `seen` is the end.
    fn are_in(&self, seen: &[u8]) -> bool {
        self.texts.iter().any(|text| seen.windows(text.len()).any(|window| window == text))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::SeqCst);
        self.state.cut();
        // Wakes the accepting thread so that it ends.
        drop(TcpStream::connect_timeout(
            &SocketAddr::from(([127, 0, 0, 1], self.port)),
            Duration::from_millis(500),
        ));
    }
}

fn forward(client: TcpStream, target: u16, state: &Arc<State>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { return };
    let (Ok(client_out), Ok(server_out)) = (client.try_clone(), server.try_clone()) else { return };
    let is_half_open = Arc::new(AtomicBool::new(false));
    if let (Ok(client), Ok(server)) = (client.try_clone(), server.try_clone()) {
        let is_half_open = Arc::clone(&is_half_open);
        state.open().push(Open { ends: [client, server], is_half_open });
    }
    let (up, half_open) = (Arc::clone(state), Arc::clone(&is_half_open));
    thread::spawn(move || pump(client, server_out, Way::ToTarget, &up, &half_open));
    let down = Arc::clone(state);
    thread::spawn(move || pump(server, client_out, Way::ToClient, &down, &is_half_open));
}

fn pump(mut from: TcpStream, mut to: TcpStream, way: Way, state: &State, is_half_open: &AtomicBool) {
    let mut buffer = [0_u8; 16 * 1024];
    // The end of what has passed, in which last words may have begun.
    let (mut seen, mut is_muted) = (Vec::new(), false);
    while let Ok(count) = from.read(&mut buffer) {
        while state.stalled.load(Ordering::SeqCst) && !state.closed.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
        if count == 0 {
            break;
        }
        if !is_muted && let Some(last) = state.last_words().as_ref().filter(|last| last.way == way) {
            seen.extend_from_slice(&buffer[..count]);
            is_muted = last.are_in(&seen);
            state.mutes.fetch_add(usize::from(is_muted), Ordering::SeqCst);
            let longest = last.texts.iter().map(Vec::len).max().unwrap_or(0);
            seen.drain(..seen.len().saturating_sub(longest));
        }
        if is_muted || is_half_open.load(Ordering::SeqCst) {
            continue;
        }
        let cut = way == Way::ToClient
            && count > 1
            && state.cuts.compare_exchange(1, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        let passed = if cut { count / 2 } else { count };
        if pass_on(&buffer[..passed], &mut to, state).is_err() {
            break;
        }
        if cut {
            state.cut();
            break;
        }
    }
    if !is_half_open.load(Ordering::SeqCst) {
        // The other side may be gone already.
        drop(to.shutdown(Shutdown::Both));
    }
    drop(from.shutdown(Shutdown::Both));
}

/// Writes a chunk, as fast as the proxy is told to.
fn pass_on(mut chunk: &[u8], to: &mut TcpStream, state: &State) -> std::io::Result<()> {
    while !chunk.is_empty() && state.trickling.load(Ordering::SeqCst) {
        let (now, later) = chunk.split_at(chunk.len().min(TRICKLE_BYTES));
        to.write_all(now)?;
        thread::sleep(TRICKLE_PAUSE);
        chunk = later;
    }
    to.write_all(chunk)
}
