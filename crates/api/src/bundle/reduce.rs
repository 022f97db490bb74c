//! Reduced resources: stored bytes with some of their members, cut out without parsing values.
//!
//! The members are found by our own scan and not by `serde_json` with `RawValue`: a map of raw values allocates each name and
//! value, while the scan borrows them, on the path of every entry of a page with `_elements`.

const SUBSETTED: &[u8] = br#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED","display":"Resource encoded in summary mode"}"#;
/// Members that every reduced resource has.
const COMPULSORY: [&str; 6] = ["resourceType", "id", "meta", "identifier", "active", "status"];

/// Members of a JSON object: name and value, as written.
fn members(body: &[u8]) -> Vec<(&[u8], &[u8])> {
    let (mut out, mut depth, mut start, mut colon) = (Vec::new(), 0u32, 0, None);
    let (mut quoted, mut escaped) = (false, false);
    for (i, b) in body.iter().enumerate() {
        if quoted {
            match b {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        let closing = matches!(b, b'}' | b']');
        if depth == 1 && (closing || *b == b',') {
            if let Some(at) = colon.take() {
                let name = body[start..at].trim_ascii();
                out.push((name.get(1..name.len().saturating_sub(1)).unwrap_or(name), body[at + 1..i].trim_ascii()));
            }
            start = i + 1;
        }
        match b {
            b'"' => quoted = true,
            b'{' | b'[' => {
                depth += 1;
                if depth == 1 {
                    start = i + 1;
                }
            }
            b':' if depth == 1 && colon.is_none() => colon = Some(i),
            _ if closing => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    out
}

/// A JSON object of these members.
fn join<'a>(members: impl Iterator<Item = (&'a [u8], std::borrow::Cow<'a, [u8]>)>) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (name, value) in members {
        if out.len() > 1 {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(name);
        out.extend_from_slice(b"\":");
        out.extend_from_slice(&value);
    }
    out.push(b'}');
    out
}

/// A resource in JSON with its compulsory members and those of `names` (`*`: all), tagged SUBSETTED. What is no JSON object gives an
/// object without its members. Cost: a scan.
#[must_use]
pub fn reduce(body: &[u8], names: &[String]) -> Vec<u8> {
    let all_of = names.iter().any(|n| n == "*");
    let is_kept =
        |name: &[u8]| all_of || COMPULSORY.iter().any(|k| k.as_bytes() == name) || names.iter().any(|n| n.as_bytes() == name);
    let mut all = members(body);
    if !all.iter().any(|(name, _)| *name == b"meta") {
        all.push((b"meta", b"{}"));
    }
    join(
        all.into_iter()
            .filter(|(name, _)| is_kept(name))
            .map(|(name, value)| (name, if name == b"meta" { tagged(value).into() } else { value.into() })),
    )
}

/// The member `meta` with the tag SUBSETTED.
fn tagged(meta: &[u8]) -> Vec<u8> {
    let mut all = members(meta);
    let old = all.iter().position(|(name, _)| *name == b"tag").map(|i| all.remove(i).1);
    let mut tag = old.and_then(|t| t.strip_suffix(b"]")).map_or_else(|| b"[".to_vec(), <[u8]>::to_vec);
    if tag.len() > 1 {
        tag.push(b',');
    }
    tag.extend_from_slice(SUBSETTED);
    tag.push(b']');
    join(all.into_iter().map(|(n, v)| (n, v.into())).chain([(&b"tag"[..], tag.into())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn reduced_resource() {
        let body = br#"{"resourceType":"Organization","id":"1","meta":{"versionId":"2","tag":[{"code":"a"}]},"name":"x\"},{,:","type":[{"text":"t"}],"active":true}"#;
        let out = reduce(body, &["name".to_owned()]);
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["name"], "x\"},{,:");
        assert_eq!(value["meta"]["tag"][1]["code"], "SUBSETTED");
        assert_eq!(value["meta"]["versionId"], "2");
        assert_eq!((value["active"].clone(), value.get("type")), (Value::Bool(true), None));
        assert!(out.starts_with(br#"{"resourceType":"Organization","id":"1","meta":{"versionId":"2","tag":["#));
        let bare: Value = serde_json::from_slice(&reduce(br#"{"id":"1"}"#, &[])).unwrap();
        assert_eq!(bare["meta"]["tag"][0]["code"], "SUBSETTED");
    }
}
