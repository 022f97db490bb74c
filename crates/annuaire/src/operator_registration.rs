//! The use cases of registration for a command that an operator runs beside servers: nobody has a session there, and what is to be sent
//! waits for a server.

use crate::clock::now_ms;
use crate::config::Configuration;
use crate::registration::PORTAL;
use crate::registry::random_bytes;
use annuaire_registry::{Registration, RegistrationSettings, StructureSearch, SystemActor};
use annuaire_store::BlockingRegistry;
use annuaire_workflow::fields::{FieldSettings, StructureQuery};
use anyhow::{Context, Result};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Stands for the index of structures, which only a server has. A structure is found by its number in the registry.
struct NumbersAlone;

const NO_SEARCH: &str = "structures are searched in a server alone";

#[async_trait]
impl StructureSearch for NumbersAlone {
    async fn sites_of(&self, _: &str) -> Result<Vec<String>, String> {
        Err(NO_SEARCH.to_owned())
    }

    async fn by_siret(&self, _: &str) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    async fn named(&self, _: &StructureQuery, _: usize) -> Result<Vec<String>, String> {
        Err(NO_SEARCH.to_owned())
    }

    async fn persons_of(&self, _: &str, _: u32, _: u32) -> Result<(Vec<String>, u64), String> {
        Err(NO_SEARCH.to_owned())
    }
}

/// The use cases that a command runs on a registry, with the secret of the installation.
///
/// # Errors
/// A sentence where no registration is configured, or a prefix that is none.
pub(crate) fn operator_registration(
    registry: &BlockingRegistry,
    configuration: &Configuration,
    secret: [u8; 32],
) -> Result<(Registration, SystemActor)> {
    let section = &configuration.registration;
    let rpps_prefix = section.rpps_prefix.clone().filter(|_| section.enabled != Some(false)).context(
        "there is no registration here: rpps_prefix of [registration] is not set in annuaire.toml, or enabled is false",
    )?;
    let identity = &configuration.identity;
    // Messages that a command leaves for a server name the portal. Without an identity provider there is no server that sends any.
    let host = identity.login.as_ref().or(identity.issuer.as_ref()).map_or("", |host| host.text());
    Registration::new(RegistrationSettings {
        registry: Arc::clone(registry.registry()),
        structures: Arc::new(NumbersAlone),
        entropy: Arc::new(random_bytes),
        now_ms: Arc::new(now_ms),
        commit_ms: Arc::new(now_ms),
        secret,
        rpps_prefix,
        public_base: format!("{}{PORTAL}", host.trim_end_matches('/')),
        terms_version: section.terms_version.clone(),
        arbiters: BTreeSet::new(),
        support: BTreeSet::new(),
        auditors: BTreeSet::new(),
        authority_agents: BTreeMap::new(),
        terminologists: BTreeSet::new(),
        fields: FieldSettings::default(),
    })
    .context("registration.rpps_prefix")
}
