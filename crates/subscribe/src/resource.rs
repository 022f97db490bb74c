//! The resource Subscription (R4 with the backport of R5 topics): read from what a client sends, written for what it reads.

use crate::address::AddressRules;
use crate::criteria::Criterion;
use crate::error::{RefusalKind, ServiceError, refused};
use crate::limits;
use crate::topic::{TOPICS, Topic};
use annuaire_base::date::{iso_ms, parse_instant};
use annuaire_store::subscription::{SubscriptionHead, SubscriptionStatus};
use serde_json::{Map, Value, json};

/// Start of the canonicals of the backport.
macro_rules! backport {
    ($name:literal) => {
        concat!("http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/", $name)
    };
}

/// Profile of the resource.
pub const PROFILE: &str = backport!("backport-subscription");
const FILTER: &str = backport!("backport-filter-criteria");
const CONTENT: &str = backport!("backport-payload-content");
const HEARTBEAT: &str = backport!("backport-heartbeat-period");
const TIMEOUT: &str = backport!("backport-timeout");
const MAX_COUNT: &str = backport!("backport-max-count");
/// Our extension of an update that asks for another signing key.
pub const ROTATE: &str = "https://annuaire.example/fhir/StructureDefinition/subscription-rotate-secret";
/// What a reader sees in place of the value of a header. An update that sends it back keeps the value.
const HIDDEN: &str = "(hidden)";

/// What a notification holds of its resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadContent {
    /// Nothing: the receiver asks.
    Empty,
    /// References.
    IdOnly,
    /// The versions of the events.
    FullResource,
}

impl PayloadContent {
    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::IdOnly => "id-only",
            Self::FullResource => "full-resource",
        }
    }

    /// The content of that code.
    #[must_use]
    pub fn find(code: &str) -> Option<Self> {
        [Self::Empty, Self::IdOnly, Self::FullResource].into_iter().find(|content| content.code() == code)
    }
}

/// A signing key, and when it stops signing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SigningKey {
    pub text: String,
    pub until_ms: Option<i64>,
}

/// What a subscription asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct WantedSubscription {
    /// Its topic.
    pub topic: &'static Topic,
    /// Filters as they were written.
    pub filters: Vec<String>,
    /// Address of the receiver. It may hold a secret: it is shown to its owner only.
    pub endpoint: String,
    /// What notifications hold.
    pub content: PayloadContent,
    /// Seconds without an event after which a heartbeat is sent.
    pub heartbeat: Option<u64>,
    /// Seconds that the receiver has for its answer.
    pub timeout: Option<u64>,
    /// Events of one notification at most.
    pub max_count: Option<u32>,
    /// Why it was made, in the words of the client.
    pub reason: Option<String>,
    /// Address of the door that it was made at, with which notifications name resources.
    pub base: String,
    /// Headers of each notification, name and value: secrets.
    pub(crate) headers: Vec<(String, String)>,
    /// Keys that sign, the newest first: secrets.
    pub(crate) keys: Vec<SigningKey>,
}

/// What a client sent.
pub(crate) struct Sent {
    pub wanted: WantedSubscription,
    pub status: SubscriptionStatus,
    pub end_ms: Option<i64>,
    pub rotate: bool,
}

fn not_served(text: impl Into<String>, hint: impl Into<String>) -> ServiceError {
    refused(RefusalKind::NotServed, text, hint)
}

/// The values of an extension within `of`.
fn extensions<'a>(of: &'a Value, url: &'a str) -> impl Iterator<Item = &'a Map<String, Value>> {
    of["extension"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .filter(move |e| e.get("url").is_some_and(|u| u == url))
}

/// A number of an extension, of whatever integer type.
fn number(of: &Value, url: &str) -> Option<u64> {
    let found = extensions(of, url).next()?;
    found.iter().filter(|(name, _)| name.starts_with("value")).find_map(|(_, value)| value.as_u64())
}

impl Sent {
    /// Reads what a client sent, and refuses what is not served (SUB-5).
    pub(crate) fn read(body: &[u8], base: &str, rules: &AddressRules, now_ms: i64) -> Result<Self, ServiceError> {
        let malformed = |text: &str| refused(RefusalKind::Malformed, text, "Send a resource Subscription (R4) in JSON.");
        let resource: Value = serde_json::from_slice(body).map_err(|e| malformed(&format!("The body is no JSON: {e}.")))?;
        if resource["resourceType"] != "Subscription" {
            return Err(malformed("The body is no Subscription."));
        }
        let status = match resource["status"].as_str() {
            Some("requested" | "active") => SubscriptionStatus::Requested,
            Some("off") => SubscriptionStatus::Off,
            _ => {
                return Err(not_served(
                    "Subscription.status is missing or not one that a client may give.",
                    "Write requested, or off.",
                ));
            }
        };
        let end_ms = match &resource["end"] {
            Value::Null => None,
            Value::String(end) => {
                let instant = parse_instant(end)
                    .ok_or_else(|| not_served("Subscription.end is no instant.", "As 2027-01-31T12:00:00Z."))?;
                Some(instant.0)
            }
            _ => return Err(not_served("Subscription.end is no instant.", "As 2027-01-31T12:00:00Z.")),
        };
        if end_ms.is_some_and(|end| end <= now_ms) && status != SubscriptionStatus::Off {
            return Err(not_served("Subscription.end is over.", "Give a later one, or none."));
        }
        let canonical = resource["criteria"].as_str().unwrap_or_default();
        let known = || format!("Topics: {}.", TOPICS.iter().map(Topic::canonical).collect::<Vec<_>>().join(", "));
        let topic =
            Topic::find(canonical).ok_or_else(|| not_served("Subscription.criteria names no topic of this server.", known()))?;
        let filters = filters(&resource, topic)?;
        let channel = &resource["channel"];
        if channel["type"] != "rest-hook" {
            return Err(not_served("Subscription.channel.type is not served.", "Served: rest-hook."));
        }
        let endpoint = channel["endpoint"].as_str().unwrap_or_default().to_owned();
        rules.check(&endpoint).map_err(|why| {
            not_served(
                format!("Subscription.channel.endpoint: {why}."),
                "Receivers are https addresses of the internet, or of networks that the operator allows.",
            )
        })?;
        let payload = channel["payload"].as_str().unwrap_or("application/fhir+json");
        if !matches!(payload, "application/fhir+json" | "application/json" | "json") {
            return Err(not_served("Subscription.channel.payload is not served.", "Served: application/fhir+json."));
        }
        let codes: Vec<&str> = extensions(&channel["_payload"], CONTENT).filter_map(|e| e.get("valueCode")?.as_str()).collect();
        let content = match codes[..] {
            [code] => PayloadContent::find(code),
            _ => None,
        };
        let content = content.ok_or_else(|| {
            not_served(
                "Subscription.channel.payload needs one extension backport-payload-content that is served.",
                "Served: empty, id-only, full-resource.",
            )
        })?;
        let heartbeat = number(channel, HEARTBEAT).filter(|s| *s > 0);
        if heartbeat.is_some_and(|seconds| seconds < limits::HEARTBEAT_LEAST) {
            return Err(not_served(
                "backport-heartbeat-period is too short.",
                format!("At least {} s.", limits::HEARTBEAT_LEAST),
            ));
        }
        let timeout = number(channel, TIMEOUT).filter(|s| *s > 0);
        if timeout.is_some_and(|seconds| seconds > limits::ANSWER_MOST.as_secs()) {
            return Err(not_served("backport-timeout is too long.", format!("At most {} s.", limits::ANSWER_MOST.as_secs())));
        }
        let max_count = number(channel, MAX_COUNT).filter(|n| *n > 0).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        let wanted = WantedSubscription {
            topic,
            filters,
            endpoint,
            content,
            heartbeat,
            timeout,
            max_count: max_count.map(|n| n.min(limits::BATCH_MOST)),
            reason: resource["reason"].as_str().map(|text| text.chars().take(1_000).collect()),
            base: base.to_owned(),
            headers: headers(channel)?,
            keys: Vec::new(),
        };
        let rotate = extensions(&resource, ROTATE).any(|e| e.get("valueBoolean").is_some_and(|v| v == true));
        Ok(Self { wanted, status, end_ms, rotate })
    }
}

fn filters(resource: &Value, topic: &Topic) -> Result<Vec<String>, ServiceError> {
    let given: Vec<&str> = extensions(&resource["_criteria"], FILTER)
        .map(|e| e.get("valueString").and_then(Value::as_str).unwrap_or_default())
        .collect();
    if given.len() > limits::FILTERS {
        return Err(not_served(
            format!("{} filters, of {} at most.", given.len(), limits::FILTERS),
            "Join parameters of one type by &.",
        ));
    }
    for text in &given {
        let shown: String = text.chars().take(60).collect();
        let criterion = Criterion::parse(text)
            .map_err(|why| not_served(format!("The filter {shown:?}: {why}."), "As Practitioner?identifier=a,b,c."))?;
        if !topic.types.contains(&criterion.ty.as_str()) {
            let hint = format!("Types of this topic: {}.", topic.types.join(", "));
            return Err(not_served(format!("The filter {shown:?} is about another type than the topic."), hint));
        }
    }
    Ok(given.into_iter().map(str::to_owned).collect())
}

/// Headers that belong to the protocol, or to the notification.
const OURS: [&str; 12] = [
    "host",
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "user-agent",
    "accept-encoding",
];

fn headers(channel: &Value) -> Result<Vec<(String, String)>, ServiceError> {
    let bad = |text: &str| not_served(format!("Subscription.channel.header: {text}."), "As \"Authorization: Bearer …\".");
    let given = channel["header"].as_array().map_or(&[][..], Vec::as_slice);
    if given.len() > limits::HEADERS {
        return Err(bad("too many headers"));
    }
    let one = |line: &Value| {
        let line =
            line.as_str().filter(|line| line.len() <= limits::HEADER_BYTES).ok_or_else(|| bad("one is no text, or too long"))?;
        let (name, value) = line.split_once(':').ok_or_else(|| bad("one has no colon"))?;
        let (name, value) = (name.trim(), value.trim());
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !is_name || !value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Err(bad("one cannot stand in a head of HTTP"));
        }
        let small = name.to_ascii_lowercase();
        if OURS.contains(&small.as_str()) || small.starts_with("webhook-") {
            return Err(bad(&format!("{name} is a header that this server sets")));
        }
        Ok((name.to_owned(), value.to_owned()))
    };
    given.iter().map(one).collect()
}

impl WantedSubscription {
    /// Keeps the values of headers that a client sent back as it read them.
    pub(crate) fn keep_hidden(&mut self, before: &Self) -> Result<(), ServiceError> {
        for (name, value) in self.headers.iter_mut().filter(|(_, value)| value == HIDDEN) {
            let kept = before.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
            *value = kept
                .map(|(_, value)| value.clone())
                .ok_or_else(|| not_served(format!("The header {name} has no value to keep."), "Give its value."))?;
        }
        Ok(())
    }

    /// Refuses the mark that stands for a value that nobody gave.
    pub(crate) fn refuse_hidden(&self) -> Result<(), ServiceError> {
        match self.headers.iter().find(|(_, value)| value == HIDDEN) {
            None => Ok(()),
            Some((name, _)) => Err(not_served(format!("The header {name} has no value."), "Give its value.")),
        }
    }

    /// Its filters, read.
    pub(crate) fn criteria(&self) -> Vec<Criterion> {
        self.filters.iter().filter_map(|text| Criterion::parse(text).ok()).collect()
    }

    /// The text that the registry keeps, secrets sealed.
    pub(crate) fn store(&self, sealed: &str) -> String {
        let all = json!({
            "topic": self.topic.name, "filters": self.filters, "endpoint": self.endpoint, "content": self.content.code(),
            "heartbeat": self.heartbeat, "timeout": self.timeout, "max_count": self.max_count, "reason": self.reason, "base": self.base,
            "sealed": sealed,
        });
        all.to_string()
    }

    /// The secrets, to be sealed.
    pub(crate) fn secrets(&self) -> String {
        let keys: Vec<Value> = self.keys.iter().map(|key| json!([key.text, key.until_ms])).collect();
        json!({"headers": self.headers, "keys": keys}).to_string()
    }

    /// Reads [`store`](Self::store) back; `open` opens what was sealed.
    pub(crate) fn read(text: &str, open: impl FnOnce(&str) -> Option<String>) -> Result<Self, &'static str> {
        let all: Value = serde_json::from_str(text).map_err(|_| "its content is no JSON")?;
        let secrets = open(all["sealed"].as_str().unwrap_or_default()).ok_or("its secrets were sealed under another secret")?;
        let secrets: Value = serde_json::from_str(&secrets).map_err(|_| "its secrets are no JSON")?;
        let text = |of: &Value| of.as_str().map(str::to_owned);
        let pair = |of: &Value| Some((text(&of[0])?, text(&of[1])?));
        let key = |of: &Value| Some(SigningKey { text: text(&of[0])?, until_ms: of[1].as_i64() });
        let list = |of: &Value| of.as_array().cloned().unwrap_or_default();
        Ok(Self {
            topic: TOPICS.iter().find(|topic| all["topic"] == topic.name).ok_or("its topic is unknown")?,
            filters: list(&all["filters"]).iter().filter_map(text).collect(),
            endpoint: text(&all["endpoint"]).ok_or("it has no endpoint")?,
            content: all["content"].as_str().and_then(PayloadContent::find).ok_or("its payload content is unknown")?,
            heartbeat: all["heartbeat"].as_u64(),
            timeout: all["timeout"].as_u64(),
            max_count: all["max_count"].as_u64().and_then(|n| u32::try_from(n).ok()),
            reason: text(&all["reason"]),
            base: text(&all["base"]).ok_or("it has no base")?,
            headers: list(&secrets["headers"]).iter().filter_map(pair).collect(),
            keys: list(&secrets["keys"]).iter().filter_map(key).collect(),
        })
    }

    /// The resource, without secrets.
    #[must_use]
    pub fn resource(&self, head: &SubscriptionHead) -> Value {
        let mut out = json!({
            "resourceType": "Subscription",
            "id": head.id,
            "meta": {"versionId": head.version.to_string(), "lastUpdated": iso_ms(head.changed_ms), "profile": [PROFILE]},
            "status": head.status.code(),
        });
        if let Some(end) = head.end_ms {
            out["end"] = json!(iso_ms(end));
        }
        out["reason"] = json!(self.reason.as_deref().unwrap_or(self.topic.meaning));
        out["criteria"] = json!(self.topic.canonical());
        if !self.filters.is_empty() {
            let filter = |text: &String| json!({"url": FILTER, "valueString": text});
            out["_criteria"] = json!({"extension": self.filters.iter().map(filter).collect::<Vec<_>>()});
        }
        if let Some(error) = &head.progress.error {
            out["error"] = json!(error);
        }
        let unsigned = |url, value: Option<u64>| value.map(|n| json!({"url": url, "valueUnsignedInt": n}));
        let max = self.max_count.map(|n| json!({"url": MAX_COUNT, "valuePositiveInt": n}));
        let extension: Vec<Value> =
            [unsigned(HEARTBEAT, self.heartbeat), unsigned(TIMEOUT, self.timeout), max].into_iter().flatten().collect();
        let mut channel = json!({});
        if !extension.is_empty() {
            channel["extension"] = json!(extension);
        }
        channel["type"] = json!("rest-hook");
        channel["endpoint"] = json!(self.endpoint);
        channel["payload"] = json!("application/fhir+json");
        channel["_payload"] = json!({"extension": [{"url": CONTENT, "valueCode": self.content.code()}]});
        if !self.headers.is_empty() {
            channel["header"] = self.headers.iter().map(|(name, _)| format!("{name}: {HIDDEN}")).collect();
        }
        out["channel"] = channel;
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topic::TOPIC_BASE;

    fn sample() -> Value {
        json!({
            "resourceType": "Subscription", "status": "requested", "end": "2027-01-31T12:00:00Z", "reason": "tests",
            "criteria": format!("{TOPIC_BASE}practitioner-changed"),
            "_criteria": {"extension": [{"url": FILTER, "valueString": "Practitioner?identifier=10999000010"}]},
            "channel": {
                "extension": [{"url": HEARTBEAT, "valueUnsignedInt": 600}, {"url": MAX_COUNT, "valuePositiveInt": 20}],
                "type": "rest-hook", "endpoint": "https://hook.example/x", "payload": "application/fhir+json",
                "_payload": {"extension": [{"url": CONTENT, "valueCode": "full-resource"}]},
                "header": ["Authorization: Bearer s3cret"],
            },
        })
    }

    fn read(resource: &Value) -> Result<Sent, ServiceError> {
        Sent::read(
            resource.to_string().as_bytes(),
            "https://annuaire.example/fhir/v2",
            &AddressRules::default(),
            1_800_000_000_000,
        )
    }

    fn head() -> SubscriptionHead {
        let progress = annuaire_store::subscription::SubscriptionProgress {
            watermark: annuaire_base::Tx::NONE,
            events: 0,
            delivered: 0,
            resend_next: 0,
            resend_last: 0,
            attempts: 0,
            due_ms: 0,
            sent_ms: 0,
            error: None,
        };
        SubscriptionHead {
            id: "s1".into(),
            owner: "k".into(),
            perimeter: "public".into(),
            version: 1,
            status: SubscriptionStatus::Requested,
            changed_ms: 0,
            end_ms: Some(1_801_396_800_000),
            progress,
        }
    }

    #[test]
    fn what_is_read_is_what_was_sent_but_for_secrets() {
        let mut sent = read(&sample()).unwrap();
        sent.wanted.keys.push(SigningKey { text: "whsec_x".into(), until_ms: Some(4) });
        let stored = sent.wanted.store("sealed");
        assert!(!stored.contains("s3cret") && !stored.contains("whsec"));
        let secrets = sent.wanted.secrets();
        let back = WantedSubscription::read(&stored, |sealed| (sealed == "sealed").then_some(secrets)).unwrap();
        assert!(back == sent.wanted);
        let shown = back.resource(&head());
        assert!(!shown.to_string().contains("s3cret"));
        let mut again = read(&shown).unwrap().wanted;
        again.keep_hidden(&back).unwrap();
        assert_eq!((&again.headers, &again.filters, again.heartbeat), (&back.headers, &back.filters, Some(600)));
        let mut expected = sample();
        (expected["id"], expected["meta"]) = (json!("s1"), shown["meta"].clone());
        (expected["channel"]["header"], expected["end"]) = (json!(["Authorization: (hidden)"]), shown["end"].clone());
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_not_served_is_refused() {
        assert!(read(&sample()).is_ok());
        for (at, value) in [
            ("/status", json!("error")),
            ("/end", json!("2020-01-01T00:00:00Z")),
            ("/criteria", json!("Practitioner?")),
            ("/criteria", json!(format!("{TOPIC_BASE}weather"))),
            ("/channel/type", json!("email")),
            ("/channel/type", json!("websocket")),
            ("/channel/endpoint", json!("http://hook.example/")),
            ("/channel/endpoint", json!("https://127.0.0.1/")),
            ("/channel/endpoint", Value::Null),
            ("/channel/payload", json!("application/fhir+xml")),
            ("/channel/_payload/extension", json!([])),
            ("/channel/_payload/extension/0/valueCode", json!("all")),
            ("/_criteria/extension/0/valueString", json!("Organization?name=a")),
            ("/_criteria/extension/0/valueString", json!("Practitioner")),
            ("/channel/extension/0/valueUnsignedInt", json!(3)),
            ("/channel/header/0", json!("Host: x")),
            ("/channel/header/0", json!("Webhook-Id: x")),
            ("/channel/header/0", json!("a b: x")),
            ("/channel/header/0", json!("A: x\r\nB: y")),
            ("/channel/header/0", json!(3)),
        ] {
            let mut resource = sample();
            *resource.pointer_mut(at).unwrap() = value.clone();
            let said = read(&resource).err().map(|e| e.to_string());
            assert!(said.is_some(), "{at} {value}");
        }
        for bad in [&b"x"[..], b"{}", b"[]", br#"{"resourceType":"Patient"}"#] {
            let refused = Sent::read(bad, "", &AddressRules::default(), 0).err().unwrap();
            assert!(matches!(refused, ServiceError::Refused { kind: RefusalKind::Malformed, .. }));
        }
    }
}
