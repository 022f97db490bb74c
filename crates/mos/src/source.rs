//! The sources of the registry: which of them may feed the public perimeter, and in which order they are merged.

/// A source. It owns its objects: a delivery replaces what the source delivered before and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Key in the registry.
    pub code: &'static str,
    /// Whether its producer publishes it as open data. The objects of another source are never public.
    pub open: bool,
    /// Objects of a lower rank win; those of a higher rank fill what is missing.
    pub rank: u8,
}

const fn source(code: &'static str, open: bool, rank: u8) -> Source {
    Source { code, open, rank }
}

/// All sources. FINESS is the authority for the structures that it numbers; restricted extractions know more than open ones, and
/// these know more than archives.
pub const SOURCES: &[Source] = &[
    source("finess-ej", true, 10),
    source("finess-eg", true, 10),
    source("finess-gr", true, 10),
    source("finess-geo", true, 60),
    source("finess-as", true, 10),
    source("finess-eml", true, 10),
    source("finess-soc", true, 10),
    source("fhir", true, 10),
    source("fhir-restreint", false, 11),
    source("r-personne", false, 20),
    source("r-etatciv", false, 20),
    source("r-langue", false, 20),
    source("r-coordcorresp", false, 20),
    source("r-diplobt", false, 20),
    source("r-autrediplobt", false, 20),
    source("r-autexerc", false, 20),
    source("r-exercpro", false, 20),
    source("r-referae", false, 20),
    source("r-savoirfaire", false, 20),
    source("r-attribpart", false, 20),
    source("r-cartepro", false, 20),
    source("r-activite", false, 20),
    source("r-coordact", false, 20),
    source("r-structure", false, 20),
    source("r-coordstruct", false, 20),
    source("r-geoloc", false, 60),
    source("r-adressemssante", false, 20),
    source("r-dernieradeli", false, 20),
    source("r-certificatpp", false, 20),
    source("r-certificatpm", false, 20),
    source("bascule", false, 20),
    source("psc", false, 30),
    source("psla", true, 40),
    source("psla-sf", true, 40),
    source("psla-dipl", true, 40),
    source("cps", true, 40),
    source("mss", true, 40),
    source("monotable", true, 50),
    source("ameli-ps", true, 60),
    source("ameli-cds", true, 60),
];

/// The source with this key in the registry. An unknown source is restricted and comes last.
#[must_use]
pub fn get(code: &str) -> Source {
    SOURCES.iter().find(|s| s.code == code).copied().unwrap_or(Source { code: "", open: false, rank: u8::MAX })
}
