//! The domain in the words of the national object model (MOS).
//!
//! These types are what the registry stores (as JSON, with these member names) and
//! what publication reads. Codes are kept exactly as the source wrote them; labels are
//! never stored, they come from the terminologies.

#![allow(clippy::struct_field_names)]

use serde::{Deserialize, Serialize};

fn is_empty(s: &str) -> bool {
    s.is_empty()
}

/// What one source says of one professional: the person, their practices and where they work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Professionnel {
    /// TRE_G08 type digit(s) of `id_pp`: `8` RPPS, `0` ADELI…
    pub type_id_nat_pp: String,
    /// The number alone, without its type digit.
    pub id_pp: String,
    /// National identification: type digit and number. The join key of all files.
    pub id_nat_ps: String,
    /// Civil title (TRE_R81: `M`, `MME`).
    #[serde(skip_serializing_if = "is_empty")]
    pub civilite: String,
    /// One per (profession, category).
    pub exercices: Vec<ExerciceProfessionnel>,
    /// Diplomas, in code order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diplomes: Vec<Diplome>,
    /// Authorisations to practise, in code order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub autorisations: Vec<AutorisationExercice>,
    /// Registration authority label of the person (first part of the source's column).
    #[serde(skip_serializing_if = "is_empty")]
    pub autorite_enregistrement: String,
}

/// One profession held by the person under one category.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExerciceProfessionnel {
    /// Profession code (TRE_G15, R94, R95 or R291, resolved by value).
    pub profession: String,
    /// Professional category (TRE_R09: `C`, `M`, `F`, `E`).
    pub categorie_professionnelle: String,
    /// Practice title (TRE_R11: `DR`, `PR`…).
    #[serde(skip_serializing_if = "is_empty")]
    pub civilite_exercice: String,
    /// Family name used in practice.
    pub nom_exercice: String,
    /// Given name used in practice.
    pub prenom_exercice: String,
    /// Specialties, competences and other know-how.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub savoir_faire: Vec<SavoirFaire>,
    /// Practice situations, ordered by `id_situation_exercice`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub situations: Vec<SituationExercice>,
}

/// A recognised know-how.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SavoirFaire {
    /// TRE_R04 type: `S`, `C`, `CEX`, `PAC`…
    pub type_savoir_faire: String,
    /// Code in the table that the type designates.
    pub code: String,
}

/// A diploma.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Diplome {
    /// TRE_R14 type: `DE`, `DES`, `CES`…
    pub type_diplome: String,
    /// Code in the table that the type designates.
    pub code_diplome: String,
}

/// An authorisation to practise.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AutorisationExercice {
    /// TRE_R17 type.
    pub type_autorisation: String,
    /// TRE_R18 field.
    #[serde(skip_serializing_if = "is_empty")]
    pub discipline_autorisee: String,
}

/// A place and a mode of work.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SituationExercice {
    /// Stable key of the situation. From open files it is derived (20 digits), never the national number.
    pub id_situation_exercice: String,
    /// TRE_R23: `L`, `S`, `B`.
    #[serde(skip_serializing_if = "is_empty")]
    pub mode_exercice: String,
    /// Technical identifier of the structure; empty for a replacement without place.
    #[serde(skip_serializing_if = "is_empty")]
    pub structure: String,
    /// TRE_R06 pharmacist section.
    #[serde(skip_serializing_if = "is_empty")]
    pub section_ordre_pharmacien: String,
    /// TRE_R21, TRE_R96 or TRE_R85 function.
    #[serde(skip_serializing_if = "is_empty")]
    pub role: String,
    /// TRE_R22 kind of activity.
    #[serde(skip_serializing_if = "is_empty")]
    pub genre_activite: String,
}

/// What one source says of one structure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Structure {
    /// Technical identifier: `F`+FINESS, `R`+14 digits, `C`+SIRET or ADELI-rang.
    pub id_technique: String,
    /// True for a legal entity, false for a geographic one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub entite_juridique: bool,
    /// National structure id with its type digit (`1`+FINESS, `4`+RPPS-rang…).
    #[serde(skip_serializing_if = "is_empty")]
    pub id_nat_struct: String,
    /// SIRET, 14 digits.
    #[serde(skip_serializing_if = "is_empty")]
    pub num_siret: String,
    /// SIREN, 9 digits.
    #[serde(skip_serializing_if = "is_empty")]
    pub num_siren: String,
    /// FINESS number of this entity.
    #[serde(skip_serializing_if = "is_empty")]
    pub num_finess: String,
    /// FINESS number of the legal entity above a geographic one.
    #[serde(skip_serializing_if = "is_empty")]
    pub num_finess_ej: String,
    /// Corporate name.
    #[serde(skip_serializing_if = "is_empty")]
    pub raison_sociale: String,
    /// Trade name.
    #[serde(skip_serializing_if = "is_empty")]
    pub enseigne_commerciale: String,
    /// TRE_R02 activity sector.
    #[serde(skip_serializing_if = "is_empty")]
    pub secteur_activite: String,
    /// Postal address.
    pub adresse: Adresse,
    /// Phone numbers as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub telephones: Vec<String>,
    /// Fax as written.
    #[serde(skip_serializing_if = "is_empty")]
    pub telecopie: String,
    /// Ordinary mail of the structure.
    #[serde(skip_serializing_if = "is_empty")]
    pub courriel: String,
    /// Registration authority label (third part of the source's column).
    #[serde(skip_serializing_if = "is_empty")]
    pub autorite_enregistrement: String,
}

/// A French postal address, MOS class Adresse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Adresse {
    /// Recipient complement (AFNOR line 2).
    #[serde(skip_serializing_if = "is_empty")]
    pub point_remise: String,
    /// Geographic complement (AFNOR line 3).
    #[serde(skip_serializing_if = "is_empty")]
    pub complement_point_geographique: String,
    /// Street number, may be a letter or a range.
    #[serde(skip_serializing_if = "is_empty")]
    pub numero_voie: String,
    /// bis, ter…
    #[serde(skip_serializing_if = "is_empty")]
    pub extension: String,
    /// TRE_R35 code.
    #[serde(skip_serializing_if = "is_empty")]
    pub type_voie: String,
    /// Street name.
    #[serde(skip_serializing_if = "is_empty")]
    pub libelle_voie: String,
    /// BP, CS, TSA.
    #[serde(skip_serializing_if = "is_empty")]
    pub mention_distribution: String,
    /// The whole sixth postal line, `CP LOCALITY`, CEDEX or not.
    #[serde(skip_serializing_if = "is_empty")]
    pub bureau_cedex: String,
    /// Postal or CEDEX code, may be foreign.
    #[serde(skip_serializing_if = "is_empty")]
    pub code_postal: String,
    /// INSEE commune code.
    #[serde(skip_serializing_if = "is_empty")]
    pub cog_commune: String,
    /// Town label of the source.
    #[serde(skip_serializing_if = "is_empty")]
    pub localite: String,
    /// INSEE country code; `99000` and empty both mean France.
    #[serde(skip_serializing_if = "is_empty")]
    pub pays: String,
}

/// A professional card.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CarteProfessionnel {
    /// Ten characters.
    pub numero_carte: String,
    /// TRE_G02 product code of the file: `00` CPS, `01` CPF.
    pub type_carte: String,
    /// Profession the card was issued for.
    #[serde(skip_serializing_if = "is_empty")]
    pub profession: String,
    /// Category the card was issued for.
    #[serde(skip_serializing_if = "is_empty")]
    pub categorie_professionnelle: String,
    /// ISO date.
    #[serde(skip_serializing_if = "is_empty")]
    pub date_debut_validite: String,
    /// ISO date.
    #[serde(skip_serializing_if = "is_empty")]
    pub date_fin_validite: String,
    /// ISO date; restricted in the API.
    #[serde(skip_serializing_if = "is_empty")]
    pub date_opposition: String,
}

/// A secure health mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BoiteLettresMss {
    /// The mail address.
    pub adresse: String,
    /// TRE_R257: `PER`, `ORG`, `APP`, `CAB`.
    pub type_bal: String,
    /// Service the mailbox belongs to.
    #[serde(skip_serializing_if = "is_empty")]
    pub service_rattachement: String,
    /// Profession of the holder as given by the file.
    #[serde(skip_serializing_if = "is_empty")]
    pub profession: String,
    /// National id of the structure where the mailbox is used.
    #[serde(skip_serializing_if = "is_empty")]
    pub structure: String,
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
}
