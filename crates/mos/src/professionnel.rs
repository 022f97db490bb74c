//! Professionals: the person, and what belongs to no practice.

use crate::adresse::Coordonnees;
use crate::boite_lettres::BoiteLettresMss;
use crate::certificat::Certificat;
use crate::class::mos_class;
use crate::exercice::{AutorisationExercice, Diplome, ExerciceProfessionnel, InscriptionOrdre};
use serde::{Deserialize, Serialize};

mos_class! {
    /// A professional, as one source knows them: the person, their practices and their places of work.
    Professionnel {
        /// TRE_G08 type digit(s) of `id_pp`: `8` RPPS, `0` ADELI…
        type_id_nat_pp: String,
        /// The number without its type digit.
        id_pp: String,
        /// National identification: type digit and number. The join key of all files.
        id_nat_ps: String,
        /// Civil title (TRE_R81: `M`, `MME`).
        civilite: String,
        /// One for each pair of profession and category.
        exercices: Vec<ExerciceProfessionnel>,
        /// Diplomas, in code order.
        diplomes: Vec<Diplome>,
        /// Authorisations to practise, in code order.
        autorisations: Vec<AutorisationExercice>,
        /// Registration authority label of the person (first part of the source's column).
        autorite_enregistrement: String,
        /// Mailboxes named by a file that is not the mailbox file.
        boites_lettres: Vec<BoiteLettresMss>,
        /// Civil status; restricted.
        etat_civil: Option<EtatCivil>,
        /// Correspondence address and contact points; restricted.
        correspondance: Option<Coordonnees>,
        /// Registrations with an authority; restricted.
        inscriptions: Vec<InscriptionOrdre>,
        /// Special attributions; restricted.
        attributions: Vec<AttributionParticuliere>,
        /// Spoken languages; restricted.
        langues: Vec<Langue>,
        /// Electronic certificates; restricted.
        certificats: Vec<Certificat>,
        /// Other identifiers of the same person (ADELI before the switch-over…); restricted.
        identifiants_alternatifs: Vec<IdentifiantAlternatif>,
        /// Last update of the person at the authority.
        date_maj: String,
    }
}

mos_class! {
    /// Civil status (PersonnePhysique). Never public.
    EtatCivil {
        /// Birth name.
        nom_famille: String,
        /// Birth given names, in order.
        prenoms: Vec<String>,
        /// TRE_R10: `M`, `F`.
        sexe_administratif: String,
        /// Day of birth.
        date_naissance: String,
        /// INSEE commune of birth at that time.
        commune_naissance: String,
        /// INSEE country of birth.
        pays_naissance: String,
        /// Place of birth as written.
        lieu_naissance: String,
        /// Day of death.
        date_deces: String,
        /// TRE_R31 certification.
        statut: String,
        /// Day from which this civil status holds.
        date_effet: String,
    }
}

mos_class! {
    /// A spoken language.
    Langue {
        /// TRE_G00 code.
        code: String,
        /// Day from which it no longer holds; empty when it does.
        date_fin: String,
    }
}

mos_class! {
    /// A special attribution.
    AttributionParticuliere {
        /// TRE_R03 code.
        code: String,
        /// Recognition.
        date_reconnaissance: String,
        /// Abandonment.
        date_abandon: String,
    }
}

mos_class! {
    /// Another identifier of the same person.
    IdentifiantAlternatif {
        /// National form: type digit and number.
        id_nat_ps: String,
        /// Origin as written: `ADELI`, `RPPS`…
        origine: String,
        /// First day on which it was in use; empty when nobody said it.
        date_debut: String,
        /// Last day on which it was in use; empty when nobody said it.
        date_fin: String,
        /// `HISTORIQUE` for a number that is no longer given (registration §16.5); empty when nobody said it.
        statut: String,
        /// Whether it is the last one of its origin that the person had, as far as known.
        dernier_connu: bool,
    }
}
