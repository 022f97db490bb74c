//! Completing what one owner knows of a person or structure by what a weaker owner knows.

use crate::adresse::Adresse;
use crate::exercice::ExerciceProfessionnel;
use crate::professionnel::Professionnel;
use crate::situation::SituationExercice;
use crate::structure::Structure;

impl Professionnel {
    /// Fills what is missing from the object of a weaker owner; contradicts nothing.
    ///
    /// Each file numbers the situations of a person in its own way, so that they cannot be united: the first one that has
    /// situations gives them all.
    pub fn merge(&mut self, other: Self) {
        if self.id_nat_ps.is_empty() {
            self.type_id_nat_pp = other.type_id_nat_pp;
            self.id_pp = other.id_pp;
            self.id_nat_ps = other.id_nat_ps;
        }
        fill(&mut self.civilite, other.civilite);
        fill(&mut self.autorite_enregistrement, other.autorite_enregistrement);
        fill(&mut self.date_maj, other.date_maj);
        let has_situations = self.exercices.iter().any(|e| !e.situations.is_empty());
        for mut exercice in other.exercices {
            let situations = std::mem::take(&mut exercice.situations);
            let same_practice = |e: &&mut ExerciceProfessionnel| {
                e.profession == exercice.profession && e.categorie_professionnelle == exercice.categorie_professionnelle
            };
            match (self.exercices.iter_mut().find(same_practice), has_situations) {
                (Some(known), true) => {
                    known.merge(exercice);
                    known.complete_situations(situations);
                }
                (Some(known), false) => {
                    known.merge(exercice);
                    known.situations = situations;
                }
                (None, true) => self.exercices.push(exercice),
                (None, false) => self.exercices.push(ExerciceProfessionnel { situations, ..exercice }),
            }
        }
        union(&mut self.diplomes, other.diplomes, |d| (d.type_diplome.clone(), d.code_diplome.clone()));
        union(&mut self.autorisations, other.autorisations, |a| (a.type_autorisation.clone(), a.discipline_autorisee.clone()));
        union(&mut self.boites_lettres, other.boites_lettres, |b| b.adresse.clone());
        union(&mut self.inscriptions, other.inscriptions, |i| {
            (i.ordre.clone(), i.departement.clone(), i.date_debut.clone(), i.profession.clone())
        });
        union(&mut self.attributions, other.attributions, |a| (a.code.clone(), a.date_reconnaissance.clone()));
        union(&mut self.langues, other.langues, |l| l.code.clone());
        union(&mut self.certificats, other.certificats, |c| c.numero.clone());
        union(&mut self.identifiants_alternatifs, other.identifiants_alternatifs, |i| i.id_nat_ps.clone());
        self.etat_civil = self.etat_civil.take().or(other.etat_civil);
        self.correspondance = self.correspondance.take().or(other.correspondance);
    }
}

impl ExerciceProfessionnel {
    /// Fills what is missing of a practice, but for its situations.
    fn merge(&mut self, other: Self) {
        // The two names come from one source.
        if self.nom_exercice.is_empty() {
            self.nom_exercice = other.nom_exercice;
            self.prenom_exercice = other.prenom_exercice;
        }
        fill(&mut self.civilite_exercice, other.civilite_exercice);
        fill(&mut self.date_effet_exercice, other.date_effet_exercice);
        fill(&mut self.date_fin_effet_exercice, other.date_fin_effet_exercice);
        union(&mut self.savoir_faire, other.savoir_faire, |s| (s.type_savoir_faire.clone(), s.code.clone()));
    }

    /// Another file of the same family of sources gives contact points to situations that it names by the same number.
    fn complete_situations(&mut self, others: Vec<SituationExercice>) {
        for other in others {
            let known = self.situations.iter_mut().find(|s| s.id_situation_exercice == other.id_situation_exercice);
            if let Some(known) = known {
                known.coordonnees = known.coordonnees.take().or(other.coordonnees);
            }
        }
    }
}

impl Structure {
    /// Fills what is missing from the object of a weaker owner; contradicts nothing.
    ///
    /// The members of an address come from one source, so that no street ends up in the wrong town.
    pub fn merge(&mut self, other: Self) {
        macro_rules! fill_all {
            ($($field:ident),*) => { $(fill(&mut self.$field, other.$field);)* };
        }
        fill_all!(
            id_technique,
            id_nat_struct,
            num_siret,
            num_siren,
            num_finess,
            num_finess_ej,
            rpps_rang,
            adeli_rang,
            num_uai,
            raison_sociale,
            enseigne_commerciale,
            secteur_activite,
            categorie_etablissement,
            statut_juridique,
            participation_sph,
            mode_fixation_tarifaire,
            code_ape,
            date_ouverture,
            date_fermeture,
            date_autorisation,
            telecopie,
            courriel,
            autorite_enregistrement,
            date_maj
        );
        self.entite_juridique |= other.entite_juridique;
        self.ferme |= other.ferme;
        if self.types_budget.is_empty() {
            self.types_budget = other.types_budget;
        }
        if self.licences_officine.is_empty() {
            self.licences_officine = other.licences_officine;
        }
        if self.telephones.is_empty() {
            self.telephones = other.telephones;
        }
        union(&mut self.certificats, other.certificats, |c| c.numero.clone());
        let position = self.adresse.position.take().or_else(|| other.adresse.position.clone());
        if self.adresse == Adresse::default() {
            self.adresse = other.adresse;
        }
        self.adresse.position = position;
    }
}

/// Takes a text where there is none.
fn fill(text: &mut String, other: String) {
    if text.is_empty() {
        *text = other;
    }
}

/// Adds the elements of `others` whose key `list` does not have yet.
fn union<T: Ord, K: PartialEq>(list: &mut Vec<T>, others: Vec<T>, key: impl Fn(&T) -> K) {
    for other in others {
        if !list.iter().any(|known| key(known) == key(&other)) {
            list.push(other);
        }
    }
    list.sort();
}

#[cfg(test)]
mod tests {
    use crate::{Adresse, ExerciceProfessionnel, Position, Professionnel, SavoirFaire, SituationExercice, Structure};

    #[test]
    fn a_second_source_fills_and_never_contradicts() {
        let text = |s: &str| s.to_owned();
        let mut finess = Structure {
            raison_sociale: text("CH"),
            adresse: Adresse { localite: text("METZ"), ..Default::default() },
            ..Default::default()
        };
        finess.merge(Structure {
            raison_sociale: text("CENTRE"),
            secteur_activite: text("SA01"),
            adresse: Adresse { libelle_voie: text("DES LILAS"), localite: text("LYON"), ..Default::default() },
            ..Default::default()
        });
        assert_eq!((finess.raison_sociale.as_str(), finess.secteur_activite.as_str()), ("CH", "SA01"));
        assert_eq!((finess.adresse.libelle_voie.as_str(), finess.adresse.localite.as_str()), ("", "METZ"));
        finess.merge(Structure {
            adresse: Adresse { position: Some(Position { x: text("9"), ..Default::default() }), ..Default::default() },
            ..Default::default()
        });
        assert_eq!(finess.adresse.position.map(|p| p.x).as_deref(), Some("9"));
    }

    #[test]
    fn one_source_numbers_the_situations() {
        let person = |key: &str, know: &str| Professionnel {
            exercices: vec![ExerciceProfessionnel {
                profession: "10".into(),
                savoir_faire: vec![SavoirFaire { code: know.into(), ..Default::default() }],
                situations: vec![SituationExercice { id_situation_exercice: key.into(), ..Default::default() }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let mut a = person("1", "SM04");
        a.merge(person("00000000000000000002", "SM26"));
        assert_eq!(a.exercices[0].situations.len(), 1);
        assert_eq!(a.exercices[0].savoir_faire.len(), 2);
    }
}
