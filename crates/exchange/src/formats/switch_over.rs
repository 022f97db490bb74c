//! The switch from ADELI to RPPS numbers.

use super::columns::columns;
use super::slot::Slot as S;
use super::text_format::LineKind::{Ignored, Switch};
use super::text_format::{TextFormat, semicolon_format};

pub(super) fn formats() -> Vec<TextFormat> {
    vec![
        semicolon_format(
            "bascule ADELI RPPS",
            "bascule",
            Switch,
            "n° adeli|n° rpps",
            columns(&[&[("n° adeli", S::Adeli), ("n° rpps", S::Rpps)]]),
        ),
        semicolon_format(
            "pscload_rapport_des_echecs_de_bascule",
            "",
            Ignored("the report of a consumer about a switch-over, not a source of facts"),
            "original_id|target_id|returned_code",
            Vec::new(),
        ),
    ]
}
