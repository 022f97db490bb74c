//! The audience of what is published.

use annuaire_base::fact::Publication;

/// The audience of a publication store, an export or an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Perimeter {
    /// Données publiques: anyone. Of open facts, the members that [`public`](crate::public) names.
    Public,
    /// Données à diffusion restreinte: bodies named by the order. All facts, whole.
    Restricted,
}

impl Perimeter {
    /// Whether facts of this publication count in the perimeter at all.
    #[must_use]
    pub const fn counts(self, publication: Publication) -> bool {
        matches!((self, publication), (Self::Restricted, _) | (Self::Public, Publication::Open))
    }
}
