//! The domain in the words of the national object model (MOS).
//!
//! These types are what the registry stores (as JSON, with these member names) and what publication reads. Codes are
//! kept exactly as the source wrote them; labels are never stored, they come from the terminologies. Dates are ISO,
//! known to the year, the month or the day. Several sources speak of one person or structure, each of what it knows:
//! [`Professionnel::merge`] and [`Structure::merge`] put their words together.

#![allow(clippy::struct_field_names)]

mod merge;
pub mod source;

use serde::{Deserialize, Serialize};

/// Absent, in the sense of the files: not stored.
trait Vide {
    fn vide(&self) -> bool;
}

impl Vide for String {
    fn vide(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Vide for Vec<T> {
    fn vide(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Vide for Option<T> {
    fn vide(&self) -> bool {
        self.is_none()
    }
}

impl Vide for bool {
    fn vide(&self) -> bool {
        !self
    }
}

/// A MOS class: camel-case members in JSON, absent ones left out.
macro_rules! classe {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "Vide::vide")] pub $field: $ty,)*
        }

        impl Vide for $name {
            fn vide(&self) -> bool {
                *self == Self::default()
            }
        }
    };
}

classe! {
    /// What one source says of one professional: the person, their practices and where they work.
    Professionnel {
        /// TRE_G08 type digit(s) of `id_pp`: `8` RPPS, `0` ADELI…
        type_id_nat_pp: String,
        /// The number alone, without its type digit.
        id_pp: String,
        /// National identification: type digit and number. The join key of all files.
        id_nat_ps: String,
        /// Civil title (TRE_R81: `M`, `MME`).
        civilite: String,
        /// One per (profession, category).
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

classe! {
    /// One profession held by the person under one category.
    ExerciceProfessionnel {
        /// Profession code (TRE_G15, R94, R95 or R291, resolved by value).
        profession: String,
        /// Professional category (TRE_R09: `C`, `M`, `F`, `E`).
        categorie_professionnelle: String,
        /// Practice title (TRE_R11: `DR`, `PR`…).
        civilite_exercice: String,
        /// Family name used in practice.
        nom_exercice: String,
        /// Given name used in practice.
        prenom_exercice: String,
        /// Specialties, competences and other know-how.
        savoir_faire: Vec<SavoirFaire>,
        /// Practice situations, ordered by `id_situation_exercice`.
        situations: Vec<SituationExercice>,
        /// Start of the practice; restricted.
        date_effet_exercice: String,
        /// End of the practice; restricted.
        date_fin_effet_exercice: String,
    }
}

classe! {
    /// A recognised know-how.
    SavoirFaire {
        /// TRE_R04 type: `S`, `C`, `CEX`, `PAC`…
        type_savoir_faire: String,
        /// Code in the table that the type designates.
        code: String,
        /// Recognition; restricted.
        date_reconnaissance: String,
        /// Abandonment; restricted.
        date_abandon: String,
    }
}

classe! {
    /// A diploma.
    Diplome {
        /// TRE_R14 type: `DE`, `DES`, `CES`…
        type_diplome: String,
        /// Code in the table that the type designates.
        code_diplome: String,
        /// Day obtained; restricted.
        date_obtention: String,
        /// TRE_R16 place of training; restricted.
        lieu_formation: String,
    }
}

classe! {
    /// An authorisation to practise.
    AutorisationExercice {
        /// TRE_R17 type.
        type_autorisation: String,
        /// TRE_R18 field.
        discipline_autorisee: String,
        /// Profession it is for.
        profession: String,
        /// First day; restricted.
        date_debut: String,
        /// Last day; restricted.
        date_fin: String,
    }
}

classe! {
    /// A place and a mode of work.
    SituationExercice {
        /// Stable key of the situation. From open files it is derived (20 digits), never the national number.
        id_situation_exercice: String,
        /// TRE_R23: `L`, `S`, `B`.
        mode_exercice: String,
        /// Technical identifier of the structure; empty for a replacement without place.
        structure: String,
        /// TRE_R06 pharmacist section.
        section_ordre_pharmacien: String,
        /// TRE_G05 pharmacist sub-section.
        sous_section_ordre_pharmacien: String,
        /// TRE_R21, TRE_R96 or TRE_R85 function.
        role: String,
        /// TRE_R22 kind of activity.
        genre_activite: String,
        /// TRE_R24 kind of private practice.
        type_activite_liberale: String,
        /// TRE_R34 status in the armed forces' health service.
        statut_professionnel_ssa: String,
        /// TRE_R32 hospital status.
        statut_hospitalier: String,
        /// First day; restricted.
        date_debut: String,
        /// Last day; restricted.
        date_fin: String,
        /// TRE_R25 reason of the end; restricted.
        motif_fin: String,
        /// Contact points of the activity; restricted.
        coordonnees: Option<Coordonnees>,
    }
}

classe! {
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

classe! {
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
        /// Day from which they are no longer valid.
        date_fin: String,
    }
}

classe! {
    /// A registration with an authority.
    InscriptionOrdre {
        /// TRE_R60 authority.
        ordre: String,
        /// TRE_G09 department.
        departement: String,
        /// TRE_G09 hosting department.
        departement_accueil: String,
        /// TRE_R33 status.
        statut: String,
        /// First day.
        date_debut: String,
        /// Day struck off.
        date_fin: String,
        /// Profession it is for.
        profession: String,
        /// Category it is for.
        categorie_professionnelle: String,
        /// The first registration of the person in this profession.
        premiere: bool,
    }
}

classe! {
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

classe! {
    /// A spoken language.
    Langue {
        /// TRE_G00 code.
        code: String,
        /// Day from which it no longer holds.
        date_fin: String,
    }
}

classe! {
    /// An electronic certificate.
    Certificat {
        /// Number of its support.
        numero: String,
        /// Distinguished name of the issuer.
        emetteur: String,
        /// Distinguished name of the subject.
        sujet: String,
        /// First day.
        date_debut: String,
        /// Last day.
        date_fin: String,
        /// Day revoked.
        date_revocation: String,
        /// Domain name, structures only.
        domaine: String,
    }
}

classe! {
    /// Another identifier of the same person.
    IdentifiantAlternatif {
        /// National form: type digit and number.
        id_nat_ps: String,
        /// Origin as written: `ADELI`, `RPPS`…
        origine: String,
    }
}

classe! {
    /// What one source says of one structure.
    Structure {
        /// Technical identifier: `F`+FINESS, `R`+14 digits, `C`+SIRET or ADELI-rang.
        id_technique: String,
        /// True for a legal entity, false for a geographic one.
        entite_juridique: bool,
        /// True once closed or withdrawn by its authority.
        ferme: bool,
        /// National structure id with its type digit (`1`+FINESS, `4`+RPPS-rang…).
        id_nat_struct: String,
        /// SIRET, 14 digits.
        num_siret: String,
        /// SIREN, 9 digits.
        num_siren: String,
        /// FINESS number of this entity.
        num_finess: String,
        /// FINESS number of the legal entity above a geographic one.
        num_finess_ej: String,
        /// RPPS-rang, 14 digits.
        rpps_rang: String,
        /// ADELI-rang, 11 characters.
        adeli_rang: String,
        /// School register number.
        num_uai: String,
        /// Corporate name.
        raison_sociale: String,
        /// Trade name or long name.
        enseigne_commerciale: String,
        /// TRE_R02 activity sector.
        secteur_activite: String,
        /// TRE_R66 establishment category.
        categorie_etablissement: String,
        /// TRE_R72 legal status.
        statut_juridique: String,
        /// TRE_R73 participation in the public hospital service.
        participation_sph: String,
        /// TRE_R74 tariff mode.
        mode_fixation_tarifaire: String,
        /// Budget nature codes.
        types_budget: Vec<String>,
        /// INSEE NAF class.
        code_ape: String,
        /// Dispensing pharmacy licences.
        licences_officine: Vec<String>,
        /// Opening or creation.
        date_ouverture: String,
        /// Closure.
        date_fermeture: String,
        /// First authorisation.
        date_autorisation: String,
        /// Postal address.
        adresse: Adresse,
        /// Phone numbers as written.
        telephones: Vec<String>,
        /// Fax as written.
        telecopie: String,
        /// Ordinary mail of the structure.
        courriel: String,
        /// Registration authority label (third part of the source's column).
        autorite_enregistrement: String,
        /// Certificates; restricted.
        certificats: Vec<Certificat>,
        /// Last update at the authority.
        date_maj: String,
    }
}

classe! {
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
        /// The whole sixth postal line, `CP LOCALITY`, CEDEX or not.
        bureau_cedex: String,
        /// Postal or CEDEX code, may be foreign.
        code_postal: String,
        /// INSEE commune code.
        cog_commune: String,
        /// Town label of the source.
        localite: String,
        /// INSEE country code; `99000` and empty both mean France.
        pays: String,
        /// Where it is on the map.
        position: Option<Position>,
    }
}

impl Adresse {
    /// Postal code and town of the sixth postal line, each empty when the line does not say it. It is the only trace of them
    /// when the commune was not matched (source-files §2.4).
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

classe! {
    /// A point of the map. Degrees and metres are kept apart: sources exchange them, and only a pair that could be told
    /// apart by its range is kept.
    Position {
        /// WGS 84 latitude in degrees.
        latitude: String,
        /// WGS 84 longitude in degrees.
        longitude: String,
        /// Easting in metres of the local projection.
        x: String,
        /// Northing in metres of the local projection.
        y: String,
        /// Projection or quality as the source says it.
        source: String,
    }
}

classe! {
    /// A professional card.
    CarteProfessionnel {
        /// Ten characters.
        numero_carte: String,
        /// TRE_G02 product code of the file: `00` CPS, `01` CPF.
        type_carte: String,
        /// Profession the card was issued for.
        profession: String,
        /// Category the card was issued for.
        categorie_professionnelle: String,
        /// ISO date.
        date_debut_validite: String,
        /// ISO date.
        date_fin_validite: String,
        /// ISO date; restricted in the API.
        date_opposition: String,
        /// National identifier in the chip: an older card may still hold the ADELI number.
        id_nat_carte: String,
    }
}

classe! {
    /// A secure health mailbox.
    BoiteLettresMss {
        /// The mail address.
        adresse: String,
        /// TRE_R257: `PER`, `ORG`, `APP`, `CAB`.
        type_bal: String,
        /// Service the mailbox belongs to.
        service_rattachement: String,
        /// Profession of the holder as given by the file.
        profession: String,
        /// National id of the structure where the mailbox is used.
        structure: String,
    }
}

classe! {
    /// An authorised activity and the places where it is carried out.
    ActiviteAutorisee {
        /// FINESS+ key of the authorised activity, or a derived key for the legacy files, which have none.
        id: String,
        /// The authorised level.
        autorisee: Activite,
        /// The activity as carried out in establishments, by key.
        exercees: Vec<Activite>,
    }
}

classe! {
    /// A regulated activity or heavy equipment, at one level.
    Activite {
        /// Key of this level.
        id: String,
        /// Nature: `AMF`, `AMM`, `EML`, `AASA`, `ASR` (care), `AMSR`, `ASMR`, `ASOCR`, `ASDR`, `AER` (social and other).
        nature: String,
        /// FINESS number of the structure: establishment for a carried out activity, legal entity for an authorised one.
        num_finess: String,
        /// True when withdrawn.
        inactive: bool,
        /// ARHGOS authorisation number.
        num_autorisation_arhgos: String,
        /// Activity, discipline or equipment code, in the table that the nature designates.
        activite: String,
        /// Modality.
        modalite: String,
        /// Form, mention (AMM) or mode of operation (social).
        forme: String,
        /// Public received (social).
        public: String,
        /// Brand of the equipment.
        marque: String,
        /// Serial number of the equipment.
        numero_serie: String,
        /// Day of the authorisation.
        date_autorisation: String,
        /// Day of operation.
        date_mise_en_oeuvre: String,
        /// End of the authorisation.
        date_fin: String,
        /// Last update at the authority.
        date_maj: String,
        /// Age from.
        age_min: String,
        /// Age to.
        age_max: String,
        /// Places, total of the lines without financing, accreditation, housing or gender.
        capacite: Option<u32>,
        /// Places accredited for social assistance.
        capacite_habilitee: Option<u32>,
        /// Places installed.
        capacite_installee: Option<u32>,
        /// Installed places accredited for social assistance.
        capacite_installee_habilitee: Option<u32>,
        /// Day of first installation (legacy) or of last one.
        date_installation: String,
    }
}

classe! {
    /// A cooperation group. No published profile has a place for it.
    Groupement {
        /// Key in the file.
        id: String,
        /// Name.
        nom: String,
        /// TRE_R371 or TRE_R372 code.
        type_groupement: String,
        /// External number.
        numero: String,
        /// Internal keys of the member legal entities.
        membres: Vec<String>,
        /// True when withdrawn.
        inactif: bool,
    }
}

classe! {
    /// A line of the health insurance's directory: no national identifier, hence never tied to a person by itself.
    LigneAmeli {
        /// Family name, empty for a legal person.
        nom: String,
        /// Given name.
        prenom: String,
        /// `H` or `F`.
        sexe: String,
        /// Corporate name.
        raison_sociale: String,
        /// FINESS number, health centres only.
        num_finess: String,
        /// CNAM speciality.
        specialite: String,
        /// Place.
        coordonnees: Coordonnees,
        /// TRE_R282: `nc`, `c1`, `c2`, `c3`.
        secteur_conventionnement: String,
        /// CNAM nature of practice.
        nature_exercice: String,
        /// Controlled fees: CNAM `3` or `4`.
        option_tarifaire: String,
        /// Accepts the Vitale card.
        carte_vitale_acceptee: bool,
    }
}

/// One registry object: what one source says of one entity. The JSON tag tells the kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
// Objects are parsed and dropped one at a time: boxing the largest would cost an allocation and save nothing.
#[allow(clippy::large_enum_variant)]
#[serde(tag = "objet", rename_all = "camelCase")]
pub enum Objet {
    /// A person with practices and situations.
    Professionnel(Professionnel),
    /// A structure.
    Structure(Structure),
    /// All cards that a source knows for one person.
    Cartes {
        /// Ordered by number.
        cartes: Vec<CarteProfessionnel>,
    },
    /// All mailboxes that a source knows for one holder.
    BoitesLettres {
        /// Ordered by address.
        boites: Vec<BoiteLettresMss>,
    },
    /// An authorised activity.
    Activite(ActiviteAutorisee),
    /// A cooperation group.
    Groupement(Groupement),
    /// A line of the health insurance's directory.
    Ameli(LigneAmeli),
    /// A FHIR resource of another directory, kept as it is.
    Ressource {
        /// The bytes received, minus white space between members.
        json: String,
    },
}
