//! Mutations of what parsers read, by chance: they end, and neither panic nor recurse too deep. `HEAVY_LOAD_FUZZ_SECONDS` says how long that goes on.

use std::time::{Duration, Instant};

use heavy_load_kernel::error::Code;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::html::{Policy, check, clean_rendered};
use crate::render_markdown::render;

/// Pieces that mean something to a parser of HTML or Markdown; the rest is made of bytes by chance.
const PIECES: &[&str] = &[
    "<",
    ">",
    "</",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<!doctype html>",
    "<?x",
    "&",
    "&amp;",
    "&#x0;",
    "&#99999999;",
    "&notin",
    "\"",
    "'",
    "=",
    " ",
    "\n",
    "\t",
    "\0",
    "\u{fffd}",
    "é",
    "𝄞",
    "<div>",
    "</div>",
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<a href=x>",
    "</a>",
    "<table>",
    "</table>",
    "<tr>",
    "<td>",
    "</td>",
    "<caption>",
    "<select>",
    "<option>",
    "<template>",
    "</template>",
    "<svg>",
    "</svg>",
    "<math>",
    "<mi>",
    "<foreignObject>",
    "<desc>",
    "<title>",
    "</title>",
    "<style>",
    "</style>",
    "<script>",
    "</script>",
    "<noscript>",
    "<textarea>",
    "<plaintext>",
    "<xmp>",
    "<iframe>",
    "<form>",
    "<button>",
    "<nobr>",
    "<font size=1>",
    "<font size=2>",
    "<ruby><rt>",
    "<li>",
    "<ul>",
    "<ol>",
    "<dd>",
    "<h1>",
    "</h2>",
    "<br/>",
    "<img src=x onerror=y>",
    "<input>",
    "<annotation-xml encoding='text/html'>",
    "# ",
    "> ",
    "- ",
    "1. ",
    "```",
    "~~~",
    "`",
    "*",
    "**",
    "_",
    "[",
    "](",
    "]",
    ")",
    "![",
    "[^1]",
    "[^1]: ",
    "[a]: b",
    "|",
    "|-|",
    "\n\n",
    "    ",
    "\\",
    "http://a.b",
    "www.a.b",
    "a@b.c",
    "~~",
    "- [x] ",
    "---",
    "===",
];

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => (0..PIECES.len()).prop_map(|index| PIECES[index].to_owned()),
        1 => "[ -~]{0,8}",
        1 => any::<char>().prop_map(String::from),
        // Some again and again.
        1 => ((0..PIECES.len()), 1..300_usize).prop_map(|(index, times)| PIECES[index].repeat(times)),
    ];
    vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn fuzz(seed: u8, test: impl Fn(&str) -> std::result::Result<(), TestCaseError>) {
    let seconds = std::env::var("HEAVY_LOAD_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let mut rounds = 0_u64;
    loop {
        let mut runner = match seconds {
            Some(_) => TestRunner::new(config.clone()),
            None => TestRunner::new_with_rng(config.clone(), TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32])),
        };
        runner.run(&texts(), |text| test(&text)).unwrap();
        rounds += 1;
        if Instant::now() >= until {
            break;
        }
    }
    if seconds.is_some() {
        #[expect(clippy::print_stderr, reason = "whoever asks for so long wants to know how much was tried")]
        {
            eprintln!("{} texts", rounds * u64::from(config.cases));
        }
    }
}

/// Nothing is in it that could come to life, nor in what is left when it is made clean once more (not always the same: a `<div>` in a `<p>` moves when it is
/// parsed again).
fn is_clean(html: &str, clean: impl Fn(&str) -> String) -> std::result::Result<(), TestCaseError> {
    for html in [html, &clean(html)] {
        for bad in ["<script", "<style", "<iframe", "<svg", "<math", "<template", "<noscript", "<textarea", "<xmp"] {
            prop_assert!(!html.contains(bad), "{bad} in {html}");
        }
    }
    Ok(())
}

#[test]
fn fuzz_html() {
    fuzz(1, |html| {
        if let Err(error) = check(html) {
            prop_assert_eq!(error.code, Code::InvalidData);
            return Ok(());
        }
        let clean = |html: &str| Policy::default().clean(html);
        is_clean(&clean(html), clean)?;
        prop_assert!(htmd::convert(html).is_ok());
        Ok(())
    });
}

#[test]
fn fuzz_markdown() {
    fuzz(2, |text| {
        for gfm in [true, false] {
            let html = render(text, gfm);
            if check(&html).is_ok() {
                is_clean(&clean_rendered(&html), clean_rendered)?;
            }
        }
        Ok(())
    });
}

/// What the tree of HTML that passes may have, and what is refused, whatever it is that is too much.
#[test]
fn what_would_take_too_much_is_refused() {
    let fonts = |count: usize| (0..count).map(|size| format!("<font size={size}>")).collect::<String>();
    let attributes = (0..20_000).map(|number| format!(" a{number}")).collect::<String>();
    for (html, what) in [
        ("<div>".repeat(257), "elements within each other"),
        ("<b>".repeat(100_000), "elements within each other"),
        ("<ul><li>".repeat(100_000), "elements within each other"),
        ("<svg>".repeat(1000), "elements within each other"),
        ("<table><tr><td>".repeat(1000), "elements within each other"),
        (fonts(100_000), "elements within each other"),
        (format!("<p>{}", fonts(200)) + &"</p><p>x".repeat(10_000), "far larger than its text"),
        (format!("<a{attributes}{attributes}>"), "with many words"),
        (format!("<!--{}", "x".repeat((1 << 20) + 8192)), "more than 1024 KiB"),
        ("x".repeat((8 << 20) + 1), "longer than 8 MiB"),
    ] {
        let error = check(&html).unwrap_err();
        assert_eq!(error.code, Code::InvalidData);
        assert!(error.message.contains(what), "{}", error.message);
    }
    for html in [
        "<div>".repeat(250),
        "<p>".repeat(100_000),
        "<li>".repeat(100_000),
        "<br>".repeat(100_000),
        format!(
            "<img src='data:image/png;base64,{}'>",
            "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAA+kl".repeat(19_000)
        ),
        "<p><b>x</p>".repeat(3),
        "&amp;".repeat(100_000),
        "<".repeat(100_000),
    ] {
        assert_eq!(check(&html), Ok(()), "{}", &html[..20]);
    }
}

/// The deepest trees that pass, in threads with as little stack as any that run kernels: what recurses over them comes to its end.
#[test]
fn the_deepest_trees_fit_the_stack() {
    let blocks = (0..120).map(|size| format!("<font size={size}><div>")).collect::<String>();
    let fonts = (0..250).map(|size| format!("<font size={size}>")).collect::<String>();
    for html in [
        "<div>".repeat(250) + "x",
        "<ul><li>".repeat(125) + "x",
        "<blockquote>".repeat(250) + "x",
        "<table><tr><td>".repeat(60) + "x",
        format!("{fonts}<div>x{}", "</font>".repeat(250)),
        format!("{blocks}x{}", "</font>".repeat(120)),
    ] {
        check(&html).unwrap();
        let convert = move || htmd::convert(&html).unwrap().len() + Policy::default().clean(&html).len();
        let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(convert);
        assert!(thread.unwrap().join().unwrap() > 0);
    }
}
