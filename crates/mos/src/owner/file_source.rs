//! Files and feeds that the program reads: the owners that it knows without being told.

use super::identity::{Owner, OwnerKind};
use super::strength::Standing::{self, Directory, Insurance, Register};

/// A file or feed that the program reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSource {
    /// Code of the owner.
    pub code: &'static str,
    /// Who makes it.
    pub producer: Standing,
    /// Whether its producer publishes it as open data: the publication of its facts.
    pub open: bool,
    /// Among the files of one producer, those of a lower rank decide and those of a higher rank fill.
    pub rank: u8,
}

impl FileSource {
    /// The owner, as the registry keeps it.
    #[must_use]
    pub fn owner(&self) -> Owner {
        let &Self { code, producer, open, rank } = self;
        Owner { code: code.to_owned(), kind: OwnerKind::File { producer, rank, open } }
    }
}

const fn file(code: &'static str, producer: Standing, open: bool, rank: u8) -> FileSource {
    FileSource { code, producer, open, rank }
}

/// FINESS is the authority for the structures that it numbers; restricted extractions know more than open ones, and these know
/// more than archives.
const FILE_SOURCES: &[FileSource] = &[
    file("finess-ej", Register, true, 10),
    file("finess-eg", Register, true, 10),
    file("finess-gr", Register, true, 10),
    file("finess-geo", Register, true, 60),
    file("finess-as", Register, true, 10),
    file("finess-eml", Register, true, 10),
    file("finess-soc", Register, true, 10),
    file("fhir", Directory, true, 10),
    file("fhir-restreint", Directory, false, 11),
    file("r-personne", Register, false, 20),
    file("r-etatciv", Register, false, 20),
    file("r-langue", Register, false, 20),
    file("r-coordcorresp", Register, false, 20),
    file("r-diplobt", Register, false, 20),
    file("r-autrediplobt", Register, false, 20),
    file("r-autexerc", Register, false, 20),
    file("r-exercpro", Register, false, 20),
    file("r-referae", Register, false, 20),
    file("r-savoirfaire", Register, false, 20),
    file("r-attribpart", Register, false, 20),
    file("r-cartepro", Register, false, 20),
    file("r-activite", Register, false, 20),
    file("r-coordact", Register, false, 20),
    file("r-structure", Register, false, 20),
    file("r-coordstruct", Register, false, 20),
    file("r-geoloc", Register, false, 60),
    file("r-adressemssante", Register, false, 20),
    file("r-dernieradeli", Register, false, 20),
    file("r-certificatpp", Register, false, 20),
    file("r-certificatpm", Register, false, 20),
    file("bascule", Register, false, 20),
    // What `annuaire adeli load` applies. Not the owner above, whose next delivery would end it.
    file("adeli", Register, false, 20),
    file("psc", Register, false, 30),
    file("psla", Register, true, 40),
    file("psla-sf", Register, true, 40),
    file("psla-dipl", Register, true, 40),
    file("cps", Register, true, 40),
    file("mss", Register, true, 40),
    file("monotable", Register, true, 50),
    file("ameli-ps", Insurance, true, 60),
    file("ameli-cds", Insurance, true, 60),
];

/// All files and feeds.
#[must_use]
pub const fn file_sources() -> &'static [FileSource] {
    FILE_SOURCES
}

/// The file or feed with this code; `None` for any other owner.
#[must_use]
pub fn file_source(code: &str) -> Option<&'static FileSource> {
    FILE_SOURCES.iter().find(|source| source.code == code)
}

#[cfg(test)]
mod tests {
    use super::{Standing, file_source, file_sources};
    use crate::owner::Facet;

    /// For readers who know the domain and not this program: which files decide, in which order. In capitals: open data.
    #[test]
    fn files_by_rank() {
        let mut table = String::new();
        let mut files: Vec<_> = file_sources().to_vec();
        files.sort_by_key(|f| (f.owner().strength(&Facet::Whole), f.code));
        for same_rank in files.chunk_by(|a, b| (a.producer, a.rank) == (b.producer, b.rank)) {
            let name = |f: &super::FileSource| if f.open { f.code.to_uppercase() } else { f.code.to_owned() };
            let names: Vec<String> = same_rank.iter().map(name).collect();
            table += &format!("{:?} {}: {}\n", same_rank[0].producer, same_rank[0].rank, names.join(" "));
        }
        assert_eq!(
            table,
            "\
Register 10: FINESS-AS FINESS-EG FINESS-EJ FINESS-EML FINESS-GR FINESS-SOC
Register 20: adeli bascule r-activite r-adressemssante r-attribpart r-autexerc r-autrediplobt r-cartepro r-certificatpm r-certificatpp r-coordact r-coordcorresp r-coordstruct r-dernieradeli r-diplobt r-etatciv r-exercpro r-langue r-personne r-referae r-savoirfaire r-structure
Register 30: psc
Register 40: CPS MSS PSLA PSLA-DIPL PSLA-SF
Register 50: MONOTABLE
Register 60: FINESS-GEO r-geoloc
Directory 10: FHIR
Directory 11: fhir-restreint
Insurance 60: AMELI-CDS AMELI-PS
"
        );
    }

    #[test]
    fn codes_are_unique_and_others_are_unknown() {
        let mut codes: Vec<&str> = file_sources().iter().map(|f| f.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), file_sources().len());
        assert_eq!(file_source("psla").map(|f| f.rank), Some(40));
        assert!(["", "PSLA", "CNOM", "psla "].iter().all(|code| file_source(code).is_none()));
    }

    /// The order of files of national registers is that of their ranks alone.
    #[test]
    fn ranks_are_the_order_of_register_files() {
        let register = || file_sources().iter().filter(|f| f.producer == Standing::Register);
        for (a, b) in register().flat_map(|a| register().map(move |b| (a, b))) {
            let strength = |f: &super::FileSource| f.owner().strength(&Facet::Whole);
            assert_eq!(a.rank.cmp(&b.rank), strength(a).cmp(&strength(b)), "{} {}", a.code, b.code);
        }
    }
}
