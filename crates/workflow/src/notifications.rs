//! What people are told by mail, message and inbox: N01 to N26 (registration §12), and G01 to G08, which
//! are ours: the reference asks for them and names no text.
//!
//! A template names its places. It may name the first name and the number of the request; whatever else it names is listed in the
//! reference for that notification, and [`NoticeTemplate::allowed`] repeats it, so that a test finds a text that tells more.
//! Every text is closed by one line that leads to the entrance of the portal, never to a page of one person, and nobody is ever
//! asked for a password.

mod template;
mod texts;

pub use template::{
    CLOSING, COMMON_PLACES, FilledNotice, MissingPlace, NOTICE_LANGUAGE, NoticeAudience, NoticeChannel, NoticeId, NoticeTemplate,
};
pub use texts::TEMPLATES;

/// The template of a notification.
#[must_use]
pub fn template_of(id: NoticeId) -> &'static NoticeTemplate {
    // A test shows that the table holds every notification, in order.
    &TEMPLATES[NoticeId::ALL.iter().position(|known| *known == id).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_every_notification_in_order_and_no_text_tells_more_than_allowed() {
        let ids: Vec<NoticeId> = TEMPLATES.iter().map(|t| t.id).collect();
        assert_eq!(ids, NoticeId::ALL);
        for template in TEMPLATES {
            for place in template.places() {
                let known = place == "portail" || COMMON_PLACES.contains(&place) || template.allowed.contains(&place);
                assert!(known, "{} tells {place}", template.id);
            }
            for place in template.allowed {
                assert!(template.places().contains(place), "{} does not tell {place}", template.id);
            }
            let by_sms = template.to.iter().any(|(_, channels)| channels.contains(&NoticeChannel::Sms));
            assert_eq!(by_sms, !template.sms.is_empty(), "{}", template.id);
            assert!(template.sms.chars().count() <= 160, "{}", template.id);
            let all = [template.subject, template.body, template.sms].concat();
            assert!(!all.contains("http") && !all.to_lowercase().contains("mot de passe"), "{}", template.id);
        }
    }

    #[test]
    fn a_missing_value_is_named_and_a_value_adds_no_line_to_a_subject() {
        let template = template_of(NoticeId::N01);
        let missing = template.fill("https://annuaire.example/portail", &[("prénom", "Camille")]).unwrap_err();
        assert_eq!(missing.to_string(), "notification N01 needs a value for `num`");
        let values = [("prénom", "Camille"), ("num", "P20260112000042\r\nBcc: x@y.example"), ("structure", "Structure d'essai")];
        let filled = template.fill("https://annuaire.example/portail", &values).unwrap();
        assert!(!filled.subject.contains('\n') && !filled.subject.contains('\r'));
        assert!(filled.body.contains("https://annuaire.example/portail"));
    }
}
