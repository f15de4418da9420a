//! A TCP proxy that breaks what passes through it: cuts in the middle of a frame, stalls, and trickles.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Listens on a free loopback port and forwards to `target` (a loopback port).
    ///
    /// # Panics
    /// If it can't listen.
    pub fn start(target: u16) -> Self {
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).unwrap_or_else(|error| panic!("proxy can't listen: {error}"));
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
    fn cut(&self) {
        for stream in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // Already gone is as good.
            drop(stream.shutdown(Shutdown::Both));
        }
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
    {
        let mut open = state.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.extend(client.try_clone().ok());
        open.extend(server.try_clone().ok());
    }
    let up = Arc::clone(state);
    thread::spawn(move || pump(client, server_out, &up, false));
    let down = Arc::clone(state);
    thread::spawn(move || pump(server, client_out, &down, true));
}

fn pump(mut from: TcpStream, mut to: TcpStream, state: &State, may_cut: bool) {
    let mut buffer = [0_u8; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer) {
        while state.stalled.load(Ordering::SeqCst) && !state.closed.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
        if count == 0 {
            break;
        }
        let cut = may_cut
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
    // The other side may be gone already.
    drop(to.shutdown(Shutdown::Both));
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
