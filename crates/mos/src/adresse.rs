//! Addresses, points of the map, contact points.

use crate::class::mos_class;
use serde::{Deserialize, Serialize};

mos_class! {
    /// A French postal address, MOS class Adresse.
    Adresse {
        /// Recipient complement (AFNOR line 2).
        point_remise: String,
        /// Geographic complement (AFNOR line 3).
        complement_point_geographique: String,
        /// Street number, may be a letter or a range.
        numero_voie: String,
        /// bis, ter…
        extension: String,
        /// TRE_R35 code.
        type_voie: String,
        /// Street name.
        libelle_voie: String,
        /// Locality within the commune.
        lieu_dit: String,
        /// BP, CS, TSA.
        mention_distribution: String,
        /// The sixth postal line, `CP LOCALITY`, CEDEX or not.
        bureau_cedex: String,
        /// Postal or CEDEX code, may be foreign.
        code_postal: String,
        /// INSEE commune code.
        cog_commune: String,
        /// Town label of the source.
        localite: String,
        /// INSEE country code; `99000` and empty both mean France.
        pays: String,
        /// Its point on the map.
        position: Option<Position>,
    }
}

impl Adresse {
    /// Postal code and town of the sixth postal line, each empty when the line does not have it. When the commune was not
    /// matched, this line is their only trace (source-files §2.4).
    #[must_use]
    pub fn bureau(&self) -> (&str, &str) {
        let line = self.bureau_cedex.trim();
        match line.split_at_checked(5) {
            Some((code, town)) if code.bytes().all(|b| b.is_ascii_digit()) && (town.is_empty() || town.starts_with(' ')) => {
                (code, town.trim())
            }
            _ => ("", line),
        }
    }
}

mos_class! {
    /// A point of the map. Sources exchange degrees and metres: a pair is stored only when its range shows which of them it is.
    Position {
        /// WGS 84 latitude in degrees.
        latitude: String,
        /// WGS 84 longitude in degrees.
        longitude: String,
        /// Easting in metres of the local projection.
        x: String,
        /// Northing in metres of the local projection.
        y: String,
        /// Projection or quality, as the source writes it.
        source: String,
    }
}

mos_class! {
    /// An address with its contact points.
    Coordonnees {
        /// Postal address.
        adresse: Adresse,
        /// Phone numbers as written.
        telephones: Vec<String>,
        /// Fax as written.
        telecopie: String,
        /// Ordinary mail.
        courriel: String,
        /// Day from which they are no longer valid; empty when they are.
        date_fin: String,
    }
}

#[cfg(test)]
mod tests {
    use super::Adresse;

    #[test]
    fn the_sixth_postal_line_starts_with_five_digits_or_is_a_town() {
        for (line, code, town) in [
            ("99123 VILLE CEDEX 9", "99123", "VILLE CEDEX 9"),
            ("99123", "99123", ""),
            ("GIBRALTAR", "", "GIBRALTAR"),
            ("991234 VILLE", "", "991234 VILLE"),
        ] {
            let adresse = Adresse { bureau_cedex: line.into(), ..Default::default() };
            assert_eq!(adresse.bureau(), (code, town));
        }
    }
}
