//! `docs/views.md` is the dictionary of the published tables.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/golden.rs"]
mod golden;

#[test]
fn the_page_is_current() {
    golden::compare_with_golden("../../docs/views.md", &annuaire_views::dictionary());
}
