//! Mutations of what parsers read, by chance: they end, and what comes out is what it should be. `HEAVY_LOAD_FUZZ_SECONDS` says how long that goes on.

use std::time::{Duration, Instant};

use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::value::Value;
use heavy_load_kernel::{Work, testing};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::html::{Cleaning, Converting, GIVEN, Html, Policy};
use crate::render_markdown::render;
use crate::text::Text;

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

fn string(work: Work) -> Result<String, EngineError> {
    match testing::run(work)? {
        Value::String(text) => Ok(text),
        other => panic!("{other:?}"),
    }
}

fn sanitize(html: &str, policy: Policy) -> Result<String, EngineError> {
    string(Work::stepped(Cleaning::new(Html::Given(Text::String(html.to_owned())), GIVEN, policy)))
}

fn convert(html: &str) -> Result<String, EngineError> {
    string(Work::stepped(Converting::new(Text::String(html.to_owned()))))
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

/// What ammonia makes of it, with the same lists. It differs where elements of SVG or MathML are: it leaves out what is in them.
fn by_ammonia(html: &str) -> String {
    let mut builder = ammonia::Builder::default();
    builder.add_tags(["tfoot"]);
    builder.clean(html).to_string()
}

#[test]
fn fuzz_html() {
    fuzz(1, |html| {
        let clean = |html: &str| sanitize(html, Policy::default());
        let cleaned = match clean(html) {
            Ok(cleaned) => cleaned,
            Err(error) => {
                prop_assert_eq!(error.code, Code::InvalidData);
                return Ok(());
            }
        };
        let lower = html.to_ascii_lowercase();
        // ammonia leaves out what has such a name, wherever it is; so may have what is made by chance.
        let is_known = |(at, _)| {
            let rest: &str = &html[at..];
            !rest[1..].starts_with(|char: char| char.is_ascii_alphabetic())
                || PIECES.iter().any(|piece| piece.starts_with('<') && rest.starts_with(piece))
        };
        let own = ["<svg", "<math", "<mi", "<desc", "<title", "<foreignobject", "<annotation-xml", "<area"];
        if html.match_indices('<').all(is_known) && !own.iter().any(|own| lower.contains(own)) {
            prop_assert_eq!(&cleaned, &by_ammonia(html), "{}", html);
        }
        is_clean(&cleaned, |html| clean(html).unwrap())
    });
}

/// The text of HTML, by itself, without white space.
fn text_of(html: &str) -> String {
    sanitize(html, Policy::nothing()).unwrap().replace("&nbsp;", "\u{a0}").split_ascii_whitespace().collect()
}

#[test]
fn fuzz_markdown_of_html() {
    fuzz(3, |html| {
        // Of these elements nothing is shown.
        let lower = html.to_ascii_lowercase();
        if ["<title", "<noscript", "<iframe"].iter().any(|own| lower.contains(own)) {
            return Ok(());
        }
        let Ok(markdown) = convert(html) else { return Ok(()) };
        prop_assert_eq!(text_of(&render(&(markdown.clone() + "\n"), true)), text_of(html), "{} as {}", html, markdown);
        Ok(())
    });
}

#[test]
fn fuzz_markdown() {
    fuzz(2, |text| {
        for gfm in [true, false] {
            let clean = |html: &str| sanitize(html, Policy::rendered());
            if let Ok(html) = clean(&render(text, gfm)) {
                is_clean(&html, |html| clean(html).unwrap())?;
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
    let names = (0..10_000).map(|number| format!("<x{number}></x{number}>")).collect::<String>();
    for (html, what) in [
        ("<div>".repeat(257), "elements within each other"),
        ("<b>".repeat(100_000), "elements within each other"),
        ("<ul><li>".repeat(100_000), "elements within each other"),
        ("<svg>".repeat(1000), "elements within each other"),
        ("<table><tr><td>".repeat(1000), "elements within each other"),
        (fonts(100_000), "elements within each other"),
        (format!("<p>{}", fonts(200)) + &"</p><p>x".repeat(10_000), "formatting"),
        // Each is compared with all that are open.
        (fonts(250) + &"<font size=x></font>".repeat(20_000), "formatting"),
        (format!("<a{attributes}{attributes}>"), "512 attributes"),
        (names, "thousands of names"),
        ("x".repeat((8 << 20) + 1), "longer than 8 MiB"),
    ] {
        for error in [sanitize(&html, Policy::default()).unwrap_err(), convert(&html).unwrap_err()] {
            assert_eq!(error.code, Code::InvalidData);
            assert!(error.message.contains(what), "{}", error.message);
        }
    }
    for html in [
        "<div>".repeat(250),
        "<p>".repeat(100_000),
        "<li>".repeat(100_000),
        "<br>".repeat(100_000),
        "</div>".repeat(20_000),
        format!("<!--{}-->", "a b ".repeat(500_000)),
        format!("<img alt='{}'>", "word ".repeat(20_000)),
        format!("a <b {}", "word ".repeat(20_000)),
        format!("<script>{}</script>", "a < b ".repeat(20_000)),
        format!(
            "<img src='data:image/png;base64,{}'>",
            "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAA+kl".repeat(38_000)
        ),
        "<p><b>x</p>".repeat(3),
        "&amp;".repeat(100_000),
        "<".repeat(100_000),
        "<frameset>".repeat(100_000),
    ] {
        assert!(sanitize(&html, Policy::default()).is_ok(), "{}", &html[..20]);
        assert!(convert(&html).is_ok(), "{}", &html[..20]);
    }
}

/// Trees that get deep when formatting is closed, in threads with as little stack as any that run kernels.
#[test]
fn nothing_recurses() {
    let blocks = (0..120).map(|size| format!("<font size={size}><div>")).collect::<String>();
    let fonts = (0..250).map(|size| format!("<font size={size}>")).collect::<String>();
    for html in [
        "<div>".repeat(250) + "x",
        "<ul><li>".repeat(125) + "x",
        "<blockquote>".repeat(250) + "x",
        "<table><tr><td>".repeat(60) + "x",
        format!("{fonts}<div>x{}", "</font>".repeat(250)),
        format!("{blocks}x{}", "</font>".repeat(120)),
        "<frameset>".repeat(3000),
    ] {
        let both = move || (convert(&html).is_ok(), sanitize(&html, Policy::default()).is_ok());
        let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(both);
        assert_eq!(thread.unwrap().join().unwrap(), (true, true));
    }
}

/// Texts that parsers, serialisers or joins of text have taken quadratic time for: sixteen times as much takes some sixteen times as long, and not 256 times.
#[test]
fn time_is_linear() {
    let deep = "<blockquote>".repeat(250);
    for (start, piece) in [
        ("", "\u{a0}"),
        ("", "&"),
        ("", "&a"),
        ("", "&#x"),
        ("", "&#1"),
        ("<plaintext>", "<<\u{2039}"),
        ("", "<table>x"),
        ("", "<em>a</em>"),
        ("", "<xmp>x</xmp>"),
        ("", "<b> </b>"),
        ("", "<a><table><a>"),
        ("", "<p><table>"),
        (&deep, "x<br>"),
        ("<code>", "` "),
        ("<table><tr>", "<td>x"),
    ] {
        let took = |len: usize| {
            let html = start.to_owned() + &piece.repeat(len / piece.len());
            // The least of a few, since others use the machine, too.
            let least = (0..3).map(|_| {
                let began = Instant::now();
                let _ = (convert(&html), sanitize(&html, Policy::default()));
                began.elapsed()
            });
            least.min().unwrap()
        };
        // What takes next to no time is all noise.
        let (short, long) = (took(8 << 10), took(128 << 10));
        assert!(long < 64 * short.max(Duration::from_millis(5)), "{piece}: {short:?}, {long:?}");
    }
}

/// Each is the same text when it is rendered again, and this in Markdown.
#[test]
fn markdown_of_html() {
    for (html, markdown) in [
        ("<table><tr><th>h<td>x<tr><th>i<td>y</table>", "| h | x |\n| --- | --- |\n| i | y |"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "|  |  |\n| --- | --- |\n| a | b |\n| c |"),
        ("<table><tr><th>a<tr><td>b<td>c<td>d</table>", "| a |  |  |\n| --- | --- | --- |\n| b | c | d |"),
        ("<table><caption>c</caption><tr><th>a<tr><td>b<br>c</table>", "c\n\n| a |\n| --- |\n| b<br>c |"),
        (
            "<table><tr><th>a<tr><td><code>a|b</code> <a href='x|y'>c|d</a></table>",
            "| a |\n| --- |\n| `a\\|b` [c\\|d](x\\|y) |",
        ),
        (
            "<table><tr><th>a<tr><td><p>b<ul><li>c<li>d</ul><table><tr><td>e</table></table>",
            "| a |\n| --- |\n| b<br>c<br>d<br>e |",
        ),
        ("<p>&amp;copy; &amp;lt;b&amp;gt; AT&amp;T</p>", "\\&copy; \\&lt;b\\&gt; AT\\&T"),
        ("<p>1) x</p>", "1\\) x"),
        ("<p>#</p>", "\\#"),
        ("<p>#x</p>", "#x"),
        ("<p>+</p>", "\\+"),
        ("<p>a<br>---</p>", "a  \n\\---"),
        ("<p>a<br>===</p>", "a  \n\\==="),
        ("<p>|a|b|<br>|-|-|</p>", "\\|a\\|b\\|  \n\\|-\\|-\\|"),
        ("<h1>a<br>b</h1>", "# a<br>b"),
        ("<h2># #</h2>", "## # \\#"),
        ("<pre>a\nb</pre>", "```\na\nb\n```"),
        ("<pre>```\na\n```</pre>", "````\n```\na\n```\n````"),
        ("<pre><code class='x language-js'>a\n\n  b\n</code></pre>", "```js\na\n\n  b\n```"),
        ("<img alt='a]b' src=c>", "![a\\]b](c)"),
        ("<img alt='x](y) [z' src=c>", "![x\\](y) \\[z](c)"),
        ("<a href='a\nb' title='c\n\nd\"e'>x</a>", "[x](ab \"c d&quot;e\")"),
        ("<a href='a b(`<'>x</a>", "[x](<a b(%60%3C>)"),
        ("<a href=u><p>a</p><p>b</p></a>", "[a](u)\n\n[b](u)"),
        ("x!<a href=u>a</a>", "x\\![a](u)"),
        ("<b>x!</b>y", "<strong>x!</strong>y"),
        ("<b>x</b>y <b>x!</b> <b> y </b>z", "**x**y **x!** **y** z"),
        ("<b><i>x</i></b><b>y</b><i>z</i>", "<strong><em>x</em>y</strong>*z*"),
        ("<b></b><em>a</em><em>b</em><del>c</del>", "*ab*<del>c</del>"),
        ("<code>a`b</code><code>c</code>", "``a`b``<code>c</code>"),
        ("<ul><li>a<ul><li>b</ul><li>c</ul><ul><li>d</ul>", "* a\n  * b\n* c\n\n- d"),
        ("<ol start=9><li><p>a</p><p>b</p><li>c</ol>", "9. a\n\n   b\n\n10. c"),
        ("<ul><li><pre>a</pre><li><hr><li><li>b</ul>", "* ```\n  a\n  ```\n* ___\n*\n* b"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote><blockquote></blockquote>c", "> a\n>\n> > b\n\n>\n\nc"),
        ("a<br><br>b<br>", "a\n\nb"),
        ("<svg><title>t</title><text>x</text></svg>y", "xy"),
        ("<p>a_b _c_ ~d~ \\e `f` [g]: h</p>", "a_b \\_c\\_ \\~d\\~ \\\\e \\`f\\` \\[g\\]: h"),
    ] {
        assert_eq!(convert(html).unwrap(), markdown, "{html}");
    }
}

#[test]
fn what_stays_in_html() {
    for (html, clean) in [
        (
            "<blockquote cite='javascript:1'>a</blockquote><q cite=' \u{1}java\tscript:1'>b</q>",
            "<blockquote>a</blockquote><q>b</q>",
        ),
        ("<q cite='http://a'>b</q>", "<q cite=\"http://a\">b</q>"),
        (
            "<a href='JAVASCRIPT:1'>x</a><a href='a&#10;b:c'>x</a>",
            "<a rel=\"noopener noreferrer\">x</a><a rel=\"noopener noreferrer\">x</a>",
        ),
        (
            "<a href='/a:b?c'>x</a><a href=':b'>x</a>",
            "<a href=\"/a:b?c\" rel=\"noopener noreferrer\">x</a><a href=\":b\" rel=\"noopener noreferrer\">x</a>",
        ),
        ("<area title=x>", "<area title=\"x\" rel=\"noopener noreferrer\">"),
        ("\u{a0}<", "&nbsp;&lt;"),
    ] {
        assert_eq!(sanitize(html, Policy::default()).unwrap(), clean, "{html}");
    }
}

/// The README lists what is kept by default. `HEAVY_LOAD_WRITE_README` writes it.
#[test]
fn the_default_is_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let mut readme = std::fs::read_to_string(path).unwrap();
    for (name, list) in Policy::defaults() {
        let (start, end) = (format!("<!-- {name} -->"), format!("<!-- end of {name} -->"));
        let (from, to) = (readme.find(&start).unwrap() + start.len(), readme.find(&end).unwrap());
        if std::env::var_os("HEAVY_LOAD_WRITE_README").is_some() {
            readme.replace_range(from..to, &list);
            std::fs::write(path, &readme).unwrap();
        } else {
            assert_eq!(readme[from..to], list, "{name}");
        }
    }
}
