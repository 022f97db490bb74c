//! `annuaire key`.

use crate::data_place::ExpectedData;
use crate::exit::Exit;
use crate::options::PlaceOptions;
use crate::registry::random_bytes;
use annuaire_bulk::{add_log_key, log_keys, retire_log_key};
use anyhow::{Result, bail};
use clap::Args;

/// Prints the public keys that sign the published files, for clients to pin; adds one, or retires the older one
#[derive(Args)]
pub(crate) struct KeyArguments {
    #[command(flatten)]
    place: PlaceOptions,
    /// Adds a key: after a restart of the server, both sign, while clients take over the new one
    #[arg(long, conflicts_with = "retire")]
    add: bool,
    /// Takes the older of two keys away: after a restart of the server, it signs nothing any more
    #[arg(long)]
    retire: bool,
}

impl KeyArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let (place, _) = self.place.open()?;
        place.expect(ExpectedData::Present)?;
        if log_keys(&place.data)?.is_empty() {
            bail!("there is no key yet: a server makes it with the first files (`files` of [publication])");
        }
        if self.add {
            let mut bytes = [0; 32];
            random_bytes(&mut bytes);
            if !add_log_key(&place.data, &mut bytes)? {
                bail!("two keys sign already: retire the older one first (--retire)");
            }
        }
        if self.retire && !retire_log_key(&place.data)? {
            bail!("there is one key only: add another one first (--add)");
        }
        for key in log_keys(&place.data)? {
            println!("{key}");
        }
        if self.add || self.retire {
            eprintln!("a server that runs takes these keys with its next start");
        }
        Ok(Exit::Done)
    }
}
