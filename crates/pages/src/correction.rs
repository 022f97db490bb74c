//! Who corrects what is published: the authority that the data names, else the one that registers the profession.

use annuaire_nos::Nos;

/// Somebody to whom a reader reports an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DataCorrector {
    /// Name with its article, as it follows « Signaler une erreur à » or « auprès de »: « l’Ordre des médecins ».
    pub name: String,
    /// Address of its site; empty when it has none of its own.
    pub site: &'static str,
}

/// Orders and the army (TRE_R60): code, name with its article, site, and the profession of TRE_G15 that it registers.
const AUTHORITIES: [(&str, &str, &str, &str); 8] = [
    ("CNOM", "l’Ordre des médecins", "https://www.conseil-national.medecin.fr/", "10"),
    ("CNOP", "l’Ordre des pharmaciens", "https://www.ordre.pharmacien.fr/", "21"),
    ("ONCD", "l’Ordre des chirurgiens-dentistes", "https://www.ordre-chirurgiens-dentistes.fr/", "40"),
    ("CNOSF", "l’Ordre des sages-femmes", "https://www.ordre-sages-femmes.fr/", "50"),
    ("ONI", "l’Ordre des infirmiers", "https://www.ordre-infirmiers.fr/", "60"),
    ("CNOMK", "l’Ordre des masseurs-kinésithérapeutes", "https://www.ordremk.fr/", "70"),
    ("CNOPP", "l’Ordre des pédicures-podologues", "https://www.onpp.fr/", "80"),
    ("SSA", "le Service de santé des armées", "https://www.defense.gouv.fr/sante", ""),
];
const AGENCIES: &str = "https://www.ars.sante.fr/";

/// Who corrects the facts of a professional. `authority` is the code that the data names, or empty; then `profession` decides.
pub(crate) fn corrector_of_professional(authority: &str, profession: &str) -> DataCorrector {
    let row = match authority {
        "" => AUTHORITIES.iter().find(|row| !profession.is_empty() && row.3 == profession),
        code => AUTHORITIES.iter().find(|row| row.0 == code),
    };
    if let Some((_, name, site, _)) = row {
        return DataCorrector { name: (*name).to_owned(), site };
    }
    match authority {
        "ENREG" => DataCorrector { name: "l’établissement où exerce ce professionnel".to_owned(), site: "" },
        code => agency(code),
    }
}

/// Who corrects the facts of a structure: the agency that the data names, or that of its region.
pub(crate) fn corrector_of_structure(authority: &str) -> DataCorrector {
    match AUTHORITIES.iter().any(|row| row.0 == authority) {
        true => corrector_of_professional(authority, ""),
        false => agency(authority),
    }
}

/// An agency by its code, `ARS-53` or `AT-975`, in the words of its label « ARS-53 : Bretagne »; that of the region for another code.
fn agency(code: &str) -> DataCorrector {
    let concept = Nos::embedded().table("TRE_R60").and_then(|table| table.get(code));
    let region = concept.and_then(|concept| concept.label.split_once(" : ")).map(|(_, region)| region);
    let name = match region {
        Some(region) if code.starts_with("ARS-") => format!("l’agence régionale de santé ({region})"),
        Some(name) if code.starts_with("AT-") => format!("l’{name}"),
        _ => "l’agence régionale de santé".to_owned(),
    };
    DataCorrector { name, site: AGENCIES }
}

#[cfg(test)]
mod tests {
    use super::{AUTHORITIES, corrector_of_professional, corrector_of_structure};
    use annuaire_nos::Nos;

    #[test]
    fn the_authority_of_the_data_wins_over_that_of_the_profession() {
        let name = |authority: &str, profession: &str| corrector_of_professional(authority, profession).name;
        assert_eq!(name("CNOM", "60"), "l’Ordre des médecins");
        assert_eq!(name("", "60"), "l’Ordre des infirmiers");
        assert_eq!(name("ARS-53", "10"), "l’agence régionale de santé (Bretagne)");
        assert_eq!(name("ENREG", "10"), "l’établissement où exerce ce professionnel");
        assert_eq!(name("", ""), "l’agence régionale de santé");
        assert_eq!(name("?", "10"), "l’agence régionale de santé");
        assert_eq!(corrector_of_structure("CNOP").name, "l’Ordre des pharmaciens");
        assert_eq!(corrector_of_structure("").name, "l’agence régionale de santé");
        assert!(corrector_of_structure("AT-975").name.starts_with("l’ATS "), "{:?}", corrector_of_structure("AT-975"));
    }

    /// Every authority of the terminology that is no agency and no structure has a row here.
    #[test]
    fn no_authority_is_forgotten() {
        let table = Nos::embedded().table("TRE_R60").unwrap();
        for concept in table.concepts() {
            let is_other = ["ARS-", "AT-", "ENREG"].iter().any(|begin| concept.code.starts_with(begin));
            assert!(is_other || AUTHORITIES.iter().any(|row| row.0 == concept.code), "{}", concept.code);
        }
        for (_, _, site, profession) in AUTHORITIES {
            assert!(site.starts_with("https://") && (profession.is_empty() || Nos::embedded().profession(profession).is_some()));
        }
    }
}
