//! Connections: accepted while there is room, ended when their client lets them wait too long.
//!
//! The header time-out of hyper also counts idle time. Here, one timer for each connection tells three waits apart: an idle
//! client, one that sends a request byte by byte, and one that does not read its answer.

use crate::limits::OTHER_FILES;
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};

/// Limits of connections. Tests use shorter ones.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// Longest time from the first byte of a request to the first byte of its answer: it ends slow headers and slow bodies.
    pub request: Duration,
    /// Longest time without a byte of the next request.
    pub idle: Duration,
    /// Like `idle`, once three quarters of the connections are taken, so that idle ones make room.
    pub crowded: Duration,
    /// Longest time without reading a byte of an answer.
    pub reader: Duration,
    /// Time given to running answers when the server ends.
    pub finish: Duration,
    /// Pause of the accept loop when the system refuses connections, mostly for lack of descriptors.
    pub pause: Duration,
    /// Most open connections; others wait to be accepted.
    pub connections: usize,
    /// Most bytes of request line and headers. A link to the next page carries the query in its token: up to 54 KiB.
    pub head: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(15),
            idle: Duration::from_secs(300),
            crowded: Duration::from_secs(10),
            reader: Duration::from_secs(30),
            finish: Duration::from_secs(5),
            pause: Duration::from_millis(100),
            connections: 20_000,
            head: 96 << 10,
        }
    }
}

/// Raises the limit of descriptors to what the system allows, and returns how many connections fit.
pub fn raise_descriptor_limit() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit.current = limit.maximum;
        }
    }
    let descriptors = limit.current.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    // Each connection may hold a file that it sends.
    (descriptors.saturating_sub(OTHER_FILES) / 2).max(1)
}

/// Serves what arrives until `stop`, then finishes running answers.
pub async fn serve(listener: TcpListener, app: Router, limits: ConnectionLimits, stop: impl Future<Output = ()>) {
    let total = limits.connections.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
    let pause = limits.pause;
    let shared = Arc::new(ConnectionPool { free: Arc::new(Semaphore::new(total)), limits, total });
    let mut http = http1::Builder::new();
    http.max_buf_size(shared.limits.head).header_read_timeout(None);
    let (running, ended) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &shared) => accepted,
            () = &mut stop => break,
        };
        let Ok((stream, address, place)) = accepted else {
            sleep(pause).await;
            continue;
        };
        // Without Nagle's algorithm, an answer in two writes does not wait for the acknowledgement of the first.
        let _ = stream.set_nodelay(true);
        let app = TowerToHyperService::new(app.clone());
        let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(ConnectInfo(address));
            app.call(request)
        });
        let connection = http.serve_connection(TokioIo::new(WatchedStream::new(stream, Arc::clone(&shared))), service);
        let mut ended = ended.clone();
        tokio::spawn(async move {
            let _place = place;
            let mut connection = pin!(connection);
            // An error of a connection concerns its client alone.
            tokio::select! {
                _ = connection.as_mut() => return,
                _ = ended.changed() => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        });
    }
    drop((listener, running));
    let all = u32::try_from(total).unwrap_or(u32::MAX);
    let _ = timeout(shared.limits.finish, shared.free.acquire_many(all)).await;
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    shared: &ConnectionPool,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(&shared.free).acquire_owned().await.map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return Ok((stream, address, place)),
            // The client left before it was accepted.
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {}
            Err(e) => return Err(e),
        }
    }
}

/// State that the connections of a server share.
struct ConnectionPool {
    free: Arc<Semaphore>,
    limits: ConnectionLimits,
    total: usize,
}

/// What a connection waits for.
enum ConnectionWait {
    /// The first byte of a request.
    Idle,
    /// The rest of a request, or its answer.
    Request,
    /// A client that does not read.
    Reader,
}

/// A stream that fails once its client has let it wait too long. The clock is read when a wait begins and when it lasts, not for
/// each byte; the timer is moved only if it would fire too late.
struct WatchedStream {
    stream: TcpStream,
    wait: ConnectionWait,
    since: Instant,
    alarm: Pin<Box<Sleep>>,
    shared: Arc<ConnectionPool>,
}

impl WatchedStream {
    fn new(stream: TcpStream, shared: Arc<ConnectionPool>) -> Self {
        let since = Instant::now();
        let alarm = Box::pin(sleep_until(since + shared.limits.crowded));
        Self { stream, wait: ConnectionWait::Idle, since, alarm, shared }
    }

    fn begin(&mut self, wait: ConnectionWait) {
        (self.wait, self.since) = (wait, Instant::now());
    }

    /// Instant at which the wait has lasted too long.
    fn due(&self) -> Instant {
        let limits = &self.shared.limits;
        self.since
            + match self.wait {
                ConnectionWait::Idle if self.shared.free.available_permits() < self.shared.total / 4 => limits.crowded,
                ConnectionWait::Idle => limits.idle,
                ConnectionWait::Request => limits.request,
                ConnectionWait::Reader => limits.reader,
            }
    }

    /// Pending, or an error once the client's time is over.
    fn poll_timer<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.alarm.deadline() > self.due() {
            let due = self.due();
            self.alarm.as_mut().reset(due);
        }
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            let (now, due) = (Instant::now(), self.due());
            if now >= due {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            // Checked again before `due`, which comes nearer when the server gets crowded.
            self.alarm.as_mut().reset(due.min(now + self.shared.limits.crowded));
        }
    }

    fn after_write(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Pending => {
                if !matches!(self.wait, ConnectionWait::Reader) {
                    self.begin(ConnectionWait::Reader);
                }
                self.poll_timer(cx)
            }
            Poll::Ready(result) => {
                self.begin(ConnectionWait::Idle);
                Poll::Ready(result)
            }
        }
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Pending => self.poll_timer(cx),
            Poll::Ready(result) => {
                if matches!(self.wait, ConnectionWait::Idle) && buffer.filled().len() > before {
                    self.begin(ConnectionWait::Request);
                }
                Poll::Ready(result)
            }
        }
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.after_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.after_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
