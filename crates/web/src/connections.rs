//! Connections: accepted as long as there is room, and ended when their client lets them wait.
//!
//! The time-out of headers that hyper has counts idle time too; here one alarm for each connection tells a client that is idle
//! from one that sends a request byte by byte and from one that does not read.

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

/// How long and how many connections may be. Tests use shorter ones.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// From the first byte of a request to the first byte of its answer: slow headers and slow bodies end here.
    pub request: Duration,
    /// Without a byte of the next request.
    pub idle: Duration,
    /// The same once three quarters of the connections are taken, so that idle ones make room.
    pub crowded: Duration,
    /// Without taking a byte of the answer that waits.
    pub reader: Duration,
    /// For running answers when the server ends.
    pub finish: Duration,
    /// Pause of the accept loop when the system refuses connections, mostly for want of descriptors.
    pub pause: Duration,
    /// Open at once; others wait to be accepted.
    pub connections: usize,
    /// Bytes of request line and headers. Links to next pages repeat the query with its token: up to 54 KiB.
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

/// Raises the number of descriptors to what the system allows; returns how many connections fit.
pub fn room() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit.current = limit.maximum;
        }
    }
    let descriptors = limit.current.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    descriptors.saturating_sub(OTHER_FILES).max(1)
}

/// Serves what arrives until `stop`, then finishes running answers.
pub async fn serve(listener: TcpListener, app: Router, limits: ConnectionLimits, stop: impl Future<Output = ()>) {
    let total = limits.connections.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
    let pause = limits.pause;
    let shared = Arc::new(Shared { free: Arc::new(Semaphore::new(total)), limits, total });
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
        // An answer in two writes must not wait for the client to confirm the first.
        let _ = stream.set_nodelay(true);
        let app = TowerToHyperService::new(app.clone());
        let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(ConnectInfo(address));
            app.call(request)
        });
        let connection = http.serve_connection(TokioIo::new(Watched::new(stream, Arc::clone(&shared))), service);
        let mut ended = ended.clone();
        tokio::spawn(async move {
            let _place = place;
            let mut connection = pin!(connection);
            // What goes wrong with a connection concerns its client alone.
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
    shared: &Shared,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(&shared.free).acquire_owned().await.map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return Ok((stream, address, place)),
            // Gone before it was accepted.
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {}
            Err(e) => return Err(e),
        }
    }
}

/// What the connections of a server have in common.
struct Shared {
    free: Arc<Semaphore>,
    limits: ConnectionLimits,
    total: usize,
}

/// What a connection waits for.
enum Wait {
    /// The first byte of a request.
    Idle,
    /// The rest of it, or the work that it asked.
    Request,
    /// A client that does not read.
    Reader,
}

/// A stream that fails once its client has let it wait too long. Time is looked at when a wait begins and when it lasts, never
/// by the byte; the alarm is moved only if it would ring too late.
struct Watched {
    stream: TcpStream,
    wait: Wait,
    since: Instant,
    alarm: Pin<Box<Sleep>>,
    shared: Arc<Shared>,
}

impl Watched {
    fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        let since = Instant::now();
        let alarm = Box::pin(sleep_until(since + shared.limits.crowded));
        Self { stream, wait: Wait::Idle, since, alarm, shared }
    }

    fn begin(&mut self, wait: Wait) {
        (self.wait, self.since) = (wait, Instant::now());
    }

    /// When the wait has lasted too long.
    fn due(&self) -> Instant {
        let limits = &self.shared.limits;
        self.since
            + match self.wait {
                Wait::Idle if self.shared.free.available_permits() < self.shared.total / 4 => limits.crowded,
                Wait::Idle => limits.idle,
                Wait::Request => limits.request,
                Wait::Reader => limits.reader,
            }
    }

    /// Pending, or the end of the client's time.
    fn waiting<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
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
            // Again before `due`, since it comes nearer when the server gets crowded.
            self.alarm.as_mut().reset(due.min(now + self.shared.limits.crowded));
        }
    }

    fn written(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Pending => {
                if !matches!(self.wait, Wait::Reader) {
                    self.begin(Wait::Reader);
                }
                self.waiting(cx)
            }
            Poll::Ready(result) => {
                self.begin(Wait::Idle);
                Poll::Ready(result)
            }
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Pending => self.waiting(cx),
            Poll::Ready(result) => {
                if matches!(self.wait, Wait::Idle) && buffer.filled().len() > before {
                    self.begin(Wait::Request);
                }
                Poll::Ready(result)
            }
        }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, written)
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
