//! The public part of domain objects.
//!
//! Each function copies the members that the public perimeter shows, by name. A member that is added to the domain stays
//! restricted until it is named here.

use annuaire_mos::{
    Adresse, AutorisationExercice, BoiteLettresMss, CarteProfessionnel, Diplome, ExerciceProfessionnel, Professionnel,
    SavoirFaire, SituationExercice, Structure,
};

/// The public part of a professional: no civil status, contact point, date or registration.
#[must_use]
pub fn public_professional(p: Professionnel) -> Professionnel {
    Professionnel {
        type_id_nat_pp: p.type_id_nat_pp,
        id_pp: p.id_pp,
        id_nat_ps: p.id_nat_ps,
        civilite: p.civilite,
        exercices: p.exercices.into_iter().map(public_practice).collect(),
        diplomes: p
            .diplomes
            .into_iter()
            .map(|d| Diplome { type_diplome: d.type_diplome, code_diplome: d.code_diplome, ..Default::default() })
            .collect(),
        autorisations: p
            .autorisations
            .into_iter()
            .map(|a| AutorisationExercice {
                type_autorisation: a.type_autorisation,
                discipline_autorisee: a.discipline_autorisee,
                ..Default::default()
            })
            .collect(),
        autorite_enregistrement: p.autorite_enregistrement,
        boites_lettres: p.boites_lettres,
        date_maj: p.date_maj,
        ..Default::default()
    }
}

/// The public part of a practice: know-how without dates, situations without contact points and dates.
fn public_practice(e: ExerciceProfessionnel) -> ExerciceProfessionnel {
    ExerciceProfessionnel {
        profession: e.profession,
        categorie_professionnelle: e.categorie_professionnelle,
        civilite_exercice: e.civilite_exercice,
        nom_exercice: e.nom_exercice,
        prenom_exercice: e.prenom_exercice,
        savoir_faire: e
            .savoir_faire
            .into_iter()
            .map(|s| SavoirFaire { type_savoir_faire: s.type_savoir_faire, code: s.code, ..Default::default() })
            .collect(),
        situations: e
            .situations
            .into_iter()
            .map(|s| SituationExercice {
                id_situation_exercice: s.id_situation_exercice,
                mode_exercice: s.mode_exercice,
                structure: s.structure,
                section_ordre_pharmacien: s.section_ordre_pharmacien,
                sous_section_ordre_pharmacien: s.sous_section_ordre_pharmacien,
                role: s.role,
                genre_activite: s.genre_activite,
                type_activite_liberale: s.type_activite_liberale,
                statut_professionnel_ssa: s.statut_professionnel_ssa,
                statut_hospitalier: s.statut_hospitalier,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

/// The public part of a card: neither the day of its opposition nor the content of its chip.
#[must_use]
pub fn public_card(c: CarteProfessionnel) -> CarteProfessionnel {
    CarteProfessionnel {
        numero_carte: c.numero_carte,
        type_carte: c.type_carte,
        profession: c.profession,
        categorie_professionnelle: c.categorie_professionnelle,
        date_debut_validite: c.date_debut_validite,
        date_fin_validite: c.date_fin_validite,
        ..Default::default()
    }
}

/// The public part of a mailbox. The open files hold no unlisted mailbox.
#[must_use]
pub fn public_mailbox(b: BoiteLettresMss) -> BoiteLettresMss {
    BoiteLettresMss {
        adresse: b.adresse,
        type_bal: b.type_bal,
        service_rattachement: b.service_rattachement,
        profession: b.profession,
        structure: b.structure,
    }
}

/// The public part of a structure: everything but its certificates.
#[must_use]
pub fn public_structure(s: Structure) -> Structure {
    Structure {
        id_technique: s.id_technique,
        entite_juridique: s.entite_juridique,
        ferme: s.ferme,
        id_nat_struct: s.id_nat_struct,
        num_siret: s.num_siret,
        num_siren: s.num_siren,
        num_finess: s.num_finess,
        num_finess_ej: s.num_finess_ej,
        rpps_rang: s.rpps_rang,
        raison_sociale: s.raison_sociale,
        enseigne_commerciale: s.enseigne_commerciale,
        secteur_activite: s.secteur_activite,
        categorie_etablissement: s.categorie_etablissement,
        statut_juridique: s.statut_juridique,
        participation_sph: s.participation_sph,
        mode_fixation_tarifaire: s.mode_fixation_tarifaire,
        types_budget: s.types_budget,
        code_ape: s.code_ape,
        licences_officine: s.licences_officine,
        date_ouverture: s.date_ouverture,
        date_fermeture: s.date_fermeture,
        adresse: Adresse { position: None, ..s.adresse },
        telephones: s.telephones,
        telecopie: s.telecopie,
        courriel: s.courriel,
        autorite_enregistrement: s.autorite_enregistrement,
        date_maj: s.date_maj,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_mos::{Certificat, Coordonnees, EtatCivil, InscriptionOrdre, Position};

    #[test]
    fn restricted_members_do_not_pass() {
        let secret = || "SECRET".to_owned();
        let person = Professionnel {
            id_pp: "10999000003".into(),
            exercices: vec![ExerciceProfessionnel {
                nom_exercice: "DUPONT".into(),
                date_effet_exercice: secret(),
                savoir_faire: vec![SavoirFaire { code: "SM04".into(), date_reconnaissance: secret(), ..Default::default() }],
                situations: vec![SituationExercice {
                    role: "FON-01".into(),
                    date_debut: secret(),
                    motif_fin: secret(),
                    coordonnees: Some(Coordonnees { courriel: secret(), ..Default::default() }),
                    ..Default::default()
                }],
                ..Default::default()
            }],
            diplomes: vec![Diplome { code_diplome: "DE28".into(), date_obtention: secret(), ..Default::default() }],
            etat_civil: Some(EtatCivil { nom_famille: secret(), ..Default::default() }),
            correspondance: Some(Coordonnees { courriel: secret(), ..Default::default() }),
            inscriptions: vec![InscriptionOrdre { ordre: secret(), ..Default::default() }],
            certificats: vec![Certificat { numero: secret(), ..Default::default() }],
            ..Default::default()
        };
        let public = public_professional(person);
        assert!(!format!("{public:?}").contains("SECRET"));
        let exercice = &public.exercices[0];
        assert_eq!((exercice.nom_exercice.as_str(), exercice.savoir_faire[0].code.as_str()), ("DUPONT", "SM04"));
        assert_eq!((exercice.situations[0].role.as_str(), public.diplomes[0].code_diplome.as_str()), ("FON-01", "DE28"));
        let card = CarteProfessionnel {
            numero_carte: "1".into(),
            date_opposition: secret(),
            id_nat_carte: secret(),
            ..Default::default()
        };
        assert!(!format!("{:?}", public_card(card)).contains("SECRET"));
        let structure = Structure {
            raison_sociale: "CLINIQUE".into(),
            certificats: vec![Certificat { numero: secret(), ..Default::default() }],
            adresse: Adresse { position: Some(Position { x: secret(), ..Default::default() }), ..Default::default() },
            ..Default::default()
        };
        assert!(!format!("{:?}", public_structure(structure)).contains("SECRET"));
    }
}
