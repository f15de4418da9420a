//! Promises of the servers themselves: they start, survive what is done to them, and leave nothing.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use berth_test_servers::{Postgres, Proxy, RabbitMq, Redis};

#[test]
fn redis_keeps_its_data_over_a_restart_and_loses_it_on_flush() {
    let mut redis = Redis::start();
    redis.command(&["SET", "a", "1"]);
    redis.restart();
    assert_eq!(redis.command(&["EXISTS", "a"]), ":1");
    redis.flushall();
    assert_eq!(redis.command(&["EXISTS", "a"]), ":0");
}

#[test]
fn postgres_survives_kill_9() {
    let mut postgres = Postgres::start();
    postgres.create_database("kept");
    postgres.kill9();
    postgres.restart();
    let url = postgres.database_url("kept");
    assert!(url.ends_with("/kept"));
    postgres.stop();
    postgres.restart();
}

#[test]
fn rabbitmq_survives_kill_9_and_forgets_when_reset() {
    let mut rabbit = RabbitMq::start();
    rabbit.ctl(&["add_vhost", "kept"]);
    rabbit.kill9();
    rabbit.restart();
    assert!(rabbit.ctl(&["list_vhosts"]).contains("kept"));
    rabbit.reset();
    assert!(!rabbit.ctl(&["list_vhosts"]).contains("kept"));
}

#[test]
fn a_proxy_passes_half_a_chunk_then_cuts() {
    let target = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = target.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = target.accept().unwrap();
        let mut byte = [0_u8; 1];
        stream.read_exact(&mut byte).unwrap();
        stream.write_all(&[7; 100]).unwrap();
        byte
    });
    let proxy = Proxy::start(port);
    let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    proxy.cut_mid_frame();
    client.write_all(&[1]).unwrap();
    let mut got = Vec::new();
    // A reset after the half is as good as an end.
    drop(client.read_to_end(&mut got));
    assert_eq!(got.len(), 50);
    assert!(proxy.has_cut());
    assert_eq!(server.join().unwrap(), [1]);
}
