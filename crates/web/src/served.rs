//! The store that requests are answered from: a handle under which a rebuilt store takes the place of the old one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;

/// A store that is served, and that another one may replace while it is. Cheap to clone: all clones are one handle.
///
/// A request takes its store once ([`get`](Self::get)) and keeps it to its end: an answer is never made of two stores, and a
/// replaced store lives until its last answer is sent. Whoever publishes calls [`published`](Self::published) after each
/// transaction that the store shows, and [`forget`](Self::forget) after one that withdrew something by law.
pub struct ServedStore<S>(Arc<Handle<S>>);

struct Handle<S> {
    store: ArcSwap<S>,
    /// Answers made under another number are not given any more.
    generation: AtomicU64,
    /// Wakes those who wait for a transaction.
    published: watch::Sender<()>,
}

impl<S> ServedStore<S> {
    /// A handle that begins with this store.
    #[must_use]
    pub fn new(store: Arc<S>) -> Self {
        let (published, _) = watch::channel(());
        Self(Arc::new(Handle { store: ArcSwap::new(store), generation: AtomicU64::new(0), published }))
    }

    /// The store of now. Takes no lock.
    #[must_use]
    pub fn get(&self) -> Arc<S> {
        self.0.store.load_full()
    }

    /// Serves another store from now on, and returns the one before. Answers kept from that one are forgotten.
    pub fn replace(&self, store: Arc<S>) -> Arc<S> {
        let before = self.0.store.swap(store);
        self.forget();
        self.published();
        before
    }

    /// Tells those who wait that the store shows another transaction.
    pub fn published(&self) {
        self.0.published.send_replace(());
    }

    /// Has the answers that were kept so far forgotten: content was withdrawn (WDR-1), or the store is another one.
    pub fn forget(&self) {
        self.0.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// A number that changes with each [`forget`](Self::forget). A door reads it before it reads the store.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// Waits until the store of now has what `has` looks for, at most for `limit`; false when it has not. No thread is taken:
    /// the task sleeps until something is published.
    pub async fn wait_until(&self, limit: Duration, has: impl Fn(&S) -> bool) -> bool {
        let mut published = self.0.published.subscribe();
        let there = async {
            // A publication between the question and the sleep is noticed, since the receiver is older than both.
            while !has(&self.get()) {
                if published.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(limit, there).await;
        has(&self.get())
    }
}

impl<S> Clone for ServedStore<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> From<Arc<S>> for ServedStore<S> {
    fn from(store: Arc<S>) -> Self {
        Self::new(store)
    }
}

impl<S> fmt::Debug for ServedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedStore").field("generation", &self.generation()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_woken_by_a_publication_and_no_later_than_the_limit() {
        let served = ServedStore::new(Arc::new(AtomicU64::new(1)));
        let at = |tx| move |store: &AtomicU64| store.load(Ordering::Relaxed) >= tx;
        assert!(served.wait_until(LONG, at(1)).await, "it is there");
        assert!(!served.wait_until(Duration::from_millis(5), at(2)).await, "nobody publishes");
        let waiting = tokio::spawn({
            let served = served.clone();
            async move { served.wait_until(LONG, at(3)).await }
        });
        tokio::task::yield_now().await;
        for tx in [2, 3] {
            served.get().store(tx, Ordering::Relaxed);
            served.published();
            tokio::task::yield_now().await;
        }
        let before = tokio::time::Instant::now();
        assert!(waiting.await.unwrap());
        assert_eq!(before.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_takes_the_place_of_another_wakes_too() {
        let served = ServedStore::from(Arc::new(1));
        let taken = served.get();
        let waiting = tokio::spawn({
            let served = served.clone();
            async move { served.wait_until(LONG, |store| *store == 2).await }
        });
        tokio::task::yield_now().await;
        let generation = served.generation();
        assert_eq!(*served.replace(Arc::new(2)), 1);
        assert!(waiting.await.unwrap());
        assert_eq!((*taken, *served.get()), (1, 2), "a request keeps the store that it took");
        assert_ne!(served.generation(), generation, "answers of the store before are forgotten");
    }
}
