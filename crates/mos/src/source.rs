//! The sources of facts: who may feed the public perimeter, and whose word wins.

/// A source of facts. It owns what it says: a delivery replaces what it said before and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Key in the registry.
    pub code: &'static str,
    /// Published as open data by its producer: its facts may be public. Everything else stays restricted.
    pub open: bool,
    /// Where two sources give the same member, the lower rank wins; the other fills what is missing.
    pub rank: u8,
}

const fn s(code: &'static str, open: bool, rank: u8) -> Source {
    Source { code, open, rank }
}

/// All sources. FINESS is the authority for the structures it numbers; the restricted extractions know more than the
/// open ones, which know more than archives.
pub const SOURCES: &[Source] = &[
    s("finess-ej", true, 10),
    s("finess-eg", true, 10),
    s("finess-gr", true, 10),
    s("finess-geo", true, 60),
    s("finess-as", true, 10),
    s("finess-eml", true, 10),
    s("finess-soc", true, 10),
    s("fhir", true, 10),
    s("fhir-restreint", false, 11),
    s("r-personne", false, 20),
    s("r-etatciv", false, 20),
    s("r-langue", false, 20),
    s("r-coordcorresp", false, 20),
    s("r-diplobt", false, 20),
    s("r-autrediplobt", false, 20),
    s("r-autexerc", false, 20),
    s("r-exercpro", false, 20),
    s("r-referae", false, 20),
    s("r-savoirfaire", false, 20),
    s("r-attribpart", false, 20),
    s("r-cartepro", false, 20),
    s("r-activite", false, 20),
    s("r-coordact", false, 20),
    s("r-structure", false, 20),
    s("r-coordstruct", false, 20),
    s("r-geoloc", false, 60),
    s("r-adressemssante", false, 20),
    s("r-dernieradeli", false, 20),
    s("r-certificatpp", false, 20),
    s("r-certificatpm", false, 20),
    s("bascule", false, 20),
    s("psc", false, 30),
    s("psla", true, 40),
    s("psla-sf", true, 40),
    s("psla-dipl", true, 40),
    s("cps", true, 40),
    s("mss", true, 40),
    s("monotable", true, 50),
    s("ameli-ps", true, 60),
    s("ameli-cds", true, 60),
];

/// The source of a registry key. An unknown one is restricted and comes last.
#[must_use]
pub fn get(code: &str) -> Source {
    SOURCES.iter().find(|s| s.code == code).copied().unwrap_or(Source { code: "", open: false, rank: u8::MAX })
}
