//! Professions and specialties as people say them.

/// Words for a profession (codes of TRE_G15, R94, R95) or a specialty (codes `SM…` of TRE_R38).
pub(crate) struct SpokenCalling {
    pub codes: &'static [&'static str],
    pub words: &'static [&'static str],
}

/// Professions.
pub(crate) const PROFESSIONS: &[SpokenCalling] = &[
    SpokenCalling { codes: &["10"], words: &["médecin", "docteur", "toubib"] },
    SpokenCalling { codes: &["60"], words: &["infirmier", "infirmière", "infirmière libérale", "idel"] },
    SpokenCalling { codes: &["70"], words: &["kiné", "kine", "kinésithérapeute", "masseur kiné"] },
    SpokenCalling { codes: &["21"], words: &["pharmacien", "pharmacienne", "pharmacie"] },
    SpokenCalling { codes: &["40"], words: &["dentiste", "chirurgien dentiste"] },
    SpokenCalling { codes: &["50"], words: &["sage-femme", "sage femme"] },
    SpokenCalling { codes: &["93"], words: &["psychologue", "psy"] },
    SpokenCalling { codes: &["91"], words: &["orthophoniste", "ortophoniste"] },
    SpokenCalling { codes: &["92"], words: &["orthoptiste"] },
    SpokenCalling { codes: &["80"], words: &["podologue", "pédicure", "pédicure podologue"] },
    SpokenCalling { codes: &["28"], words: &["opticien", "opticien lunetier"] },
    SpokenCalling { codes: &["26"], words: &["audioprothésiste", "audio"] },
];

/// Specialties of physicians.
pub(crate) const SPECIALTIES: &[SpokenCalling] = &[
    SpokenCalling {
        codes: &["SM54", "SM26", "SM53"], words: &["généraliste", "médecin généraliste", "médecine générale"]
    },
    SpokenCalling { codes: &["SM04"], words: &["cardio", "cardiologue", "cardiologie"] },
    SpokenCalling { codes: &["SM42"], words: &["psychiatre", "psychiatrie"] },
    SpokenCalling { codes: &["SM02"], words: &["anesthésiste", "anesthésie"] },
    SpokenCalling { codes: &["SM40"], words: &["pédiatre", "pédiatrie"] },
    SpokenCalling { codes: &["SM20"], words: &["gynéco", "gynécologue", "obstétricien"] },
    SpokenCalling { codes: &["SM38"], words: &["ophtalmo", "ophtalmologue", "ophtalmologiste"] },
    SpokenCalling { codes: &["SM44"], words: &["radiologue", "radio"] },
    SpokenCalling { codes: &["SM05"], words: &["chirurgien", "chirurgie"] },
    SpokenCalling { codes: &["SM15"], words: &["dermato", "dermatologue", "dermatologie"] },
    SpokenCalling { codes: &["SM24"], words: &["gastro", "gastro-entérologue", "gastroentérologue"] },
    SpokenCalling { codes: &["SM16"], words: &["endocrino", "endocrinologue"] },
];

/// The calling of one of these codes, if people have a word for it.
pub(crate) fn calling_of(all: &'static [SpokenCalling], codes: &[String]) -> Option<&'static SpokenCalling> {
    all.iter().find(|calling| codes.iter().any(|code| calling.codes.contains(&code.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_nos::Nos;

    #[test]
    fn every_code_exists() {
        let nos = Nos::embedded();
        for code in PROFESSIONS.iter().flat_map(|c| c.codes) {
            assert!(nos.profession(code).is_some(), "{code}");
        }
        for code in SPECIALTIES.iter().flat_map(|c| c.codes) {
            assert!(nos.table("TRE_R38").unwrap().get(code).is_some(), "{code}");
        }
    }
}
