//! « Accès et modifications » (SC53, registration §14): who accessed the file of a professional, as kinds of actors and structures. Managers
//! are not named.

use crate::error::Error;
use crate::grants::AuthorityRow;
use crate::limits::AUDIT_PAGE_MAX;
use crate::row::{VersionedRow, read};
use crate::service::Registration;
use crate::session::HolderSession;
use annuaire_store::{AuditFilter, AuditRow};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::kind::RequestKind;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An access to a file, or a change of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAccess {
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Kind of the actor, in French: « gestionnaire RPPS+ ».
    pub actor_kind: String,
    /// The structure for which the actor acted; empty when there is none.
    pub structure: String,
    /// What was done, in French.
    pub what: String,
    /// Why: what arbiters and support typed, else the type of the request; may be empty.
    pub purpose: String,
}

/// Prefix of the codes of this room in the trail.
const PREFIX: &str = "inscription-";

/// What each code means to the person whom it concerns. What is in no line is told as another operation.
const DEEDS: &[(&str, &str)] = &[
    ("creer", "Création de la demande"),
    ("enregistrer-section", "Saisie d'une section de la demande"),
    ("valider-section", "Validation d'une section de la demande"),
    ("envoyer", "Envoi de la demande"),
    ("abandonner", "Abandon de la demande"),
    ("modifier", "Modification de la demande"),
    ("demander-complement", "Demande de complément"),
    ("renvoyer", "Réponse au complément"),
    ("reaffecter", "Réaffectation de la demande"),
    ("refuser", "Refus de la demande"),
    ("valider", "Validation de la demande"),
    ("traiter", "Enregistrement dans le répertoire"),
    ("rattacher", "Rattachement à une identité existante"),
    ("distinguer", "Identités déclarées distinctes"),
    ("rejeter", "Rejet de la demande"),
    ("expirer", "Expiration de la demande"),
    ("retirer", "Retrait de la demande"),
    ("accord-tacite", "Fin d'activité acceptée sans réponse de l'établissement"),
    ("deces", "Décès connu"),
    ("bloquer", "Blocage de la demande"),
    ("debloquer", "Fin du blocage de la demande"),
    ("annuler-erreur", "Annulation pour erreur de personne"),
    ("demander-annulation", "Demande d'annulation pour erreur de personne"),
    ("lire", "Consultation de la demande"),
    ("lire-fiche", "Consultation de la fiche"),
    ("exporter-fiche", "Téléchargement de la fiche"),
    ("rechercher-personne", "Recherche et consultation de la fiche"),
    ("session", "Connexion au portail"),
    ("envoyer-codes", "Envoi de codes de vérification"),
    ("confirmer-codes", "Vérification des coordonnées"),
    ("relancer", "Relance de l'établissement"),
    ("rappeler", "Rappel d'échéance"),
    ("effacer", "Effacement des données de la demande"),
    ("situations", "Mise à jour des situations à leur échéance"),
    ("ce-nest-pas-moi", "Alerte « Ce n'est pas moi »"),
    ("signaler", "Signalement d'une erreur"),
    ("proposer-coordonnees", "Coordonnées proposées"),
    ("corriger-coordonnees", "Coordonnées corrigées avant la première activation"),
    ("confirmer-coordonnees", "Coordonnées proposées acceptées"),
    ("ecarter-coordonnees", "Coordonnées proposées écartées"),
    ("activation", "Première activation d'un moyen de connexion"),
    ("lever-suspension", "Fin de la suspension des moyens de connexion"),
    ("adeli-charger", "Rattachement d'un numéro ADELI"),
    ("adeli-annuler", "Retrait d'un numéro ADELI"),
    ("fusionner", "Rapprochement de deux numéros"),
    ("defusionner", "Fin du rapprochement de deux numéros"),
    ("liste", "Consultation d'une liste de demandes"),
    ("evenements", "Lecture des changements des demandes par un logiciel"),
    ("rattacher-structure", "Rattachement de la structure"),
    ("accepter-structure", "Acceptation de la structure"),
    ("quatre-yeux", "Validation par un tiers : option modifiée"),
    ("designer-mandataire", "Désignation d'un mandataire"),
    ("designer-gestionnaire", "Désignation d'un gestionnaire"),
    ("revoquer-gestionnaire", "Révocation d'un gestionnaire"),
    ("depart-gestionnaire", "Fin d'habilitation au départ du gestionnaire"),
    ("lire-habilitations", "Consultation des habilitations"),
    ("deleguer", "Délégation à une structure tierce"),
    ("charte", "Acceptation de la charte"),
    ("ajouter-logiciel", "Enregistrement d'un logiciel"),
    ("renouveler-logiciel", "Nouveau secret d'un logiciel"),
    ("revoquer-logiciel", "Révocation d'un logiciel"),
    ("lire-trace", "Consultation de la trace"),
    ("second-regard-lire", "Consultation pour un second avis de l'arbitre"),
    ("second-regard", "Second avis d'un arbitre"),
    ("identites-ailleurs", "Identités identiques ailleurs, sans demande envoyée"),
    ("proposer-deces", "Correction d'un décès proposée"),
    ("corriger-deces", "Correction d'un décès enregistré à tort"),
    ("deces-corriges", "Consultation des activités arrêtées par un décès corrigé"),
    ("deces-corrige-traite", "Suite donnée à un décès corrigé"),
    ("repondre-enquete", "Réponse à l'enquête sur l'enregistrement"),
    ("lire-indicateurs", "Consultation des indicateurs de qualité"),
    ("lire-actions", "Consultation des actions sur la structure"),
    ("liste-structures", "Consultation des structures à vérifier"),
    ("flux-autorite", "Mise à jour par l'autorité d'enregistrement"),
    ("flux-proprietaire", "Etat civil repris par une autorité d'enregistrement"),
    ("flux-recu", "Réception d'un flux d'une autorité"),
    ("flux-appliquer", "Application d'un flux d'une autorité"),
    ("flux-rejeter", "Rejet d'un flux d'une autorité"),
    ("flux-accuse", "Téléchargement de l'acquittement d'un flux"),
    ("clore-alerte", "Clôture d'une alerte"),
    ("signaler-anomalie", "Signalement d'une anomalie par un lecteur de l'annuaire"),
    ("repondre-anomalie", "Réponse à un signalement d'anomalie"),
    ("contact-demander", "Demande de confirmation des coordonnées"),
    ("contact-exact", "Coordonnées confirmées par le professionnel"),
    ("fusion-gestionnaire", "Fin d'habilitation après un rapprochement de numéros"),
];

/// What a code of the trail means to people.
pub(crate) fn deed(event: &str) -> &'static str {
    let code = event.strip_prefix(PREFIX).unwrap_or_default();
    DEEDS.iter().find(|(known, _)| *known == code).map_or("Autre opération", |(_, words)| words)
}

impl FileAccess {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "date": self.at_ms,
            "acteur": self.actor_kind,
            "structure": self.structure,
            "operation": self.what,
            "motif": self.purpose,
        })
    }
}

impl Registration {
    /// The accesses to the own file and the own requests, the newest first; refused attempts reached nothing and are not among them.
    /// Cost: a page of the trail for the person and for each request.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn own_accesses(&self, by: &HolderSession, limit: u32) -> Result<Vec<FileAccess>, Error> {
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let (page, next) = self.accesses_page(&by.person, before, limit.clamp(1, AUDIT_PAGE_MAX)).await?;
            all.extend(page);
            match next {
                Some(next) if all.len() < limit as usize => before = Some(next),
                _ => break,
            }
        }
        all.truncate(limit as usize);
        Ok(all)
    }

    /// The accesses of a page of events before a number, and the number before which the next page begins; `None` at the end.
    pub(crate) async fn accesses_page(
        &self,
        national_id: &str,
        before: Option<u64>,
        limit: u32,
    ) -> Result<(Vec<FileAccess>, Option<u64>), Error> {
        let requests = self.requests_about(national_id).await?;
        let kinds: BTreeMap<&str, RequestKind> =
            requests.iter().filter_map(|row| Some((row.number.as_str(), RequestKind::parse(&row.kind)?))).collect();
        let places: BTreeMap<&str, &str> = requests.iter().map(|row| (row.number.as_str(), row.structure.as_str())).collect();
        let mut rows: BTreeMap<u64, AuditRow> = BTreeMap::new();
        let filters = requests.iter().map(|row| AuditFilter::of_request(&row.number));
        let mut more = false;
        for filter in filters.chain([AuditFilter::of_object(national_id)]) {
            let found = self.registry().audit_of(&filter, before, limit).await?;
            more |= found.len() == limit as usize;
            rows.extend(found.into_iter().map(|row| (row.number, row)));
        }
        // The newest of them all: what another filter has beyond its page is older than those.
        let newest: Vec<AuditRow> = rows.into_values().rev().take(limit as usize).collect();
        let next = newest.last().map(|row| row.number).filter(|_| more || newest.len() == limit as usize);
        let mut all = Vec::new();
        for row in &newest {
            if let Some(access) = self.access(row, &kinds, &places).await? {
                all.push(access);
            }
        }
        Ok((all, next))
    }

    async fn access(
        &self,
        row: &AuditRow,
        kinds: &BTreeMap<&str, RequestKind>,
        places: &BTreeMap<&str, &str>,
    ) -> Result<Option<FileAccess>, Error> {
        let detail: Value = serde_json::from_str(&row.event.detail).unwrap_or_default();
        let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
        if !row.event.event.starts_with(PREFIX) || detail.get("refused").is_some() {
            return Ok(None);
        }
        let kind = ActorKind::parse(text("kind"));
        let request = row.event.request.as_deref().unwrap_or_default();
        let in_perimeter = kind.is_some_and(ActorKind::acts_in_perimeter);
        let structure = match text("structure") {
            "" if in_perimeter => places.get(request).copied().unwrap_or_default(),
            stated if in_perimeter => stated,
            _ => "",
        };
        let mut structure = match structure {
            "" => String::new(),
            id => self.place(id).await?.map(|place| place.name).unwrap_or_default(),
        };
        if structure.is_empty() {
            let targets = detail.get("habilitations").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            structure = self.names_of_targets(targets).await?;
        }
        let purpose = match text("purpose") {
            "" => kinds.get(request).map_or("", |kind| kind.label()).to_owned(),
            typed => typed.to_owned(),
        };
        Ok(Some(FileAccess {
            at_ms: row.at_ms,
            actor_kind: kind.map_or("", ActorKind::label).to_owned(),
            structure,
            what: deed(&row.event.event).to_owned(),
            purpose,
        }))
    }

    /// Names of structures by the targets of habilitations.
    async fn names_of_targets(&self, targets: impl Iterator<Item = &str> + Send) -> Result<String, Error> {
        let mut names = Vec::new();
        for target in targets.map(str::to_owned).collect::<Vec<String>>() {
            let row: Option<VersionedRow<AuthorityRow>> = read(self.registry(), &target).await?;
            names.extend(row.map(|row| row.value.name));
        }
        Ok(names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_workflow::request::RequestEventKind;

    #[test]
    fn every_step_of_a_request_is_told_in_words() {
        for kind in RequestEventKind::ALL {
            assert_ne!(deed(&format!("{PREFIX}{}", kind.key())), "Autre opération", "{}", kind.key());
        }
        assert_eq!(deed("login"), "Autre opération");
    }
}
