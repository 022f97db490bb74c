//! Connections: accepted while there is room, ended when their client lets them wait too long; with TLS or without.
//!
//! The header time-out of hyper also counts idle time. Here, one timer for each connection tells three waits apart: an idle
//! client, one that sends a request byte by byte, and one that does not read its answer. It watches the bytes of the network, below
//! TLS, whose handshake has the time of a request.

use crate::limits::OTHER_FILES;
use crate::tls::{PeerCertificates, ServedTls};
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
use tokio_rustls::server::TlsStream;

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
    serve_all(listener, None, app, limits, stop).await;
}

/// Serves as [`serve`] does, with TLS. Each request has the certificates of its client as an extension, if it sent some:
/// [`PeerCertificates`].
pub async fn serve_tls(
    listener: TcpListener,
    tls: Arc<ServedTls>,
    app: Router,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()>,
) {
    serve_all(listener, Some(tls), app, limits, stop).await;
}

async fn serve_all(
    listener: TcpListener,
    tls: Option<Arc<ServedTls>>,
    app: Router,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()>,
) {
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
        let stream = WatchedStream::new(stream, Arc::clone(&shared));
        let door = ConnectionDoor { http: http.clone(), app: app.clone(), address, ended: ended.clone() };
        match tls.clone() {
            None => drop(tokio::spawn(async move {
                let _place = place;
                door.answer(stream, None).await;
            })),
            Some(tls) => drop(tokio::spawn(async move {
                let _place = place;
                if let Some((stream, certificates)) = door.shake_hands(stream, &tls).await {
                    door.answer(stream, certificates).await;
                }
            })),
        }
    }
    drop((listener, running));
    let all = u32::try_from(total).unwrap_or(u32::MAX);
    let _ = timeout(shared.limits.finish, shared.free.acquire_many(all)).await;
}

/// What the task of a connection needs.
struct ConnectionDoor {
    http: http1::Builder,
    app: Router,
    address: SocketAddr,
    /// Changes when the server ends.
    ended: watch::Receiver<()>,
}

impl ConnectionDoor {
    /// Answers the requests of a connection.
    async fn answer<S>(mut self, stream: S, certificates: Option<PeerCertificates>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (address, app) = (self.address, TowerToHyperService::new(self.app));
        let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(ConnectInfo(address));
            if let Some(certificates) = &certificates {
                request.extensions_mut().insert(certificates.clone());
            }
            app.call(request)
        });
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(stream), service));
        // An error of a connection concerns its client alone.
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = self.ended.changed() => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }

    /// The stream inside TLS and the certificates of the client; `None` when it does not shake hands in time, or at all.
    async fn shake_hands(
        &self,
        stream: WatchedStream,
        tls: &ServedTls,
    ) -> Option<(TlsStream<WatchedStream>, Option<PeerCertificates>)> {
        let mut ended = self.ended.clone();
        // Each message of a handshake would begin a wait of its own: one limit holds for all.
        let limit = stream.shared.limits.request;
        let mut stream = tokio::select! {
            shaken = timeout(limit, tls.accept(stream)) => shaken.ok()?.ok()?,
            _ = ended.changed() => return None,
        };
        let (watched, session) = stream.get_mut();
        // What the client sent last may hold the beginning of its request.
        let waiting = session.process_new_packets().ok()?.plaintext_bytes_to_read() > 0;
        watched.begin(if waiting { ConnectionWait::Request } else { ConnectionWait::Idle });
        let certificates = session.peer_certificates().filter(|chain| !chain.is_empty());
        let certificates = certificates.map(|chain| PeerCertificates(chain.to_vec().into()));
        Some((stream, certificates))
    }
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
