//! Addresses and contacts.

use super::values::{date, value};
use crate::formats::Slot as S;
use crate::text::fields::LineFields;
use annuaire_mos::{Adresse, Coordonnees, Position};

pub(super) fn address(r: &LineFields<'_>) -> Adresse {
    let mut a = Adresse {
        point_remise: value(r, S::PointRemise),
        complement_point_geographique: value(r, S::ComplementGeo),
        numero_voie: value(r, S::NumeroVoie),
        extension: value(r, S::Extension),
        type_voie: value(r, S::TypeVoie),
        libelle_voie: value(r, S::LibelleVoie),
        lieu_dit: value(r, S::LieuDit),
        mention_distribution: value(r, S::MentionDistribution),
        bureau_cedex: value(r, S::BureauCedex),
        code_postal: value(r, S::CodePostal),
        cog_commune: value(r, S::Commune),
        localite: value(r, S::LibelleCommune),
        pays: value(r, S::Pays),
        position: None,
    };
    let (commune, department) = (r.get(S::CommuneCourte), r.get(S::DepartementFiness));
    if !commune.is_empty() {
        // FINESS numbers overseas departments in its own way (source-files §7).
        a.cog_commune = match department {
            "9J" => format!("98{commune}"),
            d if d.starts_with('9') && d.ends_with(|c: char| c.is_ascii_uppercase()) => format!("97{commune}"),
            d => format!("{d}{commune}"),
        };
    }
    let line = r.get(S::LigneAcheminement);
    if !line.is_empty() {
        a.bureau_cedex = line.to_owned();
        if let Some((code, town)) = line.split_once(' ')
            && code.len() == 5
        {
            a.code_postal = code.to_owned();
            a.localite = town.to_owned();
        }
    }
    let (code, town) = a.bureau();
    let (code, town) = (code.to_owned(), town.to_owned());
    if a.code_postal.is_empty() {
        a.code_postal = code;
    }
    if a.localite.is_empty() {
        a.localite = town;
    }
    let position = Position {
        latitude: value(r, S::Latitude),
        longitude: value(r, S::Longitude),
        x: value(r, S::X),
        y: value(r, S::Y),
        source: value(r, S::SourceGeo),
    };
    if position != Position::default() {
        a.position = Some(position);
    }
    a
}

pub(super) fn contact(r: &LineFields<'_>) -> Coordonnees {
    Coordonnees {
        adresse: address(r),
        telephones: phones(r),
        telecopie: value(r, S::Telecopie),
        courriel: value(r, S::Courriel),
        date_fin: date(r, S::DateFin),
    }
}

pub(super) fn phones(r: &LineFields<'_>) -> Vec<String> {
    [value(r, S::Telephone), value(r, S::Telephone2)].into_iter().filter(|t| !t.is_empty()).collect()
}
