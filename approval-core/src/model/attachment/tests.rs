use super::*;
use crate::model::canonical::{arguments_digest, arguments_digest_with, parse_canonical};

const PDF: &str = "application/pdf";

fn text(name: &str, text: &str) -> Attachment {
    Attachment::text(name, text).unwrap()
}

fn at(address: &str) -> Result<Attachment, Invalid> {
    Attachment::at("a.pdf", PDF, address)
}

#[test]
fn names_are_those_of_files() {
    let long = "a".repeat(255);
    for name in ["a", "invoice 7.pdf", ".profile", "Rechnung März.pdf", "请求.txt", "a\u{202e}fdp.exe", &long]
    {
        assert_eq!(text(name, "").name(), name);
    }
    for name in [
        "",
        " ",
        ".",
        "..",
        "a/b",
        "../a",
        "C:\\a",
        "a\\b",
        "a\n",
        "a\0",
        "\u{1b}[2J",
        "a\u{85}",
        &format!("{long}a"),
    ] {
        let error = Attachment::text(name, "").unwrap_err().to_string();
        assert!(
            error.starts_with("name of an attachment") && error.contains("such as invoice.pdf"),
            "{error}"
        );
    }
}

#[test]
fn media_types_are_those_of_rfc_9110() {
    for good in [
        "text/plain",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "image/svg+xml",
        "text/html; charset=utf-8",
        "text/html;charset=\"utf-8\"",
        "multipart/mixed; boundary=\"a;b=\\\"c\"; x=y",
        "text/plain ; a=b",
    ] {
        assert_eq!(Attachment::from_bytes("a", good, *b"").unwrap().media_type(), good);
    }
    for bad in [
        "",
        "text",
        "text/",
        "/plain",
        "text/plain/x",
        "text /plain",
        "text/pl ain",
        "text/plain;",
        "text/plain; a",
        "text/plain; a=",
        "text/plain; a=b c",
        "text/plain; a=\"b",
        "text/plain\n",
        "text/plain; a=\"\u{7}\"",
        "tëxt/plain",
        "text/plain; =b",
        &format!("text/{}", "a".repeat(400)),
    ] {
        let error = Attachment::from_bytes("a", bad, *b"").unwrap_err().to_string();
        assert!(
            error.starts_with("media type of an attachment") && error.contains("application/pdf"),
            "{error}"
        );
    }
}

#[test]
fn addresses_lead_where_they_seem_to() {
    for good in
        ["https://example.com", "HTTP://example.com:8080/a?b=c#d", "https://xn--e1afmkfd.example/%20x"]
    {
        assert_eq!(at(good).unwrap().address(), Some(good));
    }
    for bad in [
        "",
        "example.com",
        "//example.com",
        "ftp://example.com/a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https:///a",
        "https://:80/a",
        "https://bank.example@evil.example/",
        "https://evil.example\\@bank.example/",
        "https://exam ple.com",
        "https://example.com/\n",
        "https://exämple.com/",
        "https://example.com/\u{202e}",
        " https://example.com",
        "https:/example.com",
        "https://example.com/<a>",
        &format!("https://example.com/{}", "a".repeat(2_000)),
    ] {
        let error = at(bad).unwrap_err().to_string();
        assert!(
            error.starts_with("address of an attachment") && error.contains("https://example.com/"),
            "{error}"
        );
    }
}

#[test]
fn what_is_too_large_is_to_be_given_by_its_address() {
    assert!(Attachment::from_bytes("a", PDF, vec![0; ATTACHMENT_LIMIT]).is_ok());
    let error = Attachment::from_bytes("a", PDF, vec![0; ATTACHMENT_LIMIT + 1]).unwrap_err().to_string();
    assert!(error.contains("has 65537 bytes") && error.contains("give its address"), "{error}");

    let large = |name: &str| Attachment::from_bytes(name, PDF, vec![0; ATTACHMENT_LIMIT]).unwrap();
    let three = vec![large("a"), large("b"), large("c")];
    assert!(check_together(&three).is_ok());
    let error = check_together(&[three, vec![text("d", "x")]].concat()).unwrap_err().to_string();
    assert!(
        error.contains("\"d\"") && error.contains("196608 bytes") && error.contains("give their addresses"),
        "{error}"
    );
}

#[test]
fn there_are_not_too_many_and_each_has_its_own_name() {
    let all: Vec<_> = (0..=ATTACHMENT_COUNT_LIMIT).map(|n| text(&n.to_string(), "")).collect();
    assert!(check_together(all.get(1..).unwrap()).is_ok());
    assert!(check_together(&all).unwrap_err().to_string().contains("more than 16"));
    let error = check_together(&[text("a", "1"), text("b", "2"), text("a", "3")]).unwrap_err().to_string();
    assert!(error.contains("has the name of another one"), "{error}");
}

/// The largest attachments that are taken leave room in a document of 300 KB for the rest of a request.
#[test]
fn the_largest_fit_into_a_document() {
    let one = |n: usize| {
        let name = format!("{n:03}{}", "\"".repeat(252));
        Attachment::from_bytes(&name, PDF, vec![255; ATTACHMENTS_LIMIT / ATTACHMENT_COUNT_LIMIT]).unwrap()
    };
    let all: Vec<_> = (0..ATTACHMENT_COUNT_LIMIT).map(one).collect();
    assert!(check_together(&all).is_ok());
    let json = serde_json::to_string(&all).unwrap();
    assert!(json.len() < 280_000, "{}", json.len());
}

#[test]
fn json_keeps_them_and_refuses_what_was_changed() {
    let digest = ContentDigest::of(b"x");
    let all = [
        text("a.txt", "hello"),
        Attachment::from_bytes("b", PDF, *b"\0\xff").unwrap(),
        at("https://example.com/a").unwrap(),
        Attachment::at_with_sha256("d", PDF, "http://example.com/d", digest).unwrap(),
    ];
    for one in &all {
        let json = serde_json::to_string(one).unwrap();
        assert_eq!(serde_json::from_str::<Attachment>(&json).unwrap(), *one, "{json}");
    }
    let [first, .., last] = &all;
    assert_eq!(
        serde_json::to_string(first).unwrap(),
        r#"{"name":"a.txt","type":"text/plain; charset=utf-8","base64":"aGVsbG8=","sha256":"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}"#,
        "printf hello | sha256sum"
    );
    assert_eq!(last.sha256(), Some(&digest));

    let json = serde_json::to_string(first).unwrap();
    for (from, to) in [
        ("aGVsbG8=", "aGVsbG9="),
        ("aGVsbG8=", "aGVsbG8"),
        ("aGVsbG8=", "!"),
        ("a.txt", "../a.txt"),
        ("\"base64\"", "\"address\""),
        ("\"base64\":\"aGVsbG8=\",", ""),
        ("\"base64\"", "\"address\":\"https://example.com\",\"base64\""),
        ("\"base64\"", "\"more\":1,\"base64\""),
    ] {
        let changed = json.replace(from, to);
        assert_ne!(changed, json);
        assert!(serde_json::from_str::<Attachment>(&changed).is_err(), "{changed}");
    }
}

#[test]
fn text_is_what_people_read_as_text() {
    let of = |media_type: &str, bytes: &[u8]| {
        Attachment::from_bytes("a", media_type, bytes).unwrap().as_text().map(str::to_owned)
    };
    for media_type in
        ["text/plain", "TEXT/CSV; header=present", "application/json", "application/ld+json", "image/svg+xml"]
    {
        assert_eq!(of(media_type, b"x").as_deref(), Some("x"), "{media_type}");
    }
    assert_eq!(of(PDF, b"x"), None);
    assert_eq!(of("text/plain", b"\xff"), None);
    assert_eq!(at("https://example.com").unwrap().as_text(), None);
}

#[test]
fn the_bytes_stay_out_of_debug() {
    let shown = format!("{:?}", text("a.txt", "hunter2"));
    assert!(shown.contains("a.txt") && !shown.contains("hunter2") && !shown.contains("104"), "{shown}");
}

#[test]
fn everything_about_an_attachment_is_in_the_digest() {
    let arguments = parse_canonical(r#"{"a":1}"#).unwrap();
    let digest = |all: &[Attachment]| arguments_digest_with("x.y", 1, None, &arguments, all);
    let sha = |text: &str| ContentDigest::of(text.as_bytes());
    let there = |name, kind, address, sha| Attachment::at_with_sha256(name, kind, address, sha).unwrap();
    let (one, other) = ("https://example.com/1", "https://example.com/2");
    let all = [
        vec![],
        vec![text("a", "1")],
        vec![text("a", "2")],
        vec![text("b", "1")],
        vec![Attachment::from_bytes("a", "text/plain", *b"1").unwrap()],
        vec![text("a", "1"), text("b", "1")],
        vec![text("b", "1"), text("a", "1")],
        vec![Attachment::at("a", PDF, one).unwrap()],
        vec![there("a", PDF, one, sha("1"))],
        vec![there("a", PDF, one, sha("2"))],
        vec![there("a", PDF, other, sha("1"))],
        vec![there("b", PDF, one, sha("1"))],
        vec![there("a", "text/plain", one, sha("1"))],
        vec![Attachment::text("a\",\"sha256\":\"", "1").unwrap()],
    ];
    let distinct: std::collections::HashSet<_> = all.iter().map(|all| digest(all)).collect();
    assert_eq!(distinct.len(), all.len());
    assert_eq!(digest(&[]), arguments_digest("x.y", 1, None, &arguments), "as it was before there were any");
}

/// Against the canonical form of the object that the documentation shows.
#[test]
fn the_form_under_the_digest_is_the_documented_one() {
    let arguments = parse_canonical("{}").unwrap();
    let all = [
        text("terms.txt", "hello"),
        Attachment::at_with_sha256(
            "offer.pdf",
            PDF,
            "https://example.com/offer.pdf",
            ContentDigest::of(b"hello"),
        )
        .unwrap(),
        Attachment::at("more.pdf", PDF, "https://example.com/more.pdf").unwrap(),
    ];
    let sha = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let form = serde_json::json!({
        "action": "mail.send",
        "arguments": {},
        "attachments": [
            {"name": "terms.txt", "sha256": sha, "size": 5, "type": "text/plain; charset=utf-8"},
            {"address": "https://example.com/offer.pdf", "name": "offer.pdf", "sha256": sha, "type": PDF},
            {"address": "https://example.com/more.pdf", "name": "more.pdf", "type": PDF},
        ],
        "format": 1,
        "schema": null,
        "version": 1,
    });
    let canonical = crate::model::canonical::to_canonical(&form).unwrap();
    let expected = ContentDigest::of(canonical.digest_form().as_bytes());
    let digest = arguments_digest_with("mail.send", 1, None, &arguments, &all);
    assert_eq!(digest.as_bytes(), expected.as_bytes());
}
