//! A place, as it is told to users and asked of stores.

/// What a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceKind {
    /// A commune of today.
    Commune,
    /// A municipal district of Paris, Lyon or Marseille.
    District,
    /// A commune that another one holds today, or a former name of a commune.
    FormerCommune,
    /// A postal code, with all communes that have it.
    PostalCode,
    /// A department, or an overseas territory.
    Department,
    /// A region of today, or one of those that ended in 2016.
    Region,
}

/// A place, and what addresses in it contain. An address is in the place when one of these says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What users read: « Brest (29) », « Cherbourg-Octeville, aujourd’hui Cherbourg-en-Cotentin (50) »,
    /// « 29200 Brest », « Finistère (département 29) », « Bretagne (région) ».
    pub label: String,
    /// What it is.
    pub kind: PlaceKind,
    /// INSEE codes, that of today first; none for a department or a region.
    pub insee: Vec<String>,
    /// Postal codes; for a department or a region, beginnings of postal codes (`29`, `201`). A postal code may be shared with communes nearby.
    pub postal: Vec<String>,
    /// Folded names, as addresses write them, perhaps before a CEDEX; none for a department or a region. The names of a district do not
    /// contain that of its city alone.
    pub names: Vec<String>,
    /// Codes of departments (TRE_G09): one, or those of a region, or those that share a postal code.
    pub departments: Vec<String>,
}
