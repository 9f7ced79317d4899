//! What the machine itself allows, measured in a plain Rust program. Each subcommand prints one line of JSON.
//!
//! - `count STEPS`: seconds for the counting loop of `heavyLoad`.
//! - `ping-pong COUNT`: microseconds for a request to another thread and its answer, over futexes and over a condvar.
//! - `wake-ups COUNT IDLE_MS`: the same after idleness, back through an eventfd and epoll as a thread wakes libuv; a list.
//! - `clocks`: nanoseconds that it takes to ask the clocks that a scheduler asks.
//! - `memcpy BYTES`: gibibytes a second.

use std::env;
use std::hint::black_box;
use std::io::{self, Error};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use system::EventFd;

mod system;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    match arguments.first().map(String::as_str) {
        Some("count") => println!("{}", count(number(1))),
        Some("ping-pong") => {
            println!(r#"{{"futex":{},"condvar":{}}}"#, futex_ping_pong(number(1)), condvar_ping_pong(number(1)));
        }
        Some("wake-ups") => println!("{:?}", wake_ups(number(1), Duration::from_millis(number(2)))?),
        Some("clocks") => println!("{}", clocks()),
        Some("memcpy") => println!("{}", memcpy(number(1) as usize)),
        _ => return Err(Error::other("usage: limits count|ping-pong|wake-ups|clocks|memcpy ...")),
    }
    Ok(())
}

fn count(steps: u64) -> f64 {
    let start = Instant::now();
    let mut counted = 0u64;
    for step in 0..steps {
        black_box(step);
        counted += 1;
    }
    assert_eq!(black_box(counted), steps);
    start.elapsed().as_secs_f64()
}

fn futex_ping_pong(count: u64) -> f64 {
    let (asked, answered) = (AtomicBool::new(false), AtomicBool::new(false));
    let asker = thread::current();
    thread::scope(|scope| {
        let responder = scope.spawn(|| {
            for _ in 0..count {
                park_until(&asked);
                answered.store(true, Ordering::Release);
                asker.unpark();
            }
        });
        microseconds_each(count, || {
            asked.store(true, Ordering::Release);
            responder.thread().unpark();
            park_until(&answered);
        })
    })
}

/// Waits for `flag` and takes it down.
fn park_until(flag: &AtomicBool) {
    while !flag.swap(false, Ordering::Acquire) {
        thread::park();
    }
}

fn condvar_ping_pong(count: u64) -> f64 {
    let (ball_is_there, thrown) = (Mutex::new(false), Condvar::new());
    let throw = |there: bool| {
        let mut ball = ball_is_there.lock().expect("no one panics with the ball");
        *ball = there;
        thrown.notify_one();
        while *ball == there {
            ball = thrown.wait(ball).expect("no one panics with the ball");
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let ball = ball_is_there.lock().expect("no one panics with the ball");
            drop(thrown.wait_while(ball, |there| !*there).expect("no one panics with the ball"));
            for _ in 1..count {
                throw(false);
            }
            *ball_is_there.lock().expect("no one panics with the ball") = false;
            thrown.notify_one();
        });
        microseconds_each(count, || throw(true))
    })
}

fn microseconds_each(count: u64, mut what: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        what();
    }
    start.elapsed().as_secs_f64() * 1e6 / count as f64
}

fn wake_ups(count: u64, idle: Duration) -> io::Result<Vec<f64>> {
    let asked = AtomicBool::new(false);
    let event = EventFd::new()?;
    thread::scope(|scope| {
        let responder = scope.spawn(|| -> io::Result<()> {
            for _ in 0..count {
                park_until(&asked);
                event.signal()?;
            }
            Ok(())
        });
        let mut samples = Vec::new();
        for _ in 0..count {
            thread::sleep(idle);
            let start = Instant::now();
            asked.store(true, Ordering::Release);
            responder.thread().unpark();
            event.wait()?;
            samples.push(start.elapsed().as_secs_f64() * 1e6);
        }
        Ok(samples)
    })
}

fn clocks() -> String {
    let asks: [(&str, fn()); 3] = [
        ("monotonic", || {
            black_box(Instant::now());
        }),
        ("threadTime", || {
            black_box(system::thread_time());
        }),
        ("getrusage", || {
            black_box(system::resource_usage());
        }),
    ];
    let prices = asks.map(|(name, ask)| format!(r#""{name}":{}"#, 1e3 * microseconds_each(1_000_000, ask)));
    format!("{{{}}}", prices.join(","))
}

fn memcpy(bytes: usize) -> f64 {
    let from = vec![1u8; bytes];
    let mut to = vec![2u8; bytes];
    // The first copy meets pages that are not there yet.
    to.copy_from_slice(&from);
    let rounds = (4 << 30) / bytes.max(1);
    let us = microseconds_each(rounds as u64, || black_box(&mut to).copy_from_slice(black_box(&from)));
    bytes as f64 / (1 << 30) as f64 / (us / 1e6)
}
