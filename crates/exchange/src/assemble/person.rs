//! Persons.

use super::address::contact;
use super::attachments::{certificate, personal_mailbox};
use super::values::{date, set_given, unique, value};
use crate::formats::Slot as S;
use crate::text::fields::LineFields;
use annuaire_mos::{
    AttributionParticuliere, AutorisationExercice, Coordonnees, Diplome, EtatCivil, ExerciceProfessionnel, IdentifiantAlternatif,
    InscriptionOrdre, Langue, Professionnel, SavoirFaire, SituationExercice,
};

/// A person out of the pieces of all lines about them.
pub(super) fn person(source: &str, id: &str, rows: &[LineFields<'_>]) -> Professionnel {
    let mut p = Professionnel { id_nat_ps: id.to_owned(), ..Default::default() };
    for r in rows {
        set_given(&mut p.type_id_nat_pp, value(r, S::TypeId));
        set_given(&mut p.id_pp, value(r, S::Numero));
        set_given(&mut p.civilite, value(r, S::Civilite));
        set_given(&mut p.date_maj, date(r, S::DateMaj));
        set_given(&mut p.autorite_enregistrement, r.get(S::Autorite).split('/').next().unwrap_or_default().to_owned());
        set_civil_status(&mut p, r);
        match source {
            "r-coordcorresp" => p.correspondance = Some(contact(r)),
            "psc" if !(r.get(S::TelephoneCorrespondance).is_empty() && r.get(S::CourrielCorrespondance).is_empty()) => {
                p.correspondance = Some(Coordonnees {
                    telephones: Some(value(r, S::TelephoneCorrespondance)).into_iter().filter(|t| !t.is_empty()).collect(),
                    courriel: value(r, S::CourrielCorrespondance),
                    ..Default::default()
                });
            }
            "bascule" => {
                (p.type_id_nat_pp, p.id_pp) = ("8".into(), value(r, S::Rpps));
            }
            _ => {}
        }
        add_titles(source, &mut p, r);
        add_attachments(&mut p, r);
        add_registration(source, &mut p, r);
        add_other_identifiers(&mut p, r);
        let always = matches!(source, "psla" | "psc" | "monotable" | "r-exercpro");
        if always || (source != "r-autexerc" && !r.get(S::Profession).is_empty()) {
            add_practice(source, &mut p, r);
        }
    }
    for e in &mut p.exercices {
        e.savoir_faire = unique(std::mem::take(&mut e.savoir_faire));
        e.situations = unique(std::mem::take(&mut e.situations));
    }
    p.diplomes = unique(p.diplomes);
    p.autorisations = unique(p.autorisations);
    p.boites_lettres = unique(p.boites_lettres);
    p.langues = unique(p.langues);
    p.attributions = unique(p.attributions);
    p.certificats = unique(p.certificats);
    p.inscriptions = unique(p.inscriptions);
    p.identifiants_alternatifs = unique(p.identifiants_alternatifs);
    p
}

/// Diplomas, authorisations, languages and attributions.
fn add_titles(source: &str, p: &mut Professionnel, r: &LineFields<'_>) {
    if !(r.get(S::TypeDiplome).is_empty() && r.get(S::Diplome).is_empty()) {
        p.diplomes.push(Diplome {
            // The file of other diplomas has no type column: it is the type.
            type_diplome: if source == "r-autrediplobt" { "AU".to_owned() } else { value(r, S::TypeDiplome) },
            code_diplome: value(r, S::Diplome),
            date_obtention: date(r, S::DateDebut),
            lieu_formation: value(r, S::LieuFormation),
        });
    }
    if !r.get(S::TypeAutorisation).is_empty() {
        p.autorisations.push(AutorisationExercice {
            type_autorisation: value(r, S::TypeAutorisation),
            discipline_autorisee: value(r, S::Discipline),
            profession: value(r, S::Profession),
            date_debut: date(r, S::DateDebut),
            date_fin: date(r, S::DateFin),
        });
    }
    if !r.get(S::Langue).is_empty() {
        p.langues.push(Langue { code: value(r, S::Langue), date_fin: date(r, S::DateFin) });
    }
    if !r.get(S::Attribution).is_empty() {
        p.attributions.push(AttributionParticuliere {
            code: value(r, S::Attribution),
            date_reconnaissance: date(r, S::DateDebut),
            date_abandon: date(r, S::DateFin),
        });
    }
}

fn add_attachments(p: &mut Professionnel, r: &LineFields<'_>) {
    if !r.get(S::AdresseBal).is_empty() {
        p.boites_lettres.push(personal_mailbox(r));
    }
    if !r.get(S::Emetteur).is_empty() {
        p.certificats.push(certificate(r));
    }
}

/// The registration with an order.
fn add_registration(source: &str, p: &mut Professionnel, r: &LineFields<'_>) {
    if !r.get(S::Ordre).is_empty() {
        let first = source == "r-exercpro";
        p.inscriptions.push(InscriptionOrdre {
            ordre: value(r, S::Ordre),
            departement: value(r, S::Departement),
            departement_accueil: value(r, S::DepartementAccueil),
            statut: value(r, S::Statut),
            date_debut: date(r, if first { S::DateAutorisation } else { S::DateDebut }),
            date_fin: if first { String::new() } else { date(r, S::DateFin) },
            profession: value(r, S::Profession),
            categorie_professionnelle: value(r, S::Categorie),
            premiere: first,
        });
    }
}

fn set_civil_status(p: &mut Professionnel, r: &LineFields<'_>) {
    if [S::NomFamille, S::Prenoms, S::DateNaissance, S::DateDeces, S::StatutEtatCivil].iter().all(|s| r.get(*s).is_empty()) {
        return;
    }
    p.etat_civil = Some(EtatCivil {
        nom_famille: value(r, S::NomFamille),
        // Three given names joined by apostrophes; a missing one leaves an empty part (`Ali''`).
        prenoms: r.get(S::Prenoms).split('\'').filter(|n| !n.is_empty()).map(str::to_owned).collect(),
        sexe_administratif: value(r, S::Sexe),
        date_naissance: date(r, S::DateNaissance),
        commune_naissance: value(r, S::CommuneNaissance),
        pays_naissance: value(r, S::PaysNaissance),
        lieu_naissance: value(r, S::LieuNaissance),
        date_deces: date(r, S::DateDeces),
        statut: value(r, S::StatutEtatCivil),
        date_effet: date(r, S::DateDebut),
    });
}

fn add_other_identifiers(p: &mut Professionnel, r: &LineFields<'_>) {
    if !r.get(S::Adeli).is_empty() {
        let id_nat_ps = format!("0{}", r.get(S::Adeli));
        p.identifiants_alternatifs.push(IdentifiantAlternatif { id_nat_ps, origine: "ADELI".to_owned(), ..Default::default() });
    }
    for one in r.get(S::AutresIdentifiants).split(';').filter(|o| !o.is_empty()) {
        let mut parts = one.split(',').map(str::to_owned);
        let (id_nat_ps, origine) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if id_nat_ps != p.id_nat_ps {
            p.identifiants_alternatifs.push(IdentifiantAlternatif { id_nat_ps, origine, ..Default::default() });
        }
    }
}

/// The practice of a line: profession, know-how and situation.
fn add_practice(source: &str, p: &mut Professionnel, r: &LineFields<'_>) {
    let (profession, categorie) = (r.get(S::Profession), r.get(S::Categorie));
    let at = p.exercices.iter().position(|e| e.profession == profession && e.categorie_professionnelle == categorie);
    let at = at.unwrap_or_else(|| {
        p.exercices.push(ExerciceProfessionnel {
            profession: profession.to_owned(),
            categorie_professionnelle: categorie.to_owned(),
            ..Default::default()
        });
        p.exercices.len() - 1
    });
    let national = p.id_nat_ps.clone();
    let e = &mut p.exercices[at];
    set_given(&mut e.civilite_exercice, value(r, S::CiviliteExercice));
    set_given(&mut e.nom_exercice, value(r, S::NomExercice));
    set_given(&mut e.prenom_exercice, value(r, S::PrenomExercice));
    if source == "r-exercpro" {
        set_given(&mut e.date_effet_exercice, date(r, S::DateDebut));
        set_given(&mut e.date_fin_effet_exercice, date(r, S::DateFin));
    }
    if !r.get(S::SavoirFaire).is_empty() {
        e.savoir_faire.push(SavoirFaire {
            type_savoir_faire: value(r, S::TypeSavoirFaire),
            code: value(r, S::SavoirFaire),
            date_reconnaissance: date(r, S::DateDebut),
            date_abandon: date(r, S::DateFin),
        });
    }
    if let Some(situation) = situation(source, &national, r) {
        e.situations.push(situation);
    }
}

/// The situation of a line about a practice of the person with this national number; `None` when it describes none.
fn situation(source: &str, national: &str, r: &LineFields<'_>) -> Option<SituationExercice> {
    let id = if r.get(S::IdActivite).is_empty() {
        if r.get(S::ModeExercice).is_empty() && r.get(S::Structure).is_empty() {
            return None;
        }
        // The file has no activity number: a key of its visible attributes stands in. Twenty digits keep 2.3 million of
        // them apart (expected collisions below 1e-6) and look like no national number.
        let seen = [S::Structure, S::ModeExercice, S::Section, S::Role, S::Genre].map(|s| r.get(s)).join("\u{1f}");
        let key = [national, r.get(S::Profession), r.get(S::Categorie), &seen].join("\u{1f}");
        format!("{:020}", xxhash_rust::xxh3::xxh3_64(key.as_bytes()))
    } else {
        value(r, S::IdActivite)
    };
    let numbered = !r.get(S::IdActivite).is_empty();
    Some(SituationExercice {
        id_situation_exercice: id,
        mode_exercice: value(r, S::ModeExercice),
        structure: value(r, S::Structure),
        section_ordre_pharmacien: value(r, S::Section),
        sous_section_ordre_pharmacien: value(r, S::SousSection),
        role: value(r, S::Role),
        genre_activite: value(r, S::Genre),
        type_activite_liberale: value(r, S::TypeLiberal),
        statut_professionnel_ssa: value(r, S::StatutSsa),
        statut_hospitalier: value(r, S::StatutHospitalier),
        date_debut: if numbered { date(r, S::DateDebut) } else { String::new() },
        date_fin: if numbered && source != "r-coordact" { date(r, S::DateFin) } else { String::new() },
        motif_fin: value(r, S::MotifFin),
        coordonnees: (source == "r-coordact").then(|| contact(r)),
    })
}
