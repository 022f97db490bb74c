//! The public part of every kind of object (data-perimeters §3), by enumeration.
//!
//! Each function copies the members that the public perimeter shows, by name. A member that is added to the domain stays
//! restricted until it is named here. A resource of another directory is reduced when its form is made, by the enumeration of the
//! public profiles in `annuaire-fhir`.

use annuaire_mos::{
    Activite, ActiviteAutorisee, Adresse, AutorisationExercice, BoiteLettresMss, CarteProfessionnel, Diplome, ExerciceEnregistre,
    ExerciceProfessionnel, Objet, Professionnel, SavoirFaire, SituationEnregistree, SituationExercice, Structure,
};

/// The public part of the content of a fact; `None` when nothing of it is ever public.
#[must_use]
pub fn public_object(object: Objet) -> Option<Objet> {
    Some(match object {
        Objet::Professionnel(p) => Objet::Professionnel(public_professional(p)),
        Objet::Structure(s) => Objet::Structure(public_structure(s)),
        Objet::Cartes { cartes } => Objet::Cartes { cartes: cartes.into_iter().map(public_card).collect() },
        Objet::BoitesLettres { boites } => Objet::BoitesLettres { boites: boites.into_iter().map(public_mailbox).collect() },
        Objet::Exercice(e) => Objet::Exercice(public_registered_practice(e)),
        Objet::Situation(s) => Objet::Situation(public_registered_situation(s)),
        Objet::Activite(a) => Objet::Activite(public_authorised_activity(a)),
        // Whoever makes its form reduces it.
        Objet::Ressource { json } => Objet::Ressource { json },
        // Civil status and contact data are restricted as a whole. Groups and lines of the health insurance have no published
        // form.
        Objet::EtatCivil { .. } | Objet::Contact { .. } | Objet::Groupement(_) | Objet::Ameli(_) => return None,
    })
}

/// The public part of a professional: no civil status, contact point, date or registration.
#[must_use]
pub fn public_professional(p: Professionnel) -> Professionnel {
    Professionnel {
        type_id_nat_pp: p.type_id_nat_pp,
        id_pp: p.id_pp,
        id_nat_ps: p.id_nat_ps,
        civilite: p.civilite,
        exercices: p.exercices.into_iter().map(public_practice).collect(),
        diplomes: p.diplomes.into_iter().map(public_diploma).collect(),
        autorisations: p.autorisations.into_iter().map(public_authorisation).collect(),
        autorite_enregistrement: p.autorite_enregistrement,
        boites_lettres: p.boites_lettres.into_iter().map(public_mailbox).collect(),
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
        situations: e.situations.into_iter().map(public_situation).collect(),
        ..Default::default()
    }
}

fn public_situation(s: SituationExercice) -> SituationExercice {
    SituationExercice {
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
    }
}

fn public_diploma(d: Diplome) -> Diplome {
    Diplome { type_diplome: d.type_diplome, code_diplome: d.code_diplome, ..Default::default() }
}

fn public_authorisation(a: AutorisationExercice) -> AutorisationExercice {
    AutorisationExercice {
        type_autorisation: a.type_autorisation,
        discipline_autorisee: a.discipline_autorisee,
        ..Default::default()
    }
}

/// The public part of a registered practice: no date and no registration with the authority.
fn public_registered_practice(e: ExerciceEnregistre) -> ExerciceEnregistre {
    ExerciceEnregistre {
        exercice: public_practice(e.exercice),
        diplomes: e.diplomes.into_iter().map(public_diploma).collect(),
        autorisations: e.autorisations.into_iter().map(public_authorisation).collect(),
        autorite_enregistrement: e.autorite_enregistrement,
        date_maj: e.date_maj,
        ..Default::default()
    }
}

/// The public part of a registered situation: no date and no contact point.
fn public_registered_situation(s: SituationEnregistree) -> SituationEnregistree {
    SituationEnregistree {
        profession: s.profession,
        categorie_professionnelle: s.categorie_professionnelle,
        situation: public_situation(s.situation),
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

/// The public part of a structure: everything but its certificates and its point on the map.
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
        adresse: public_address(s.adresse),
        telephones: s.telephones,
        telecopie: s.telecopie,
        courriel: s.courriel,
        autorite_enregistrement: s.autorite_enregistrement,
        date_maj: s.date_maj,
        ..Default::default()
    }
}

/// The public part of an address: everything but its point on the map.
fn public_address(a: Adresse) -> Adresse {
    Adresse {
        point_remise: a.point_remise,
        complement_point_geographique: a.complement_point_geographique,
        numero_voie: a.numero_voie,
        extension: a.extension,
        type_voie: a.type_voie,
        libelle_voie: a.libelle_voie,
        lieu_dit: a.lieu_dit,
        mention_distribution: a.mention_distribution,
        bureau_cedex: a.bureau_cedex,
        code_postal: a.code_postal,
        cog_commune: a.cog_commune,
        localite: a.localite,
        pays: a.pays,
        position: None,
    }
}

/// The public part of an authorised activity, with the establishments that carry it out: all that FINESS publishes.
#[must_use]
pub fn public_authorised_activity(a: ActiviteAutorisee) -> ActiviteAutorisee {
    ActiviteAutorisee {
        id: a.id,
        autorisee: public_activity(a.autorisee),
        exercees: a.exercees.into_iter().map(public_activity).collect(),
    }
}

fn public_activity(a: Activite) -> Activite {
    Activite {
        id: a.id,
        nature: a.nature,
        num_finess: a.num_finess,
        inactive: a.inactive,
        num_autorisation_arhgos: a.num_autorisation_arhgos,
        activite: a.activite,
        modalite: a.modalite,
        forme: a.forme,
        public: a.public,
        marque: a.marque,
        numero_serie: a.numero_serie,
        date_autorisation: a.date_autorisation,
        date_mise_en_oeuvre: a.date_mise_en_oeuvre,
        date_fin: a.date_fin,
        date_maj: a.date_maj,
        age_min: a.age_min,
        age_max: a.age_max,
        capacite: a.capacite,
        capacite_habilitee: a.capacite_habilitee,
        capacite_installee: a.capacite_installee,
        capacite_installee_habilitee: a.capacite_installee_habilitee,
        date_installation: a.date_installation,
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

    #[test]
    fn of_what_an_authority_states_practice_and_situation_are_public_without_days() {
        let secret = || "SECRET".to_owned();
        let practice = ExerciceEnregistre {
            exercice: ExerciceProfessionnel {
                nom_exercice: "DUPONT".into(),
                date_fin_effet_exercice: secret(),
                ..Default::default()
            },
            diplomes: vec![Diplome { code_diplome: "DE28".into(), lieu_formation: secret(), ..Default::default() }],
            autorisations: vec![AutorisationExercice { date_fin: secret(), ..Default::default() }],
            inscriptions: vec![InscriptionOrdre { ordre: secret(), ..Default::default() }],
            autorite_enregistrement: "CNOM".into(),
            date_maj: "2026-11-26".into(),
        };
        let situation = SituationEnregistree {
            profession: "10".into(),
            categorie_professionnelle: "C".into(),
            situation: SituationExercice {
                role: "FON-01".into(),
                date_debut: secret(),
                date_fin: secret(),
                coordonnees: Some(Coordonnees { courriel: secret(), ..Default::default() }),
                ..Default::default()
            },
        };
        for (object, shown) in [(Objet::Exercice(practice), "DE28"), (Objet::Situation(situation), "FON-01")] {
            let public = format!("{:?}", public_object(object).unwrap());
            assert!(!public.contains("SECRET") && public.contains(shown), "{public}");
        }
        let civil = EtatCivil { nom_famille: secret(), ..Default::default() };
        assert_eq!(public_object(Objet::EtatCivil { civilite: secret(), etat_civil: civil }), None);
        assert_eq!(public_object(Objet::Contact { correspondance: Coordonnees::default() }), None);
    }
}
