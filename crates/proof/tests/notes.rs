//! Notes, keys, checkpoints and statements against the vectors of C2SP and Go, and what is refused.

#![allow(clippy::unwrap_used)]

use annuaire_proof::{
    Checkpoint, KeyError, KeyKind, Merkle, NoteError, PageStatement, Secret, SignedNote, SignerKey, VerifierKey, limits,
    page_digest,
};
use proptest::prelude::*;
use serde_json::json;

/// The example of golang.org/x/mod/sumdb/note.
const PRIVATE: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const TEXT: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const SIGNATURE: &str =
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn signer(name: &str, byte: u8) -> SignerKey {
    SignerKey::of_seed(name, Secret::take(&mut [byte; 32])).unwrap()
}

#[test]
fn the_example_of_go_is_made_and_read_byte_for_byte() {
    let key = SignerKey::parse(PRIVATE).unwrap();
    assert_eq!(key.verifier().to_string(), PUBLIC);
    assert_eq!(*key.to_private_text(), PRIVATE);
    let note = SignedNote::sign(TEXT, &[&key]).unwrap();
    assert_eq!(note.to_string(), format!("{TEXT}\n{SIGNATURE}"));
    let read = SignedNote::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(read.verify(&[VerifierKey::parse(PUBLIC).unwrap()]).unwrap().0, TEXT);
}

/// RFC 8032 §7.1, tests 1 and 2: the second signs the byte 0x72, which no note is; the public keys are compared.
#[test]
fn public_keys_are_those_of_rfc_8032() {
    let vectors = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        ),
    ];
    for (seed, public) in vectors {
        let bytes = |hex: &str| -> [u8; 32] { std::array::from_fn(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()) };
        let key = SignerKey::of_seed("a", Secret::take(&mut bytes(seed))).unwrap();
        assert_eq!(*key.verifier(), VerifierKey::new("a", KeyKind::Ed25519, bytes(public)).unwrap());
    }
}

#[test]
fn secrets_do_not_print() {
    let key = SignerKey::parse(PRIVATE).unwrap();
    let printed = format!("{key:?}");
    assert!(printed.contains("Secret(…)") && !printed.contains("129, 10"), "{printed}");
    let error = SignerKey::parse(&PRIVATE.replace("c74f", "c74e")).unwrap_err();
    assert_eq!(error, KeyError::Hash);
    assert!(!error.to_string().contains("AYEK"));
}

#[test]
fn keys_of_another_shape_are_refused() {
    let bad = [
        ("", KeyError::Shape),
        ("a", KeyError::Shape),
        ("a+c74f20a3", KeyError::Shape),
        ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T", KeyError::Shape),
        ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Shape),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Hash),
        ("PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Hash),
        ("PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Kind),
        ("PeterNeumann+c74f20a3+ARpc", KeyError::Kind),
        ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Name),
        ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Name),
    ];
    for (text, error) in bad {
        assert_eq!(VerifierKey::parse(text), Err(error), "{text}");
    }
    for text in [
        "",
        PUBLIC,
        "PRIVATE+KEY+",
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEK",
        "PRIVATE+KEY+PeterNeumann+c74f20a3+BIEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
    ] {
        assert!(SignerKey::parse(text).is_err(), "{text}");
    }
}

#[test]
fn notes_of_another_shape_are_refused() {
    let good = format!("{TEXT}\n{SIGNATURE}");
    assert!(SignedNote::parse(good.as_bytes()).is_ok());
    let bad: [(Vec<u8>, NoteError); 14] = [
        (b"".to_vec(), NoteError::Shape),
        (b"\n".to_vec(), NoteError::Shape),
        (b"\n\n".to_vec(), NoteError::Shape),
        (TEXT.into(), NoteError::Shape),
        (format!("{TEXT}\n").into(), NoteError::Shape),
        (format!("{TEXT}{SIGNATURE}").into(), NoteError::Shape),
        (good.trim_end().into(), NoteError::Text),
        (good.replace('\n', "\r\n").into(), NoteError::Text),
        ([&[0xff], good.as_bytes()].concat(), NoteError::Text),
        (good.replace("— ", "- ").into(), NoteError::Signature { line: 1 }),
        (good.replace(" x08", "  x08").into(), NoteError::Signature { line: 1 }),
        (good.replace("nAM=", "nAM").into(), NoteError::Signature { line: 1 }),
        (format!("{good}{}", "— a AAAAAAA=\n".repeat(limits::NOTE_SIGNATURES)).into(), NoteError::Signatures),
        (format!("{}{good}", "a".repeat(limits::NOTE_BYTES)).into(), NoteError::Long),
    ];
    for (bytes, error) in bad {
        assert_eq!(
            SignedNote::parse(&bytes).unwrap_err(),
            error,
            "{:?}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(200)])
        );
    }
    assert_eq!(SignedNote::sign("no end", &[&signer("a", 1)]), Err(NoteError::Text));
    assert_eq!(SignedNote::sign("a\tb\n", &[&signer("a", 1)]), Err(NoteError::Text));
    assert_eq!(SignedNote::sign("nobody\n", &[]), Err(NoteError::Shape));
}

#[test]
fn two_keys_sign_while_one_takes_over_from_the_other() {
    let (old, new, stranger) = (signer("a.example/log", 1), signer("a.example/log", 2), signer("a.example/log", 3));
    let note = SignedNote::sign("text\n", &[&old, &new]).unwrap();
    for pinned in [&old, &new] {
        let (_, verified) = note.verify(&[pinned.verifier().clone()]).unwrap();
        assert_eq!(verified.len(), 1);
    }
    assert_eq!(note.verify(&[stranger.verifier().clone(), new.verifier().clone()]).unwrap().1[0].key, 1);
    let error = note.verify(&[stranger.verifier().clone()]).unwrap_err();
    assert!(error.to_string().contains(&format!("a.example/log+{:08x}", old.verifier().id())), "{error}");
    // A wrong signature of a known key refuses the note, whoever else signed it.
    let forged = note.to_string().replacen("text", "test", 1);
    let forged = SignedNote::parse(forged.as_bytes()).unwrap();
    assert!(matches!(forged.verify(&[old.verifier().clone()]), Err(NoteError::Forged { .. })));
}

/// A checkpoint of a log of certificates that witnesses signed: public data, read as C2SP describes it.
#[test]
fn a_checkpoint_of_another_log_verifies_with_its_keys_and_a_witness() {
    let note = SignedNote::parse(include_bytes!("data/cosigned-checkpoint.txt")).unwrap();
    let log = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";
    let witness = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
    let keys = [log, witness].map(|key| VerifierKey::parse(key).unwrap());
    let (text, verified) = note.verify(&keys).unwrap();
    assert_eq!(Checkpoint::parse(text).unwrap().size, 1_432_088_532);
    assert_eq!(verified.iter().map(|v| (v.key, v.at)).collect::<Vec<_>>(), [(0, None), (1, Some(1_779_573_024))]);
}

#[test]
fn cosignatures_of_witnesses_are_kept_and_verified() {
    use base64::Engine;
    let log = signer("a.example/log", 1);
    let mut note = SignedNote::sign("a.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", &[&log]).unwrap();
    // The witness, by ring alone: C2SP tlog-cosignature.
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let public = aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref().try_into().unwrap();
    let witness = VerifierKey::new("w.example/w1", KeyKind::Cosignature, public).unwrap();
    let signature = pair.sign(format!("cosignature/v1\ntime 1679315147\n{}", note.unverified_text()).as_bytes());
    let blob = [&witness.id().to_be_bytes()[..], &1_679_315_147_u64.to_be_bytes(), signature.as_ref()].concat();
    let line = format!("— w.example/w1 {}\n", base64::engine::general_purpose::STANDARD.encode(blob));
    let cosigned = SignedNote::parse(format!("{note}{line}").as_bytes()).unwrap();
    note.add_signatures_of(&cosigned).unwrap();
    note.add_signatures_of(&cosigned).unwrap();
    assert_eq!(note, cosigned, "taken over once");
    let (_, verified) = note.verify(&[log.verifier().clone(), VerifierKey::parse(&witness.to_string()).unwrap()]).unwrap();
    assert_eq!(verified[1].at, Some(1_679_315_147));
    let changed = note.to_string().replacen("\n0\n", "\n1\n", 1);
    let changed = SignedNote::parse(changed.as_bytes()).unwrap();
    assert!(matches!(changed.verify(&[witness]), Err(NoteError::Forged { .. })));
    assert!(note.add_signatures_of(&changed).is_err(), "another text");
}

#[test]
fn checkpoints_are_those_of_the_specification() {
    // The example of tlog-checkpoint.
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let read = Checkpoint::parse(text).unwrap();
    assert_eq!((read.origin(), read.size, read.to_string().as_str()), ("example.com/behind-the-sofa", 20_852_163, text));
    assert_eq!(Checkpoint::parse(&format!("{text}an extension\n")).unwrap(), read);
    for bad in [
        "",
        "\n",
        "a\n1\n",
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n18446744073709551616\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
        "a\n1\nAAAA\n",
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n",
    ] {
        assert!(Checkpoint::parse(bad).is_err(), "{bad:?}");
    }
    assert!(Checkpoint::new("two\nlines", 0, [0; 32]).is_err());
}

#[test]
fn the_statement_of_a_page_leads_back_and_nothing_else_is_read() {
    let statement = PageStatement {
        origin: "a.example/log".to_owned(),
        name: "0042.json".to_owned(),
        digest: [1; 32],
        before: 5,
        size: 7,
        root: Merkle::default().root(),
    };
    assert_eq!(PageStatement::parse(&statement.to_string()).as_ref(), Ok(&statement));
    let text = statement.to_string();
    for bad in [
        text.replace("page/1\n", "page/2\n"),
        text.replace("\n7\n", "\n07\n"),
        text.replace("0042.json", ""),
        text.replace("0042.json\n", ""),
        format!("{text}\n"),
        text.trim_end().to_owned(),
        text.replace("AQEB", "AQE"),
    ] {
        assert!(PageStatement::parse(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn the_digest_of_a_page_does_not_depend_on_where_it_is_served() {
    let page = |base: &str, next: &str| {
        json!({
            "transactionTime": "2026-11-26T08:30:00.000Z",
            "request": format!("{base}$bulk-publish"),
            "requiresAccessToken": !base.is_empty(),
            "output": [{"type": "Practitioner", "url": format!("{base}files/ab.ndjson"), "count": 2}],
            "link": [{"relation": "next", "url": next}],
        })
    };
    let stored = page_digest(&page("", "#pending"), "");
    let base = "https://a.example/fhir/v2/$bulk-publish/";
    assert_eq!(page_digest(&page(base, &format!("{base}pages/0042.json")), base), stored);
    let reordered: serde_json::Value = serde_json::from_str(
        r#"{"output":[{"count":2,"url":"files/ab.ndjson","type":"Practitioner"}],"transactionTime":"2026-11-26T08:30:00.000Z"}"#,
    )
    .unwrap();
    assert_eq!(page_digest(&reordered, ""), stored);
    for (path, value) in [
        ("/output/0/count", json!(3)),
        ("/output/0/count", json!("2")),
        ("/output/0/url", json!("files/ac.ndjson")),
        ("/transactionTime", json!(null)),
        ("/output", json!([])),
    ] {
        let mut changed = page("", "");
        *changed.pointer_mut(path).unwrap() = value;
        assert_ne!(page_digest(&changed, ""), stored, "{path}");
    }
    let mut inner = page("", "");
    inner["output"][0]["link"] = json!(1);
    assert_ne!(page_digest(&inner, ""), stored, "only the links of the page are left out");
}

proptest! {
    /// T10: one bit of a note is flipped, whichever it is. The text is never believed with another content.
    #[test]
    fn no_flipped_bit_is_believed(at: prop::sample::Index, bit in 0..8) {
        let key = SignerKey::parse(PRIVATE).unwrap();
        let mut bytes = format!("{TEXT}\n{SIGNATURE}").into_bytes();
        let n = at.index(bytes.len());
        bytes[n] ^= 1_u8 << bit;
        if let Ok(note) = SignedNote::parse(&bytes) {
            prop_assert!(note.verify(&[key.verifier().clone()]).is_err());
        }
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, text in "(a\n){0,3}\n?(— a [A-Za-z0-9+/=]{0,12}\n){0,3}") {
        for bytes in [bytes, text.into_bytes()] {
            if let Ok(note) = SignedNote::parse(&bytes) {
                prop_assert_eq!(note.to_string().into_bytes(), bytes);
            }
        }
    }
}
