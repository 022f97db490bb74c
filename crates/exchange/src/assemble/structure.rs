//! Structures and their activities.

use super::address::{address, phones};
use super::attachments::certificate;
use super::values::{date, set_given, unique, value};
use crate::formats::Slot as S;
use crate::text::fields::LineFields;
use annuaire_mos::{Activite, ActiviteAutorisee, Adresse, Structure};

/// A structure out of the pieces of all lines about it.
pub(super) fn structure(source: &str, id: &str, rows: &[LineFields<'_>]) -> Structure {
    let mut s = Structure { id_technique: id.to_owned(), ..Default::default() };
    // The restricted file writes a practice twice, as its own legal body (EJ) and as the place (EG): it is a place.
    let place = rows.iter().any(|r| r.get(S::Nature) == "EG");
    for r in rows {
        let ej = r.get(S::FinessEj);
        let legal = !place && (r.get(S::Nature) == "EJ" || (!ej.is_empty() && id.strip_prefix('F') == Some(ej)));
        s.entite_juridique |= legal;
        if legal {
            set_given(&mut s.num_finess, ej.to_owned());
        } else {
            set_given(&mut s.num_finess_ej, ej.to_owned());
            set_given(&mut s.num_finess, value(r, S::Finess));
        }
        for (mine, slot) in [
            (&mut s.id_nat_struct, S::AncienId),
            (&mut s.num_siret, S::Siret),
            (&mut s.num_siren, S::Siren),
            (&mut s.rpps_rang, S::RppsRang),
            (&mut s.adeli_rang, S::AdeliRang),
            (&mut s.num_uai, S::Uai),
            (&mut s.raison_sociale, S::RaisonSociale),
            (&mut s.enseigne_commerciale, S::Enseigne),
            (&mut s.secteur_activite, S::Secteur),
            (&mut s.categorie_etablissement, S::CategorieEtablissement),
            (&mut s.statut_juridique, S::StatutJuridique),
            (&mut s.participation_sph, S::Sph),
            (&mut s.mode_fixation_tarifaire, S::Tarif),
            (&mut s.code_ape, S::Ape),
            (&mut s.telecopie, S::Telecopie),
            (&mut s.courriel, S::Courriel),
        ] {
            set_given(mine, value(r, slot));
        }
        if s.enseigne_commerciale.is_empty() {
            set_given(&mut s.enseigne_commerciale, value(r, S::Enseigne2));
        }
        if source != "r-certificatpm" {
            set_given(&mut s.date_ouverture, date(r, S::DateDebut));
            set_given(&mut s.date_fermeture, date(r, S::DateFin));
        }
        set_given(&mut s.date_autorisation, date(r, S::DateAutorisation));
        set_given(&mut s.date_maj, date(r, S::DateMaj));
        set_given(&mut s.autorite_enregistrement, r.get(S::Autorite).split('/').nth(2).unwrap_or_default().to_owned());
        if !r.get(S::Licence).is_empty() {
            s.licences_officine.push(value(r, S::Licence));
        }
        if !r.get(S::Emetteur).is_empty() {
            s.certificats.push(certificate(r));
        }
        let place = address(r);
        if place != Adresse::default() {
            s.adresse = place;
        }
        if !phones(r).is_empty() {
            s.telephones = phones(r);
        }
    }
    s.ferme = !s.date_fermeture.is_empty();
    if s.id_nat_struct.is_empty() && !s.num_finess.is_empty() {
        s.id_nat_struct = format!("1{}", s.num_finess);
    }
    s.licences_officine = unique(s.licences_officine);
    s.certificats = unique(s.certificats);
    s
}

/// An activity of the legacy FINESS files out of its lines. These files do not list authorisations: the first line is taken for
/// the authorised activity too.
pub(super) fn activity(source: &str, id: &str, rows: &[LineFields<'_>]) -> ActiviteAutorisee {
    let level = |r: &LineFields<'_>, n: usize| Activite {
        id: if n == 0 { id.to_owned() } else { format!("{id}-{n}") },
        nature: match source {
            "finess-as" => "AMF",
            "finess-eml" => "EML",
            _ => "AMSR",
        }
        .to_owned(),
        num_finess: value(r, S::Finess),
        inactive: r.get(S::Supprime) == "O",
        num_autorisation_arhgos: value(r, S::NumAutorisationArhgos),
        activite: value(r, S::Activite),
        modalite: value(r, S::Modalite),
        forme: value(r, S::Forme),
        public: value(r, S::Public),
        date_autorisation: date(r, S::DateAutorisation),
        date_mise_en_oeuvre: if source == "finess-soc" { String::new() } else { date(r, S::DateMeo) },
        date_installation: if source == "finess-soc" { date(r, S::DateMeo) } else { String::new() },
        date_fin: date(r, S::DateFin),
        date_maj: date(r, S::DateMaj),
        age_min: value(r, S::AgeMin),
        age_max: value(r, S::AgeMax),
        capacite: r.get(S::Capacite).parse().ok(),
        capacite_habilitee: r.get(S::CapaciteHabilitee).parse().ok(),
        capacite_installee: r.get(S::CapaciteInstallee).parse().ok(),
        capacite_installee_habilitee: r.get(S::CapaciteInstalleeHabilitee).parse().ok(),
        ..Default::default()
    };
    let exercees: Vec<Activite> = rows.iter().enumerate().map(|(n, r)| level(r, n)).collect();
    let first = exercees.first().cloned().unwrap_or_default();
    let ej = rows.first().map(|r| value(r, S::FinessEj)).unwrap_or_default();
    ActiviteAutorisee { id: id.to_owned(), autorisee: Activite { num_finess: ej, ..first }, exercees }
}
