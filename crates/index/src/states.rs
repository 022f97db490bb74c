//! The states that are in memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use annuaire_base::Tx;

use crate::state::PublishedState;

/// Number of states kept beside the latest: a page that follows a recent search finds its state here.
const RECENT: usize = 8;
/// Places of the list of the latest states, used in turn.
const PLACES: usize = 16;
/// Most bytes and most states that older states take.
const EARLIER_BYTES: usize = 128 << 20;
const EARLIER_MAX: usize = 64;

/// The latest published states, newest first.
type LatestStates = Arc<[Arc<PublishedState>]>;

/// The latest published states, and older ones that readers asked for lately.
pub struct KnownStates {
    /// The list of the latest states is in one of these places; `at` names it. The writer fills the next place, then moves `at`:
    /// it never holds the lock of the place from which readers read.
    places: [RwLock<LatestStates>; PLACES],
    at: AtomicUsize,
    /// Older states, the one used last first. Readers take this lock, for as long as a look at the list takes, and a writer
    /// that withdraws a resource.
    earlier: Mutex<Vec<EarlierState>>,
}

struct EarlierState {
    state: Arc<PublishedState>,
    bytes: usize,
}

impl KnownStates {
    pub fn new(state: PublishedState) -> Self {
        let list: LatestStates = Arc::new([Arc::new(state)]);
        Self {
            places: std::array::from_fn(|_| RwLock::new(list.clone())),
            at: AtomicUsize::new(0),
            earlier: Mutex::new(Vec::new()),
        }
    }

    fn list(&self) -> LatestStates {
        loop {
            let place = &self.places[self.at.load(Ordering::Acquire) % PLACES];
            // The writer is in this place only when it has moved on sixteen times since the number was read: read it again.
            if let Ok(list) = place.try_read() {
                return list.clone();
            }
            std::hint::spin_loop();
        }
    }

    pub fn latest(&self) -> Arc<PublishedState> {
        // Never empty: `new` puts one state in, and `publish` another one before the others.
        self.list()[0].clone()
    }

    /// The state at a transaction, when it is in memory; else the nearest one in memory that is later.
    pub fn find(&self, tx: Tx) -> Arc<PublishedState> {
        let list = self.list();
        let mut found = list.iter().take_while(|state| state.published.tx >= tx).last().unwrap_or(&list[0]).clone();
        if found.published.tx > tx {
            let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
            let later = earlier.iter().enumerate().filter(|(_, known)| known.state.published.tx >= tx);
            if let Some((at, known)) = later.min_by_key(|(_, known)| known.state.published.tx)
                && known.state.published.tx < found.published.tx
            {
                found = known.state.clone();
                earlier[..=at].rotate_right(1);
            }
        }
        found
    }

    /// Keeps an older state, found back from a later one. When that one is not known any more, a withdrawal has changed both.
    pub fn keep(&self, state: &Arc<PublishedState>, later: &Arc<PublishedState>) {
        let bytes = state.weight();
        let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        let is_later = |known: &Arc<PublishedState>| Arc::ptr_eq(known, later);
        if !self.list().iter().any(is_later) && !earlier.iter().any(|known| is_later(&known.state)) {
            return;
        }
        if earlier.iter().any(|known| known.state.published.tx == state.published.tx) {
            return;
        }
        earlier.insert(0, EarlierState { state: state.clone(), bytes });
        let mut room = EARLIER_BYTES;
        let fits = |known: &&EarlierState| room.checked_sub(known.bytes).inspect(|left| room = *left).is_some();
        let kept = earlier.iter().take_while(fits).count().clamp(1, EARLIER_MAX);
        earlier.truncate(kept);
    }

    /// Makes a state the latest. Only the writer calls it.
    pub fn publish(&self, state: PublishedState) {
        let list = std::iter::once(Arc::new(state)).chain(self.list().iter().take(RECENT).cloned()).collect::<Vec<_>>();
        self.publish_list(list.into());
    }

    /// Makes a state the only one in memory: it withdrew what the others have. Only the writer calls it.
    pub fn publish_alone(&self, state: PublishedState) {
        self.publish_list(Arc::new([Arc::new(state)]));
        self.earlier.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn publish_list(&self, list: LatestStates) {
        let next = self.at.load(Ordering::Acquire).wrapping_add(1);
        let before = {
            let mut place = self.places[next % PLACES].write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *place, list)
        };
        self.at.store(next, Ordering::Release);
        // Freed outside the lock.
        drop(before);
    }
}
