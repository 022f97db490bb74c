//! A forwarder of connections, as clusters have one before their servers: it can be pointed elsewhere, and it can cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// When a connection is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Never,
    /// Before the server hears of the next COMMIT.
    BeforeCommit,
    /// After the server was told of the next COMMIT, before its answer.
    AfterCommit,
}

struct State {
    target: Option<u16>,
    cut: Cut,
    open: Vec<TcpStream>,
}

/// The forwarder.
#[derive(Clone)]
pub struct Proxy {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    pub fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = Self { port, state: Arc::new(Mutex::new(State { target: Some(target), cut: Cut::Never, open: Vec::new() })) };
        let accepting = proxy.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.accept(client);
            }
        });
        proxy
    }

    fn accept(&self, client: TcpStream) {
        let Some(target) = self.state.lock().unwrap().target else { return };
        let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let mut state = self.state.lock().unwrap();
        if state.target != Some(target) {
            return;
        }
        state.open.extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
        let (up, down) = (self.clone(), self.clone());
        let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || up.forward(from, to, true));
        std::thread::spawn(move || down.forward(server, client, false));
    }

    fn forward(&self, mut from: TcpStream, mut to: TcpStream, to_server: bool) {
        let mut buffer = vec![0; 65_536];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            let commit = to_server && buffer[..n].windows(7).any(|w| w == b"COMMIT\0");
            let cut = if commit { std::mem::replace(&mut self.state.lock().unwrap().cut, Cut::Never) } else { Cut::Never };
            if cut == Cut::AfterCommit {
                // The answer finds nobody.
                let _ = from.shutdown(Shutdown::Both);
            }
            if cut == Cut::BeforeCommit || to.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    /// Cuts one connection when a COMMIT passes.
    pub fn cut_at_commit(&self, cut: Cut) {
        self.state.lock().unwrap().cut = cut;
    }

    /// Cuts all connections, and forwards new ones to this port from now on; to none when there is none.
    pub fn point(&self, target: Option<u16>) {
        let mut state = self.state.lock().unwrap();
        state.target = target;
        for stream in state.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
