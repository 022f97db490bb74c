//! A line that breaks, for copies that must come through it.

use super::Server;
use annuaire_testkit::Dice;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

/// A line to a server that another one may take the place of, and that breaks at random bytes while it is told to.
pub struct BreakingLine {
    /// Address of the API through the line.
    pub base: String,
    port: Arc<AtomicU16>,
    /// Breaks that are still to come.
    pub breaks: Arc<AtomicI64>,
}

impl BreakingLine {
    /// Each break comes after at most `longest` bytes of an answer.
    pub fn new(longest: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/fhir/v2", listener.local_addr().unwrap());
        let line = Self { base, port: Arc::default(), breaks: Arc::default() };
        let (port, breaks) = (Arc::clone(&line.port), Arc::clone(&line.breaks));
        let dice = Arc::new(Mutex::new(Dice::new(9, 0, 0)));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                let Ok(mut server) = TcpStream::connect(("127.0.0.1", port.load(Ordering::SeqCst))) else { continue };
                let (mut to_server, mut from_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from_client, &mut to_server);
                    let _ = to_server.shutdown(Shutdown::Both);
                });
                let breaks = Arc::clone(&breaks);
                let dice = Arc::clone(&dice);
                std::thread::spawn(move || {
                    let mut left = u64::MAX;
                    let mut buffer = [0; 8 << 10];
                    while let Ok(n) = server.read(&mut buffer) {
                        if left == u64::MAX && breaks.load(Ordering::SeqCst) > 0 {
                            left = 1 + dice.lock().unwrap().below(longest);
                        }
                        let sent = (n as u64).min(left) as usize;
                        left = if left == u64::MAX { left } else { left - sent as u64 };
                        if n == 0 || client.write_all(&buffer[..sent]).is_err() {
                            break;
                        }
                        if left == 0 {
                            breaks.fetch_sub(1, Ordering::SeqCst);
                            break;
                        }
                    }
                    let _ = client.shutdown(Shutdown::Both);
                });
            }
        });
        line
    }

    /// Leads to this server from now on.
    pub fn to(&self, server: &Server) {
        let port = server.base.split_once('/').unwrap().0.rsplit_once(':').unwrap().1;
        self.port.store(port.parse().unwrap(), Ordering::SeqCst);
    }
}
