//! Loopback ports for servers of tests: each is one test's until its process ends, also while no server listens on it.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::{Mutex, PoisonError};

/// Below those that the system gives to outgoing connections (from 32,768 on Linux) and Kubernetes to its nodes (from
/// 30,000): one of these would take the port of a server that is away for a moment.
const FIRST: u16 = 10_240;
const LAST: u16 = 29_999;

/// The UDP ports of the same numbers, which none of the servers needs: who can't have one sees that its TCP port is taken, in
/// whatever process.
static CLAIMS: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());

/// A loopback TCP port that nobody listens on, and that no other caller on this machine is given while this process lives.
///
/// # Panics
/// If the machine has no free port left.
pub fn free() -> u16 {
    // From anywhere on, so that processes don't try each other's.
    let start = RandomState::new().build_hasher().finish() % u64::from(LAST - FIRST);
    let (ports, start) = (FIRST..=LAST, usize::try_from(start).unwrap_or(0));
    for port in ports.clone().skip(start).chain(ports.take(start)) {
        let Ok(claim) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)) else { continue };
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            CLAIMS.lock().unwrap_or_else(PoisonError::into_inner).push(claim);
            return port;
        }
    }
    panic!("no free loopback TCP port");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once_and_by_nobody_else() {
        let (one, other) = (free(), free());
        assert_ne!(one, other);
        assert!((FIRST..=LAST).contains(&one));
        assert!(UdpSocket::bind((Ipv4Addr::LOCALHOST, one)).is_err(), "its claim is kept");
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, one)).is_ok(), "a server may listen on it");
    }
}
