//! Putting together what several sources say of one person or structure.

use crate::{Adresse, ExerciceProfessionnel, Professionnel, Structure};

fn fill(mine: &mut String, other: String) {
    if mine.is_empty() {
        *mine = other;
    }
}

/// Adds what `other` has and `mine` has not, by `key`; the first word on a key stands.
fn union<T: Ord, K: PartialEq>(mine: &mut Vec<T>, other: Vec<T>, key: impl Fn(&T) -> K) {
    for o in other {
        if !mine.iter().any(|m| key(m) == key(&o)) {
            mine.push(o);
        }
    }
    mine.sort();
}

impl Professionnel {
    /// Adds the words of a source of lower authority: fills what is missing, never contradicts. The situations of a
    /// person are numbered by each source in its own way, so one source gives them all: the first that has any.
    pub fn merge(&mut self, other: Self) {
        if self.id_nat_ps.is_empty() {
            self.type_id_nat_pp = other.type_id_nat_pp;
            self.id_pp = other.id_pp;
            self.id_nat_ps = other.id_nat_ps;
        }
        fill(&mut self.civilite, other.civilite);
        fill(&mut self.autorite_enregistrement, other.autorite_enregistrement);
        fill(&mut self.date_maj, other.date_maj);
        let numbered = self.exercices.iter().any(|e| !e.situations.is_empty());
        for e in other.exercices {
            let same = |m: &&mut ExerciceProfessionnel| {
                m.profession == e.profession && m.categorie_professionnelle == e.categorie_professionnelle
            };
            match self.exercices.iter_mut().find(same) {
                Some(mine) => mine.merge(e, numbered),
                None if numbered => self.exercices.push(ExerciceProfessionnel { situations: Vec::new(), ..e }),
                None => self.exercices.push(e),
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
    fn merge(&mut self, other: Self, numbered: bool) {
        if self.nom_exercice.is_empty() {
            self.nom_exercice = other.nom_exercice;
            self.prenom_exercice = other.prenom_exercice;
        }
        fill(&mut self.civilite_exercice, other.civilite_exercice);
        fill(&mut self.date_effet_exercice, other.date_effet_exercice);
        fill(&mut self.date_fin_effet_exercice, other.date_fin_effet_exercice);
        union(&mut self.savoir_faire, other.savoir_faire, |s| (s.type_savoir_faire.clone(), s.code.clone()));
        if numbered {
            // Another file of the same source family adds to a situation that it names by the same number.
            for o in other.situations {
                let mine = self.situations.iter_mut().find(|m| m.id_situation_exercice == o.id_situation_exercice);
                if let Some(mine) = mine {
                    mine.coordonnees = mine.coordonnees.take().or(o.coordonnees);
                }
            }
        } else {
            self.situations = other.situations;
        }
    }
}

impl Structure {
    /// Adds the words of a source of lower authority: fills what is missing, never contradicts. An address is taken
    /// whole from one source, so that no street ends up in the wrong town.
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
