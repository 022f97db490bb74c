//! `docs/views.md` is the dictionary of the published tables.

#[path = "common/golden.rs"]
mod golden;

#[test]
fn the_page_is_current() {
    golden::compare_with_golden("../../docs/views.md", &annuaire_views::dictionary());
}
