//! `annuaire-conformance BASE [HEADER:VALUE…]`: runs every case and prints one line each. With the word `gold` before, it measures the
//! search of the pages (`docs/search-quality.md`).

use annuaire_conformance::gold::{GOLD_USAGE, gold_command, gold_hard_command};
use annuaire_conformance::{DirectoryClient, cases};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((base, headers)) = arguments.split_first() else {
        eprintln!("usage: annuaire-conformance http://host/fhir/v2 [ESANTE-API-KEY:key]\n{GOLD_USAGE}");
        return ExitCode::FAILURE;
    };
    let command = match base.as_str() {
        "gold" => Some(gold_command(headers)),
        "gold-hard" => Some(gold_hard_command(headers)),
        _ => None,
    };
    if let Some(done) = command {
        return done.map_or_else(
            |e| {
                eprintln!("{e}");
                ExitCode::FAILURE
            },
            |()| ExitCode::SUCCESS,
        );
    }
    let headers: Vec<(String, String)> =
        headers.iter().filter_map(|h| h.split_once(':')).map(|(n, v)| (n.to_owned(), v.trim().to_owned())).collect();
    let client = DirectoryClient::new(base, &headers);
    let mut failed = 0;
    for (name, case) in cases::ALL {
        match case(&client) {
            Ok(()) => println!("pass {name}"),
            Err(why) => {
                failed += 1;
                println!("FAIL {name}: {why}");
            }
        }
    }
    println!("{} cases, {failed} failed", cases::ALL.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
