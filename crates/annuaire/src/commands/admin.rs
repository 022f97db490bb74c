//! `annuaire admin`.

use crate::amounts::date_utc;
use crate::data_place::ExpectedData;
use crate::exit::{Exit, Usage};
use crate::identity::{Identity, IdentityParts, IdentityUse, closed_gate, wait_for};
use crate::options::PlaceOptions;
use crate::page_key::page_key;
use annuaire_identity::ClientRecord;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use std::fs;
use std::path::PathBuf;

/// Who works with the identity provider, for the audit trail.
const ACTOR: &str = "admin";
/// Clients that are listed.
const CLIENTS: u32 = 10_000;

/// Works with the identity provider: clients, keys, sessions, phones. It may run beside a server
#[derive(Args)]
pub(crate) struct AdminArguments {
    #[command(flatten)]
    place: PlaceOptions,
    #[command(subcommand)]
    what: AdminCommand,
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Lists the clients
    Clients {
        /// As JSON, one record a line
        #[arg(long)]
        json: bool,
    },
    /// Registers the client of a file, a JSON record, or changes what is registered of it; secrets stay as they are
    PutClient {
        /// The record
        file: PathBuf,
    },
    /// Gives a client another secret and prints it; the one before stays good until the next one
    NewSecret {
        /// The client
        client_id: String,
    },
    /// Removes a client: its tokens are good no more
    RemoveClient {
        /// The client
        client_id: String,
    },
    /// Puts the announced signing keys in force at once
    RotateKeys,
    /// Ends all sessions of a person, and tells the applications
    EndSessions {
        /// National identifier (810999000010)
        national_id: String,
    },
    /// Revokes all phones of a person; their sessions end
    RevokePhones {
        /// National identifier (810999000010)
        national_id: String,
    },
}

impl AdminArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let (place, configuration) = self.place.open()?;
        place.expect(ExpectedData::Present)?;
        let (registry, secret) = (place.registry()?, page_key(&place)?);
        let identity = Identity::of(IdentityParts {
            registry: &registry,
            section: &configuration.identity,
            host: None,
            secret,
            gate: closed_gate(secret),
            style: String::new(),
            usage: IdentityUse::Real,
            serves: false,
        })?;
        let Some(identity) = identity else {
            bail!("there is no identity provider here: name its issuer (issuer of [identity] in annuaire.toml)");
        };
        let provider = &identity.provider;
        match self.what {
            AdminCommand::Clients { json } => {
                for client in wait_for(provider.clients("", CLIENTS))? {
                    if json {
                        println!("{}", serde_json::to_string(&client)?);
                    } else {
                        let ends = client.ends_ms.map(|ms| format!(", until {}", date_utc(ms))).unwrap_or_default();
                        println!("{}: {} ({:?}{ends})", client.client_id, client.client_name, client.mode);
                    }
                }
            }
            AdminCommand::PutClient { file } => {
                let mut record = read_record(&file)?;
                let known =
                    wait_for(provider.clients("", CLIENTS))?.into_iter().find(|known| known.client_id == record.client_id);
                if let Some(known) = &known {
                    record.secrets_sha256.clone_from(&known.secrets_sha256);
                    record.created_ms = known.created_ms;
                } else {
                    record.created_ms = crate::clock::now_ms();
                }
                let needs_secret = record.secrets_sha256.is_empty() && record.has_secret_method();
                if needs_secret {
                    // Nobody has this one: the command that follows gives the first.
                    record.secrets_sha256.push("0".repeat(64));
                }
                if let Some(objection) = record.objection() {
                    return Err(Usage(format!("{}: {objection}", file.display())).into());
                }
                wait_for(provider.register_client(&record, ACTOR))?;
                println!("{}: {}", record.client_id, if known.is_some() { "changed" } else { "registered" });
                if needs_secret {
                    print_secret(&identity, &record.client_id)?;
                }
            }
            AdminCommand::NewSecret { client_id } => print_secret(&identity, &client_id)?,
            AdminCommand::RemoveClient { client_id } => {
                if !wait_for(provider.remove_client(&client_id, ACTOR))? {
                    bail!("{client_id}: there is no such client");
                }
                println!("{client_id}: removed");
            }
            AdminCommand::RotateKeys => {
                wait_for(provider.rotate_keys())?;
                println!("the announced keys sign from now on; servers take them within a minute");
            }
            AdminCommand::EndSessions { national_id } => {
                let ended = wait_for(provider.end_sessions_of(&national_id, None))?;
                println!("{ended} sessions ended");
            }
            AdminCommand::RevokePhones { national_id } => {
                let phones = crate::registry::runtime()?.block_on(identity.phone.revoke_all(&national_id, &[], ACTOR))?;
                println!("{phones} phones revoked; a server ends their sessions within a second");
            }
        }
        Ok(Exit::Done)
    }
}

fn read_record(file: &PathBuf) -> Result<ClientRecord> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    // serde says line and column.
    serde_json::from_str(&text).with_context(|| format!("{}: this is no record of a client", file.display()))
}

fn print_secret(identity: &Identity, client_id: &str) -> Result<()> {
    match wait_for(identity.provider.new_secret(client_id, ACTOR))? {
        Some(secret) => println!("{client_id}: secret {secret} (it is not shown again)"),
        None => bail!("{client_id}: there is no such client"),
    }
    Ok(())
}
