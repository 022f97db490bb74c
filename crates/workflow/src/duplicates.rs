//! One person, one number: how alike two identities are, where candidates are found, and what a manager may be told (registration
//! §8).

mod abuse;
mod blocking;
mod disclosure;
mod merge;
mod score;
mod traits;

pub use abuse::{SearchVerdict, alerts_support, search_verdict, wish_refusal};
pub use blocking::{BlockingKey, BlockingSource, blocking_keys};
pub use disclosure::{EntryDisclosure, MatchPlace, ORDER_SANCTION_TEXT, disclosure};
pub use merge::{MergeCandidate, MergeFault, may_undo_merge, survivor};
pub use score::{MatchClass, Score, ScoreLine, ScoredTrait, score};
pub use traits::{BirthPlace, IdentityTraits, is_strict_match, name_and_birth_agree};
