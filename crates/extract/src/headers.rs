//! Header lines of the national files, as published (source-files §2, §3): facts of the formats, wordings and misprints included.

pub(crate) const ACTIVITIES: &str = "\
    Type d'identifiant PP|Identifiant PP|Identification nationale PP|Code civilité d'exercice|Libellé civilité d'exercice|\
    Code civilité|Libellé civilité|Nom d'exercice|Prénom d'exercice|Code profession|Libellé profession|\
    Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire|Libellé type savoir-faire|\
    Code savoir-faire|Libellé savoir-faire|Code mode exercice|Libellé mode exercice|Numéro SIRET site|Numéro SIREN site|\
    Numéro FINESS site|Numéro FINESS établissement juridique|Identifiant technique de la structure|Raison sociale site|\
    Enseigne commerciale site|Complément destinataire (coord. structure)|Complément point géographique (coord. structure)|\
    Numéro Voie (coord. structure)|Indice répétition voie (coord. structure)|Code type de voie (coord. structure)|\
    Libellé type de voie (coord. structure)|Libellé Voie (coord. structure)|Mention distribution (coord. structure)|\
    Bureau cedex (coord. structure)|Code postal (coord. structure)|Code commune (coord. structure)|\
    Libellé commune (coord. structure)|Code pays (coord. structure)|Libellé pays (coord. structure)|\
    Téléphone (coord. structure)|Téléphone 2 (coord. structure)|Télécopie (coord. structure)|\
    Adresse e-mail (coord. structure)|Code Département (structure)|Libellé Département (structure)|\
    Ancien identifiant de la structure|Autorité d'enregistrement|Code secteur d'activité|Libellé secteur d'activité|\
    Code section tableau pharmaciens|Libellé section tableau pharmaciens|Code rôle|Libellé rôle|Code genre activité|\
    Libellé genre activité|";

pub(crate) const KNOW_HOW: &str = "\
    Type d'identifiant PP|Identifiant PP|Identification nationale PP|Nom d'exercice|Prénom d'exercice|Code profession|\
    Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire|\
    Libellé type savoir-faire|Code savoir-faire|Libellé savoir-faire|";

pub(crate) const DIPLOMAS: &str = "\
    Type d'identifiant PP|Identifiant PP|Identification nationale PP|Nom d'exercice|Prénom d'exercice|\
    Code type diplôme obtenu|Libellé type diplôme obtenu|Code diplôme obtenu|Libellé diplôme obtenu|\
    Code type autorisation|Libellé type autorisation|Code discipline autorisation|Libellé discipline autorisation|";

pub(crate) const CARDS: &str = "\
    Type d'identifiant PP|Identifiant PP|Identification nationale PP|Nom d'exercice|Prénom d'exercice|Code profession|\
    Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|Code type de carte|\
    Libellé type de carte|Numéro carte|Identifiant national contenu dans la carte|Date début validité|Date fin validité|\
    Date opposition|Date de mise à jour|";

pub(crate) const MAILBOXES: &str = "\
    Type de BAL|Adresse BAL|Type Identifiant PP|Identifiant PP|Identification nationale PP|Type identifiant structure|\
    Identification Structure|Service de rattachement|Civilité d'exercice|Nom d'exercice|Prénom d'exercice|\
    Catégorie profession|Libellé de catégorie profession|Code Profession|Libellé Profession|Code savoir-faire|\
    Libellé savoir-faire|Dématérialisation|Raison Sociale structure BAL|Enseigne commerciale structure BAL|\
    L2COMPLEMENTLOCALISATION structure BAL|L3COMPLEMENTDISTRIBUTION structure BAL|L4NUMEROVOIE structure BAL|\
    L4COMPLEMENTNUMEROVOIE structure BAL|NL4TYPEVOIE structure BAL|L4LIBELLEVOIE structure BAL|\
    L5LIEUDITMENTION structure BAL|L6LIGNEACHEMINEMENT structure BAL|Code postal structure BAL|Département structure BAL|\
    Pays structure BAL|";

pub(crate) const PRO_SANTE_CONNECT: &str = "\
    Type d'identifiant PP|Identifiant PP|Identification nationale PP|Nom de famille|Prénoms|Date de naissance|\
    Code commune de naissance|Code pays de naissance|Lieu de naissance|Code sexe|Téléphone (coord. correspondance)|\
    Adresse e-mail (coord. correspondance)|Code civilité|Code profession|Code catégorie professionnelle|\
    Code civilité d'exercice|Nom d'exercice|Prénom d'exercice|Code type savoir-faire|Code savoir-faire|Code mode exercice|\
    Code secteur d'activité|Code section tableau pharmaciens|Code rôle|Numéro SIRET site|Numéro SIREN site|\
    Numéro FINESS site|Numéro FINESS établissement juridique|Identifiant technique de la structure|Raison sociale site|\
    Enseigne commerciale site|Complément destinataire (coord. structure)|Complément point géographique (coord. structure)|\
    Numéro Voie (coord. structure)|Indice répétition voie (coord. structure)|Code type de voie (coord. structure)|\
    Libellé Voie (coord. structure)|Mention distribution (coord. structure)|Bureau cedex (coord. structure)|\
    Code postal (coord. structure)|Code commune (coord. structure)|Code pays (coord. structure)|\
    Téléphone (coord. structure)|Téléphone 2 (coord. structure)|Télécopie (coord. structure)|\
    Adresse e-mail (coord. structure)|Code département (coord. structure)|Ancien identifiant de la structure|\
    Autorité d'enregistrement|Code genre activité|";
