//! Every code point that may hide, at every position.

use super::*;

/// The classes as regular expressions, whose Unicode tables are not the ones the code uses.
const HIDDEN: &str = r"[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}\p{Bidi_Control}\p{Join_Control}\p{Noncharacter_Code_Point}\p{White_Space}]";

fn code_points(class: &str) -> Vec<char> {
    let parsed = regex_syntax::parse(class).unwrap();
    let regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class)) = parsed.kind() else {
        panic!("{class} is not a class of characters");
    };
    class.iter().flat_map(|range| range.start()..=range.end()).collect()
}

fn number(character: char) -> String {
    format!("⟨U+{:04X}⟩", u32::from(character))
}

#[test]
fn every_hidden_code_point_is_shown_at_every_position() {
    let hidden = code_points(HIDDEN);
    // Private use alone has 137,468 code points.
    assert!(hidden.len() > 137_468 + 4_000, "{}", hidden.len());
    for character in hidden.into_iter().filter(|character| *character != ' ') {
        let number = number(character);
        for (text, expected) in [
            (format!("{character}pay"), format!("{number}pay")),
            (format!("pa{character}y"), format!("pa{number}y")),
            (format!("pay{character}"), format!("pay{number}")),
        ] {
            assert_eq!(visible_line(&text), expected, "{text:?}");
            if !matches!(character, '\n' | '\t') {
                assert_eq!(visible(&text), expected, "{text:?}");
            }
        }
    }
}

#[test]
fn unassigned_code_points_are_shown() {
    // Assigned since the tables of either side were made may differ, so only what no version has assigned:
    // the planes 4 to 13.
    for code in 0x4_0000..=0xd_ffff_u32 {
        let character = char::from_u32(code).unwrap();
        assert!(is_hidden(character), "{code:X}");
    }
}

#[test]
fn what_people_read_stays_as_it_is() {
    for character in code_points(r"[\p{L}\p{N}\p{P}\p{S}&&\p{Age=15.0}&&[^\p{Default_Ignorable_Code_Point}]]")
    {
        let empty = matches!(
            character,
            '\u{2800}' | '\u{fffc}' | '\u{1d159}' | '\u{16fe4}' | '\u{13441}' | '\u{13442}'
        );
        assert_eq!(is_hidden(character), empty, "U+{:04X}", u32::from(character));
    }
    for text in ["", "plain", "Grüße, 世界! 👍", "naïve cafe\u{301}", "a\tb\nc", "⟨x⟩"] {
        assert!(matches!(visible(text), Cow::Borrowed(same) if same == text), "{text:?}");
    }
}

#[test]
fn lines_stay_unless_one_line_is_wanted() {
    assert_eq!(visible("a\n\tb\r\n"), "a\n\tb⟨U+000D⟩\n");
    assert_eq!(visible_line("a\n\tb"), "a⟨U+000A⟩⟨U+0009⟩b");
}

#[test]
fn known_tricks_are_shown() {
    // Text turned around, an escape sequence that erases the line, a message in tags, a zero-width joiner.
    assert_eq!(visible("a\u{202e}b\u{2066}c"), "a⟨U+202E⟩b⟨U+2066⟩c");
    assert_eq!(visible("\u{1b}[2K\rok"), "⟨U+001B⟩[2K⟨U+000D⟩ok");
    assert_eq!(visible("x\u{e0068}\u{e0069}"), "x⟨U+E0068⟩⟨U+E0069⟩");
    assert_eq!(visible("pay\u{200d}pal"), "pay⟨U+200D⟩pal");
    assert_eq!(visible("a\u{a0}b\u{2003}c\u{3000}d"), "a⟨U+00A0⟩b⟨U+2003⟩c⟨U+3000⟩d");
}

#[test]
fn a_shown_number_cannot_be_imitated() {
    assert_eq!(visible("⟨U+202E⟩"), "⟨U+27E8⟩U+202E⟩");
    assert_ne!(visible("⟨U+202E⟩"), visible("\u{202e}"));
}

#[test]
fn marks_that_cover_or_pile_up_are_shown() {
    assert_eq!(visible("n\u{336}o\u{20dd}"), "n⟨U+0336⟩o⟨U+20DD⟩");
    let pile = format!("a{}b", "\u{301}".repeat(6));
    assert_eq!(visible(&pile), format!("a{}⟨U+0301⟩⟨U+0301⟩b", "\u{301}".repeat(4)));
    for without_base in ["\u{301}a", "\n\u{301}a", " \u{301}a", "\u{200b}\u{301}a"] {
        assert!(visible(without_base).contains("⟨U+0301⟩"), "{without_base:?}");
    }
}

/// All default-ignorable code points, and blank letters that are none.
fn invisible() -> Vec<char> {
    let mut all = code_points(r"\p{Default_Ignorable_Code_Point}");
    // Unicode 16: 4174 of them, most of them reserved.
    assert!(all.len() >= 4174, "{}", all.len());
    all.extend([
        '\u{2800}',
        '\u{13441}',
        '\u{13442}',
        '\u{16fe4}',
        '\u{1d159}',
        '\u{fffc}',
        '\u{2d7f}',
        '\u{1107f}',
    ]);
    for blank in ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}', '\u{34f}', '\u{17b4}'] {
        assert!(all.contains(&blank));
    }
    all
}

#[test]
fn every_invisible_code_point_is_shown_and_refused_in_names_at_three_positions() {
    for character in invisible() {
        let number = number(character);
        for (name, expected) in [
            (format!("{character}ann"), format!("{number}ann")),
            (format!("a{character}nn"), format!("a{number}nn")),
            (format!("ann{character}"), format!("ann{number}")),
        ] {
            assert_eq!(visible(&name), expected);
            assert_eq!(neutral_line(&name), expected);
            assert!(!hides_nothing(&name), "{name:?}");
            for kind in ["user", "group", "agent", "on_call", "role", "service"] {
                let text = format!("{kind}:{name}");
                assert!(crate::model::Principal::new(&text).is_err(), "{text:?}");
            }
        }
    }
}

#[test]
fn runs_of_joiners_are_shown() {
    assert_eq!(visible("a\u{200d}\u{200d}\u{200c}b"), "a⟨U+200D⟩⟨U+200D⟩⟨U+200C⟩b");
    assert_eq!(visible("a\u{2060}\u{feff}b"), "a⟨U+2060⟩⟨U+FEFF⟩b");
    // Khmer, Myanmar and others stack letters by a mark that is not drawn; elsewhere, or twice, it only hides.
    for text in ["ស្រី", "က္က", "ᨠ᩠ᨠ"] {
        assert_eq!(visible(text), text);
    }
    assert_eq!(visible("pay\u{17d2}pal"), "pay⟨U+17D2⟩pal");
    assert_eq!(visible("ស\u{17d2}\u{17d2}រ"), "ស\u{17d2}⟨U+17D2⟩រ");
    assert_eq!(visible("က\u{17d2}က"), "က⟨U+17D2⟩က");
}

#[test]
fn text_that_was_made_visible_stays_as_it_is() {
    for text in ["a\u{202e}b", "⟨U+202E⟩", "a\u{1b}[2J\n\tb", "plain", "n\u{336}"] {
        let once = neutral(text);
        assert_eq!(neutral(&once), once);
        let shown = visible(text);
        assert_eq!(neutral(&shown), shown);
        assert_eq!(neutral_line(&visible_line(text)), visible_line(text));
    }
    assert_eq!(neutral("a\u{202e}b"), "a⟨U+202E⟩b");
    assert_eq!(neutral_line("a\nb"), "a⟨U+000A⟩b");
}
