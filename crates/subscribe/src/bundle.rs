//! Notifications and the status of a subscription, in the shapes of the backport for R4 (interop §7.3).

use crate::resource::{PayloadContent, WantedSubscription};
use annuaire_base::date::iso_ms;
use annuaire_fhir::schema::type_id;
use annuaire_index::Snapshot;
use annuaire_store::subscription::{EventKind, SubscriptionEvent, SubscriptionHead};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Profile of the first entry.
const STATUS_PROFILE: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4";
/// Profile of a notification.
const NOTIFICATION_PROFILE: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-notification-r4";

/// What a status is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusType {
    /// Whether the receiver is there.
    Handshake,
    /// That nothing happened.
    Heartbeat,
    /// Events.
    EventNotification,
    /// An answer to `$status`.
    QueryStatus,
    /// An answer to `$events`.
    QueryEvent,
}

impl StatusType {
    const fn code(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Heartbeat => "heartbeat",
            Self::EventNotification => "event-notification",
            Self::QueryStatus => "query-status",
            Self::QueryEvent => "query-event",
        }
    }
}

/// A subscription about which something is told.
pub(crate) struct Told<'a> {
    pub head: &'a SubscriptionHead,
    pub wanted: &'a WantedSubscription,
}

impl Told<'_> {
    /// The resource Parameters of the status; `events` are those that it announces, `content` what it may say of them. `total` counts all
    /// events up to the last one told (those of a bundle included).
    pub(crate) fn status(&self, ty: StatusType, content: PayloadContent, total: u64, events: &[SubscriptionEvent]) -> Value {
        let reference = json!({"name": "subscription", "valueReference": {"reference": self.address()}});
        let mut parameter = vec![reference];
        if content != PayloadContent::Empty {
            parameter.push(json!({"name": "topic", "valueCanonical": self.wanted.topic.canonical()}));
        }
        parameter.push(json!({"name": "status", "valueCode": self.head.status.code()}));
        parameter.push(json!({"name": "type", "valueCode": ty.code()}));
        parameter.push(json!({"name": "events-since-subscription-start", "valueString": total.to_string()}));
        for event in events {
            let mut part = vec![
                json!({"name": "event-number", "valueString": event.number.to_string()}),
                json!({"name": "timestamp", "valueInstant": iso_ms(event.at_ms)}),
            ];
            if content != PayloadContent::Empty {
                let focus = format!("{}/{}/{}", self.wanted.base, event.ty, event.id);
                part.push(json!({"name": "focus", "valueReference": {"reference": focus}}));
            }
            parameter.push(json!({"name": "notification-event", "part": part}));
        }
        if let Some(error) = self.head.progress.error.as_ref().filter(|_| ty == StatusType::QueryStatus) {
            let code = json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/subscription-error", "code": "no-response"}], "text": error});
            parameter.push(json!({"name": "error", "valueCodeableConcept": code}));
        }
        let id = format!("status-{}", self.head.id);
        json!({"resourceType": "Parameters", "id": id, "meta": {"profile": [STATUS_PROFILE]}, "parameter": parameter})
    }

    fn address(&self) -> String {
        format!("{}/Subscription/{}", self.wanted.base, self.head.id)
    }

    /// A notification. Resources are those of `snap` at the versions of the events; one that is not kept any more, or was withdrawn, is told by its
    /// reference alone.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn bundle(
        &self,
        ty: StatusType,
        content: PayloadContent,
        total: u64,
        events: &[SubscriptionEvent],
        (snap, now_ms): (&Snapshot, i64),
    ) -> Result<Vec<u8>, annuaire_index::Error> {
        let status = self.status(ty, content, total, events);
        let first = json!({
            "fullUrl": format!("{}/$status", self.address()),
            "resource": status,
            "request": {"method": "GET", "url": format!("Subscription/{}/$status", self.head.id)},
            "response": {"status": "200"},
        });
        let meta = json!({"profile": [NOTIFICATION_PROFILE]});
        let start =
            json!({"resourceType": "Bundle", "meta": meta, "type": "history", "timestamp": iso_ms(now_ms), "entry": [first]})
                .to_string();
        let mut out = start.into_bytes();
        out.truncate(out.len() - "]}".len());
        for event in events.iter().filter(|_| content == PayloadContent::FullResource) {
            out.push(b',');
            out.extend_from_slice(&self.entry(event, snap)?);
        }
        out.extend_from_slice(b"]}");
        Ok(out)
    }

    fn entry(&self, event: &SubscriptionEvent, snap: &Snapshot) -> Result<Vec<u8>, annuaire_index::Error> {
        let url = format!("{}/{}", event.ty, event.id);
        let (method, url, status) = match event.kind {
            EventKind::Created => ("POST", event.ty.clone(), "201"),
            EventKind::Updated => ("PUT", url, "200"),
            EventKind::Removed => ("DELETE", url, "204"),
        };
        let version = match type_id(&event.ty).filter(|_| event.kind != EventKind::Removed) {
            Some(ty) => snap.version(ty, &event.id, event.version)?.filter(|version| version.tombstone.is_none()),
            None => None,
        };
        let full = json!(format!("{}/{}/{}", self.wanted.base, event.ty, event.id));
        let mut out = format!("{{\"fullUrl\":{full}").into_bytes();
        // A body is stored as it is sent; one that is no JSON would spoil the whole notification.
        if let Some(version) = version.filter(|version| serde_json::from_slice::<&RawValue>(version.body()).is_ok()) {
            out.extend_from_slice(b",\"resource\":");
            out.extend_from_slice(version.body());
        }
        let response = json!({"status": status, "etag": format!("W/\"{}\"", event.version), "lastModified": iso_ms(event.at_ms)});
        let request = json!({"method": method, "url": url});
        out.extend_from_slice(format!(",\"request\":{request},\"response\":{response}}}").as_bytes());
        Ok(out)
    }
}

/// Cuts events to one notification: at most `most`, and whole transactions, unless the first one alone is larger. `more` says that others
/// follow the last one given.
pub(crate) fn cut(events: &mut Vec<SubscriptionEvent>, most: usize) {
    if events.len() <= most {
        return;
    }
    let boundary = (1..=most).rev().find(|at| events[at - 1].tx != events[*at].tx);
    events.truncate(boundary.unwrap_or(most));
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_base::Tx;

    #[test]
    fn a_notification_ends_with_a_transaction_when_it_can() {
        let events = |txs: &[u64]| -> Vec<SubscriptionEvent> {
            let event = |(n, tx): (u64, &u64)| SubscriptionEvent {
                number: n,
                tx: Tx::new(*tx),
                at_ms: 0,
                kind: EventKind::Updated,
                ty: String::new(),
                id: String::new(),
                version: 1,
            };
            (1..).zip(txs).map(event).collect()
        };
        for (txs, most, kept) in [
            (&[1, 1, 2, 2][..], 4, 4),
            (&[1, 1, 2, 2], 3, 2),
            (&[1, 1, 2, 3], 3, 3),
            (&[1, 1, 1, 2], 2, 2),
            (&[1, 2, 3], 1, 1),
            (&[], 3, 0),
        ] {
            let mut all = events(txs);
            cut(&mut all, most);
            assert_eq!(all.len(), kept, "{txs:?} {most}");
        }
    }
}
