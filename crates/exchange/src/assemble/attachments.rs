//! Cards, mailboxes and certificates.

use super::values::{date, value};
use crate::formats::Slot as S;
use crate::text::fields::LineFields;
use annuaire_mos::{BoiteLettresMss, CarteProfessionnel, Certificat};

/// A card.
pub(super) fn card(r: &LineFields<'_>) -> CarteProfessionnel {
    CarteProfessionnel {
        numero_carte: value(r, S::NumeroCarte),
        type_carte: value(r, S::TypeCarte),
        profession: value(r, S::Profession),
        categorie_professionnelle: value(r, S::Categorie),
        date_debut_validite: date(r, S::DateDebut),
        date_fin_validite: date(r, S::DateFin),
        date_opposition: date(r, S::DateOpposition),
        id_nat_carte: value(r, S::IdCarte),
    }
}

/// A mailbox whose line gives its type.
pub(super) fn mailbox(r: &LineFields<'_>) -> BoiteLettresMss {
    BoiteLettresMss {
        adresse: value(r, S::AdresseBal),
        type_bal: value(r, S::TypeBal),
        service_rattachement: value(r, S::Service),
        profession: value(r, S::Profession),
        structure: value(r, S::NumeroStructure),
    }
}

/// A mailbox on a line about a person, which is a personal one.
pub(super) fn personal_mailbox(r: &LineFields<'_>) -> BoiteLettresMss {
    BoiteLettresMss { type_bal: "PER".to_owned(), ..mailbox(r) }
}

/// A certificate.
pub(super) fn certificate(r: &LineFields<'_>) -> Certificat {
    Certificat {
        numero: value(r, S::Support),
        emetteur: value(r, S::Emetteur),
        sujet: value(r, S::Sujet),
        date_debut: date(r, S::DateDebut),
        date_fin: date(r, S::DateFin),
        date_revocation: date(r, S::DateRevocation),
        domaine: value(r, S::Domaine),
    }
}
