//! Hearing of commits: by this process at once, by others through a notification.

use crate::call::{ask, bounded};
use crate::fault::Answer;
use crate::limits;
use annuaire_base::Tx;
use annuaire_store::columns::tx_read;
use sqlx::postgres::PgListener;
use sqlx::{PgConnection, PgPool};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Channel on which a log announces its commits. Several registries may be in one database, and channels are of the whole
/// database.
pub(crate) fn channel(log_id: u128) -> String {
    format!("annuaire_{log_id:032x}")
}

/// Number of the last transaction.
pub(crate) async fn last_tx(c: &mut PgConnection) -> sqlx::Result<Tx> {
    sqlx::query_scalar("SELECT tx FROM log_counter").fetch_one(c).await.map(tx_read)
}

/// Tells of a commit, unless a later one was told.
pub(crate) fn tell(commits: &watch::Sender<Tx>, tx: Tx) {
    commits.send_if_modified(|known| {
        let news = tx > *known;
        *known = tx.max(*known);
        news
    });
}

/// The task that listens; it ends with this value.
pub(crate) struct Listener(JoinHandle<()>);

impl Listener {
    /// Starts the task. To be called in a runtime.
    pub(crate) fn start(pool: PgPool, log_id: u128, commits: watch::Sender<Tx>) -> Self {
        let channel = channel(log_id);
        Self(tokio::spawn(async move {
            loop {
                // Its errors are those of the connection. Every call reports its own, so nothing is lost with them.
                let _ = listen(&pool, &channel, &commits).await;
                tokio::time::sleep(limits::LISTEN_POLL).await;
                if let Ok(tx) = look(&pool).await {
                    tell(&commits, tx);
                }
            }
        }))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn look(pool: &PgPool) -> Answer<Tx> {
    ask!(pool, c => last_tx(c))
}

/// Listens until the connection is lost.
async fn listen(pool: &PgPool, channel: &str, commits: &watch::Sender<Tx>) -> Answer<()> {
    let mut listener = bounded(limits::CONNECT, PgListener::connect_with(pool)).await?;
    listener.eager_reconnect(false);
    bounded(limits::STATEMENT, listener.listen(channel)).await?;
    loop {
        // What was committed before the channel was open, or while a dead connection seemed to live.
        tell(commits, look(pool).await?);
        let check = tokio::time::sleep(limits::LISTEN_CHECK);
        tokio::pin!(check);
        loop {
            tokio::select! {
                heard = listener.try_recv() => match heard? {
                    Some(news) => {
                        if let Ok(tx) = news.payload().parse() {
                            tell(commits, Tx::new(tx));
                        }
                    }
                    None => return Ok(()),
                },
                () = &mut check => break,
            }
        }
    }
}
