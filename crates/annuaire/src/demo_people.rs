//! People of a demonstration with whom a visitor logs in: one for each profile that applications tell apart. All of it is fictional, with
//! the reserved identifiers of the references.

use crate::clock::now_ms;
use crate::identity::Identity;
use annuaire_base::fact::{FactKey, Publication};
use annuaire_consolidate::entity_key;
use annuaire_ecps::{SIMULATED_PIN, SimulatedPhone};
use annuaire_identity::{ClientRecord, GrantType};
use annuaire_mos::owner::Owner;
use annuaire_mos::{
    Adresse, Coordonnees, EtatCivil, ExerciceProfessionnel, Objet, Professionnel, SavoirFaire, SituationExercice, Structure,
};
use annuaire_store::{BlockingRegistry, Cause, Change, Channel, CommitClock, Expect, OwnerRow};
use anyhow::{Context, Result};
use std::io::Write;

/// The client of the demonstration.
const DEMO_CLIENT: &str = "demonstration";
/// Its secret: it is public, as everything there.
const DEMO_SECRET: &str = "secret-de-demonstration";

/// A person of the demonstration.
pub(crate) struct DemoPerson {
    /// National identifier.
    pub(crate) national_id: &'static str,
    /// Whom the person stands for.
    pub(crate) profile: &'static str,
    pub(crate) name: &'static str,
    pub(crate) given: &'static str,
    civility: &'static str,
    profession: &'static str,
    know_how: &'static str,
    /// Mode, structure, role, kind of activity.
    situations: &'static [(&'static str, &'static str, &'static str, &'static str)],
    /// Day on which everything ended, empty when nothing did.
    ended: &'static str,
}

const LEGAL_ENTITY: &str = "F990000002";
const HOSPITAL: &str = "F990000010";
const OTHER_SITE: &str = "F990000028";
const UNMANAGED: &str = "F990000036";
const SURGERY: &str = "R99911";

/// The legal representative of the legal entity and its sites.
pub(crate) const REPRESENTATIVE: &str = "899900000011";
/// A manager of the hospital.
pub(crate) const SITE_MANAGER: &str = "899900000029";
/// Another manager of the hospital.
pub(crate) const OTHER_MANAGER: &str = "899900000037";
/// The manager of the legal entity, and so of all its sites.
pub(crate) const HEAD_MANAGER: &str = "899900000045";
/// The national arbiter.
pub(crate) const ARBITER: &str = "899900000060";
/// The national support.
pub(crate) const SUPPORT: &str = "899900000078";

/// The auditor.
pub(crate) const AUDITOR: &str = "899900000086";
/// Keeper of terminologies, who answers wishes for professions.
pub(crate) const TERMINOLOGIST: &str = "899900000094";

/// Everybody with whom a visitor logs in.
pub(crate) const PEOPLE: [DemoPerson; 9] = [
    DemoPerson {
        national_id: REPRESENTATIVE,
        profile: "médecin, deux activités ; représente légalement l’entité 990000002",
        name: "EXEMPLE",
        given: "CAMILLE",
        civility: "DR",
        profession: "10",
        know_how: "SM54",
        situations: &[("L", SURGERY, "", "GENR01"), ("S", HOSPITAL, "", "GENR01")],
        ended: "",
    },
    DemoPerson {
        national_id: SITE_MANAGER,
        profile: "infirmière ; gestionnaire de l’établissement 990000010",
        name: "ESSAI",
        given: "LOUISE",
        civility: "MME",
        profession: "60",
        know_how: "",
        situations: &[("S", HOSPITAL, "", "GENR01")],
        ended: "",
    },
    DemoPerson {
        national_id: OTHER_MANAGER,
        profile: "secrétaire, caractérisé par son rôle ; gestionnaire de l’établissement 990000010",
        name: "SPECIMEN",
        given: "DOMINIQUE",
        civility: "M",
        profession: "99",
        know_how: "",
        situations: &[("S", HOSPITAL, "331", "GENR13")],
        ended: "",
    },
    DemoPerson {
        national_id: HEAD_MANAGER,
        profile: "agent d’une autorité d’enregistrement ; gestionnaire de l’entité 990000002",
        name: "MODELE",
        given: "ALIX",
        civility: "MME",
        profession: "99",
        know_how: "",
        situations: &[("S", HOSPITAL, "374", "GENR13")],
        ended: "",
    },
    DemoPerson {
        national_id: "899900000052",
        profile: "médecin dont le droit a pris fin",
        name: "ANCIEN",
        given: "PAUL",
        civility: "DR",
        profession: "10",
        know_how: "",
        situations: &[("L", SURGERY, "", "GENR01")],
        ended: "2026-01-31",
    },
    DemoPerson::agent(ARBITER, "arbitre national", "ARBITRE", "NADIA"),
    DemoPerson::agent(SUPPORT, "support national", "SOUTIEN", "MARC"),
    DemoPerson::agent(AUDITOR, "auditeur", "TEMOIN", "INES"),
    DemoPerson::agent(TERMINOLOGIST, "gestionnaire des terminologies", "LEXIQUE", "OMAR"),
];

/// A member of staff of the hospital, without a number of their own: such people have a card of staff (CPE), and no phone.
pub(crate) struct DemoStaff {
    /// National identifier.
    pub(crate) national_id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) given: &'static str,
    /// Whether the directory describes them; of others, the card says who they are.
    in_directory: bool,
}

/// Everybody with a card of staff.
pub(crate) const STAFF: [DemoStaff; 2] = [
    DemoStaff { national_id: "3990000010/CPET00001", name: "MODELE", given: "ALIX", in_directory: false },
    DemoStaff { national_id: "3990000010/CPET00002", name: "ESSAI", given: "CLAUDE", in_directory: true },
];

/// Who states them: the agency of a region.
const OWNER: &str = "ARS-44";

/// Whether the person whose right ends still has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RightOfFormer {
    /// While the phone is activated.
    Open,
    /// As visitors meet that person.
    Ended,
}

/// Writes them into the registry of a demonstration.
pub(crate) fn register_people(registry: &BlockingRegistry, right: RightOfFormer) -> Result<()> {
    let owner = Owner::authority(OWNER).context("the agency of the demonstration")?;
    let mut unit = registry.begin()?;
    unit.set_owner(&OwnerRow { code: owner.code.clone(), description: serde_json::to_string(&owner)? })?;
    let structures = [legal_entity(), hospital(), other_site(), unmanaged(), surgery()]
        .map(|s| (entity_key::structure(&s.id_technique), Objet::Structure(s)));
    let people =
        PEOPLE.iter().map(|person| (entity_key::person(person.national_id), Objet::Professionnel(person.professional(right))));
    let open = structures.into_iter().chain(people).map(|(entity, object)| (entity, object, Publication::Open));
    // Staff without a number are not of the public directory.
    let staff = STAFF.iter().filter(|staff| staff.in_directory);
    let staff =
        staff.map(|s| (entity_key::person(s.national_id), Objet::Professionnel(s.professional()), Publication::Restricted));
    for (entity, object, publication) in open.chain(staff) {
        let key = FactKey { owner: owner.code.clone(), entity, facet: String::new() };
        let payload = Some(serde_json::to_string(&object)?);
        unit.put(Change { key, payload, publication, fingerprint: 0 }, Expect::Any)?;
    }
    let cause = Cause {
        actor: "demo".to_owned(),
        authority: Some(owner.code),
        request: None,
        channel: Channel::Operator,
        basis: None,
        reason: "people of the demonstration".to_owned(),
    };
    unit.save(&cause, CommitClock { now_ms: &now_ms, any_clock: false })?;
    Ok(())
}

/// Number, name and profile of everybody, for the page of the demonstration.
pub(crate) fn accounts() -> Vec<(String, String, String)> {
    PEOPLE.iter().map(|p| (p.national_id.to_owned(), p.full_name(), p.profile.to_owned())).collect()
}

/// National identifiers and names, for the simulated phones.
pub(crate) fn names() -> Vec<(String, String)> {
    PEOPLE.iter().map(|person| (person.national_id.to_owned(), person.full_name())).collect()
}

/// Gives each of them a phone and the demonstration a client, and says how to log in.
pub(crate) async fn introduce(identity: &Identity, out: &mut impl Write) -> Result<()> {
    for person in &PEOPLE {
        simulate_phone(identity, person.national_id).await.with_context(|| format!("the phone of {}", person.national_id))?;
    }
    let registry = identity.registry.clone();
    tokio::task::spawn_blocking(move || register_people(&registry, RightOfFormer::Ended)).await??;
    register_demo_client(identity).await?;
    let _ = writeln!(out, "    client {DEMO_CLIENT}, secret {DEMO_SECRET}, returns to http://localhost:3000/callback");
    let _ = writeln!(
        out,
        "    try it: /auth/bac-a-sable; phones: /e-cps/simulateur; mails and SMS: /e-cps/messagerie; without a number: /portail/pro/connexion"
    );
    for person in &PEOPLE {
        let _ = writeln!(out, "    {} {} ({})", person.national_id, person.full_name(), person.profile);
    }
    Ok(())
}

/// Gives a person of a demonstration a phone whose key is on this server.
async fn simulate_phone(identity: &Identity, national_id: &str) -> Result<()> {
    let Some(mailbox) = &identity.mailbox else { return Ok(()) };
    if SimulatedPhone::kept(&identity.phone, national_id).await?.is_none() {
        let phone = SimulatedPhone::activate(&identity.phone, mailbox, national_id, "Téléphone simulé", SIMULATED_PIN).await?;
        phone.keep(&identity.phone, national_id).await?;
    }
    Ok(())
}

/// Registers the client of a demonstration.
async fn register_demo_client(identity: &Identity) -> Result<()> {
    let addresses = ["http://localhost:3000/callback", "http://127.0.0.1:3000/callback"].map(str::to_owned).to_vec();
    let record = ClientRecord {
        post_logout_redirect_uris: ["http://localhost:3000/", "http://127.0.0.1:3000/"].map(str::to_owned).to_vec(),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::Ciba],
        ..ClientRecord::with_secret(DEMO_CLIENT, "Application de démonstration", addresses, DEMO_SECRET, now_ms())
    };
    Ok(identity.provider.register_client(&record, "demo").await?)
}

impl DemoStaff {
    fn professional(&self) -> Professionnel {
        let situation = SituationExercice {
            id_situation_exercice: self.national_id.replace('/', ""),
            mode_exercice: "S".to_owned(),
            structure: HOSPITAL.to_owned(),
            date_debut: "2020-01-01".to_owned(),
            ..SituationExercice::default()
        };
        let practice = ExerciceProfessionnel {
            nom_exercice: self.name.to_owned(),
            prenom_exercice: self.given.to_owned(),
            situations: vec![situation],
            date_effet_exercice: "2020-01-01".to_owned(),
            ..ExerciceProfessionnel::default()
        };
        Professionnel {
            type_id_nat_pp: self.national_id[..1].to_owned(),
            id_pp: self.national_id[1..].to_owned(),
            id_nat_ps: self.national_id.to_owned(),
            civilite: "MME".to_owned(),
            exercices: vec![practice],
            ..Professionnel::default()
        }
    }
}

impl DemoPerson {
    /// Title and profession as a card has them.
    pub(crate) fn on_card(&self) -> (&'static str, Option<u32>) {
        match self.profession {
            "10" => ("Médecin", Some(10)),
            "60" => ("Infirmier", Some(60)),
            _ => ("Personnel santé ou social", None),
        }
    }

    /// Somebody who works for an authority.
    const fn agent(national_id: &'static str, profile: &'static str, name: &'static str, given: &'static str) -> Self {
        Self {
            national_id,
            profile,
            name,
            given,
            civility: "MME",
            profession: "99",
            know_how: "",
            situations: &[("S", HOSPITAL, "374", "GENR13")],
            ended: "",
        }
    }

    /// Name for people who read the list.
    pub(crate) fn full_name(&self) -> String {
        format!("{} {}", self.given, self.name)
    }

    fn professional(&self, right: RightOfFormer) -> Professionnel {
        let ended = if right == RightOfFormer::Ended { self.ended } else { "" };
        let situation = |(n, (mode, structure, role, kind)): (usize, &(&str, &str, &str, &str))| SituationExercice {
            id_situation_exercice: format!("{}{n}", &self.national_id[1..]),
            mode_exercice: (*mode).to_owned(),
            structure: (*structure).to_owned(),
            role: (*role).to_owned(),
            genre_activite: (*kind).to_owned(),
            date_debut: "2020-01-01".to_owned(),
            date_fin: ended.to_owned(),
            ..SituationExercice::default()
        };
        let know_how = (!self.know_how.is_empty()).then(|| SavoirFaire {
            type_savoir_faire: "S".to_owned(),
            code: self.know_how.to_owned(),
            ..SavoirFaire::default()
        });
        let practice = ExerciceProfessionnel {
            profession: self.profession.to_owned(),
            categorie_professionnelle: "C".to_owned(),
            civilite_exercice: self.civility.to_owned(),
            nom_exercice: self.name.to_owned(),
            prenom_exercice: self.given.to_owned(),
            savoir_faire: know_how.into_iter().collect(),
            situations: self.situations.iter().enumerate().map(situation).collect(),
            date_effet_exercice: "2020-01-01".to_owned(),
            date_fin_effet_exercice: ended.to_owned(),
        };
        let number = &self.national_id[1..];
        Professionnel {
            type_id_nat_pp: "8".to_owned(),
            id_pp: number.to_owned(),
            id_nat_ps: self.national_id.to_owned(),
            civilite: if self.civility == "DR" { "M" } else { self.civility }.to_owned(),
            exercices: vec![practice],
            autorite_enregistrement: "ARS/ARS/ARS".to_owned(),
            etat_civil: Some(EtatCivil {
                nom_famille: self.name.to_owned(),
                prenoms: vec![self.given.to_owned()],
                date_naissance: "1984-02-29".to_owned(),
                ..EtatCivil::default()
            }),
            correspondance: Some(Coordonnees {
                telephones: vec![format!("06399{}", &number[6..])],
                courriel: format!("{}.{}@exemple.test", self.given, self.name).to_lowercase(),
                ..Coordonnees::default()
            }),
            ..Professionnel::default()
        }
    }
}

fn address(number: &str, kind: &str, street: &str) -> Adresse {
    Adresse {
        numero_voie: number.to_owned(),
        type_voie: kind.to_owned(),
        libelle_voie: street.to_owned(),
        bureau_cedex: "57000 METZ".to_owned(),
        code_postal: "57000".to_owned(),
        cog_commune: "57463".to_owned(),
        localite: "METZ".to_owned(),
        ..Adresse::default()
    }
}

fn legal_entity() -> Structure {
    Structure {
        id_technique: LEGAL_ENTITY.to_owned(),
        id_nat_struct: "1990000002".to_owned(),
        entite_juridique: true,
        num_siren: "999000003".to_owned(),
        num_finess: "990000002".to_owned(),
        raison_sociale: "GROUPE HOSPITALIER DE DEMONSTRATION".to_owned(),
        adresse: address("1", "AV", "DE LA REFERENCE"),
        ..Structure::default()
    }
}

fn other_site() -> Structure {
    Structure {
        id_technique: OTHER_SITE.to_owned(),
        id_nat_struct: "1990000028".to_owned(),
        num_siret: "99900000300023".to_owned(),
        num_finess: "990000028".to_owned(),
        raison_sociale: "FOYER DE DEMONSTRATION".to_owned(),
        adresse: address("2", "AV", "DE LA REFERENCE"),
        ..hospital()
    }
}

/// A structure that nobody attached.
fn unmanaged() -> Structure {
    Structure {
        id_technique: UNMANAGED.to_owned(),
        id_nat_struct: "1990000036".to_owned(),
        num_finess: "990000036".to_owned(),
        raison_sociale: "CENTRE SANS GESTIONNAIRE".to_owned(),
        secteur_activite: "SA01".to_owned(),
        adresse: address("3", "AV", "DE LA REFERENCE"),
        ..Structure::default()
    }
}

fn hospital() -> Structure {
    Structure {
        id_technique: HOSPITAL.to_owned(),
        id_nat_struct: "1990000010".to_owned(),
        num_siret: "99900000300015".to_owned(),
        num_siren: "999000003".to_owned(),
        num_finess: "990000010".to_owned(),
        num_finess_ej: "990000002".to_owned(),
        raison_sociale: "HOPITAL DE DEMONSTRATION".to_owned(),
        secteur_activite: "SA01".to_owned(),
        adresse: address("1", "AV", "DE LA REFERENCE"),
        ..Structure::default()
    }
}

fn surgery() -> Structure {
    Structure {
        id_technique: SURGERY.to_owned(),
        id_nat_struct: "499900000011005".to_owned(),
        raison_sociale: "CABINET DU DR EXEMPLE".to_owned(),
        secteur_activite: "SA07".to_owned(),
        telephones: vec!["0199000011".to_owned()],
        courriel: "cabinet@exemple.test".to_owned(),
        adresse: address("12", "R", "DES ESSAIS"),
        ..Structure::default()
    }
}
