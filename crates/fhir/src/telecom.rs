//! Contact points and secure mailboxes of a resource, in its one `telecom` array.

use crate::extensions;
use crate::form::Form;
use crate::json::JsonWriter;
use crate::schema::params;
use annuaire_mos::{BoiteLettresMss, Coordonnees, Structure};
use annuaire_nos::{Coding, coding};

/// Code of `TRE_R256` for a secure health mailbox.
pub(crate) const SECURE_MAILBOX: &str = "MSSANTE";

/// Phone numbers, fax and ordinary mail.
pub(crate) struct ContactPoints<'a> {
    telephones: &'a [String],
    telecopie: &'a str,
    courriel: &'a str,
    /// They are no longer valid (`use` is `old`).
    expired: bool,
}

impl<'a> From<&'a Coordonnees> for ContactPoints<'a> {
    fn from(c: &'a Coordonnees) -> Self {
        Self { telephones: &c.telephones, telecopie: &c.telecopie, courriel: &c.courriel, expired: !c.date_fin.is_empty() }
    }
}

impl<'a> From<&'a Structure> for ContactPoints<'a> {
    fn from(s: &'a Structure) -> Self {
        Self { telephones: &s.telephones, telecopie: &s.telecopie, courriel: &s.courriel, expired: false }
    }
}

impl ContactPoints<'_> {
    fn write(&self, j: &mut JsonWriter) {
        let phones = self.telephones.iter().map(|t| ("phone", t.as_str()));
        let all = phones.chain([("fax", self.telecopie), ("email", self.courriel)]);
        for (system, value) in all.filter(|(_, value)| !value.is_empty()) {
            j.object(|j| {
                j.string("system", system);
                j.string("value", value);
                j.string("use", if self.expired { "old" } else { "" });
            });
        }
    }
}

/// Writes contact points, then mailboxes; `telecom` is absent when there is neither.
pub(crate) fn write(form: &mut Form, contact: Option<ContactPoints<'_>>, mailboxes: &[&BoiteLettresMss]) {
    form.json.array("telecom", |j| {
        if let Some(contact) = contact {
            contact.write(j);
        }
        write_mailboxes(j, mailboxes);
    });
    if !mailboxes.is_empty() {
        let types = coding::system("TRE_R257");
        for mailbox in mailboxes {
            form.index_text(&params::MAILBOX_MSS, &mailbox.adresse);
            form.index_token(&params::MAILBOX_MSS_TYPE, types, &mailbox.type_bal);
        }
    }
}

fn write_mailboxes(j: &mut JsonWriter, mailboxes: &[&BoiteLettresMss]) {
    if mailboxes.is_empty() {
        return;
    }
    let secure = Coding::without_label(coding::system("TRE_R256"), SECURE_MAILBOX);
    for mailbox in mailboxes {
        j.object(|j| {
            j.array("extension", |j| {
                j.coding_extension(extensions::EMAIL_TYPE, &secure);
                j.complex_extension(extensions::MAILBOX_MSS_METADATA, |j| {
                    j.concept_extension("type", &coding::in_table("TRE_R257", &mailbox.type_bal));
                    j.string_extension("service", &mailbox.service_rattachement);
                });
            });
            j.string("system", "email");
            j.string("value", &mailbox.adresse);
        });
    }
}

/// The first mailbox of each address: the files repeat a mailbox for each place where it is used.
pub(crate) fn distinct_addresses<'a>(mailboxes: impl Iterator<Item = &'a BoiteLettresMss>) -> Vec<&'a BoiteLettresMss> {
    let mut out: Vec<&BoiteLettresMss> = Vec::new();
    for mailbox in mailboxes {
        if !out.iter().any(|o| o.adresse == mailbox.adresse) {
            out.push(mailbox);
        }
    }
    out
}
