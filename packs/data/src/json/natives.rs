//! The functions of jq that are ours, since they know the values; all others are jaq's.

use std::rc::Rc;

use jaq_core::box_iter::{box_once, then};
use jaq_core::data::JustLut;
use jaq_core::native::{Fun, bome, run, unary, v};
use jaq_core::{Bind, DataT, Error, Exn, Native, RunPtr};

use super::document::Document;
use super::value::{Json, Object};
use super::{guard, matching, strings};

pub(super) type Data = JustLut<Json>;

/// The name of the step that stands before each definition's body: no program can call it, for no name has a space.
pub(super) const TICK: &str = "a tick";

/// Definitions in jq: what jaq leaves to others, and what jq has and jaq has not.
pub(super) const DEFINITIONS: &str = r#"
def totype(p; e): if p then . else fromjson | if p then . else e end end;
def toboolean: totype(isboolean; error("cannot parse as boolean"));
def sub(re; f; flags): [split_matches(re; flags)[] | if isarray then [capture_of_match | f] else [.] end] as $parts
    | if all($parts[]; length == 1 and (.[0] | isstring)) then [$parts[][0]] | join("") else reduce $parts[] as $x (""; . + $x[]) end;
def gsub(re; f; flags): sub(re; f; "g" + flags);
def sub(re; f): sub(re; f; "");
def gsub(re; f): sub(re; f; "g");
def halt_error($exit_code): error;
def halt_error: error;
def toarray: if isarray then . else [.] end;
def transpose: [range([.[] | length] | max // 0) as $i | [.[][$i]]];
def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def index($i): indices($i)[0];
def rindex($i): indices($i)[-1];
def leaf_paths: paths(scalars);
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] |= $row);
def INDEX(f): INDEX(.[]; f);
def ascii: [.] | implode;
def tostream: path(def r: (.[]?|r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def fromstream(f): {x: null, e: false} as $init | foreach f as $i ($init;
    if .e then $init end | if $i | length == 2
    then setpath(["e"]; $i[0] | length == 0) | setpath(["x"] + $i[0]; $i[1])
    else setpath(["e"]; $i[0] | length == 1) end;
    if .e then .x else empty end);
def @json: tojson;
def @csv: if isarray then map(if isstring then "\"" + (split("\"") | join("\"\"")) + "\"" elif isnumber or isboolean then tostring
    elif . == null then "" else error("\(type) is not valid in a csv row") end) | join(",") else error("only arrays can be formatted as csv") end;
def @tsv: if isarray then map(if isstring then (split("\\") | join("\\\\") | split("\t") | join("\\t") | split("\n") | join("\\n") | split("\r") | join("\\r"))
    elif isnumber or isboolean then tostring elif . == null then "" else error("\(type) is not valid in a tsv row") end) | join("\t")
    else error("only arrays can be formatted as tsv") end;
"#;

/// Functions of jaq's that look at the machine: its environment, its time zone; and those that are ours.
const NOT_JAQS: &[&str] = &[
    "env",
    "localtime",
    "strflocaltime",
    "ltrimstr",
    "rtrimstr",
    "explode",
    "implode",
    "reverse",
    "matches",
    "split_matches",
    "split_",
];
/// Definitions of jaq's that do not suit our values: for jq, division by zero is an error. And `sub` takes quadratic time and memory.
pub(super) const NOT_DEFINED: &[&str] = &["nan", "infinite", "join", "sub", "gsub"];

pub(super) fn functions() -> impl Iterator<Item = Fun<Data>> {
    let jaq = jaq_core::funs::<Data>().chain(jaq_std::funs::<Data>());
    jaq.filter(|(name, ..)| !NOT_JAQS.contains(name))
        .chain(ours().into_iter().chain(matching::functions()).chain(strings::functions()).map(run::<Data>))
        .chain([tick()])
}

/// Passes everything on, once the guard has been asked.
fn tick() -> Fun<Data> {
    let native = Native::new(|cv| {
        guard::tick();
        box_once(Ok(cv.1))
    });
    let native = native.with_paths(|cv| {
        guard::tick();
        box_once(Ok(cv.1))
    });
    let native = native.with_update(|cv, f| {
        guard::tick();
        f(cv.1)
    });
    (TICK, v(0), native)
}

/// Name, arguments, and what it does.
pub(super) type Function = (&'static str, Box<[Bind]>, RunPtr<Data>);

fn ours() -> Vec<Function> {
    vec![
        ("env", v(0), |_| bome(Ok(Json::object(Object::default())))),
        ("nan", v(0), |_| bome(Ok(f64::NAN.into()))),
        ("infinite", v(0), |_| bome(Ok(f64::INFINITY.into()))),
        ("length", v(0), |cv| bome(length(cv.1))),
        ("tojson", v(0), |cv| bome(Ok(Json::string(cv.1.to_string())))),
        ("fromjson", v(0), |cv| {
            Box::new(then(parse(cv.1), |document| {
                Box::new(document.values().map(|value| {
                    guard::tick();
                    Ok(value)
                }))
            }))
        }),
        ("has", v(1), |cv| unary(cv, |value, key| has(&value, &key))),
        ("contains", v(1), |cv| unary(cv, |value, other| Ok(contains(&value, &other).into()))),
        ("indices", v(1), |cv| unary(cv, |value, sought| indices(&value, &sought))),
        ("bsearch", v(1), |cv| {
            unary(cv, |value, sought| {
                let items = value.items().map_err(|value| Error::typ(value, "array"))?;
                Ok(items.binary_search(&sought).map_or_else(|at| Json::from(-1 - at.cast_signed()), Json::from))
            })
        }),
    ]
}

type ValR = jaq_core::ValR<Json>;

fn length(value: Json) -> ValR {
    Ok(match value {
        Json::Null => 0_usize.into(),
        Json::Str(text) => text.chars().count().into(),
        Json::Num(num) if num.float() < 0.0 => return -Json::Num(num),
        Json::Num(num) => Json::Num(num),
        other => match other.count() {
            Some(count) => count.into(),
            None => return Err(Error::str(format_args!("{other} has no length"))),
        },
    })
}

fn parse(value: Json) -> Result<Rc<Document>, Exn<'static, Json>> {
    let Json::Str(text) = value else { return Err(Error::typ(value, "string").into()) };
    match Document::of((*text).clone()) {
        Ok(document) => Ok(Rc::new(document)),
        Err(error) => Err(Error::str(error.message).into()),
    }
}

fn has(value: &Json, key: &Json) -> ValR {
    match (value, key) {
        (value, Json::Str(key)) if value.is_object() => Ok(value.field(key).is_some().into()),
        (value, Json::Num(num)) if value.is_array() => {
            let index = num.index().and_then(|index| usize::try_from(index).ok());
            Ok(index.is_some_and(|index| value.count().is_some_and(|count| index < count)).into())
        }
        (value, key) => Err(Error::index(value.clone(), key.clone())),
    }
}

/// Whether all of `other` is in the value: strings as parts, elements and members each in some element or in the member of that name.
fn contains(value: &Json, other: &Json) -> bool {
    guard::tick();
    match (value, other) {
        (Json::Str(value), Json::Str(other)) => value.contains(other.as_str()),
        (value, other) if value.is_object() && other.is_object() => {
            let members = other.clone().members().unwrap_or_default();
            members.iter().all(|(key, other)| value.field(key).is_some_and(|value| contains(&value, other)))
        }
        (value, other) if value.is_array() && other.is_array() => {
            let items = value.clone().items().unwrap_or_default();
            let others = other.clone().items().unwrap_or_default();
            others.iter().all(|other| items.iter().any(|item| contains(item, other)))
        }
        (value, other) => value == other,
    }
}

/// Where something stands: in strings, in characters.
fn indices(value: &Json, sought: &Json) -> ValR {
    match (value, sought) {
        (Json::Null, _) => Ok(Json::Null),
        (Json::Str(_), Json::Str(sought)) if sought.is_empty() => Ok(Json::array(vec![])),
        (Json::Str(text), Json::Str(sought)) => Ok(occurrences(text, sought)),
        (value, sought) if value.is_array() && sought.is_array() => {
            Ok(super::paths::occurrences(value, &sought.clone().items().unwrap_or_default()))
        }
        (value, sought) if value.is_array() => {
            let items = value.clone().items().unwrap_or_default();
            Ok(items.iter().enumerate().filter(|(_, item)| *item == sought).map(|(index, _)| index.into()).collect())
        }
        (value, sought) => Err(Error::index(value.clone(), sought.clone())),
    }
}

/// Occurrences overlap. Each search is linear, and begins behind where the last one began.
fn occurrences(text: &str, sought: &str) -> Json {
    let mut found = vec![];
    let (mut from, mut chars) = (0, 0);
    while let Some(at) = text[from..].find(sought) {
        guard::tick();
        chars += text[from..from + at].chars().count();
        found.push(Json::from(chars));
        let first = text[from + at..].chars().next().map_or(1, char::len_utf8);
        (from, chars) = (from + at + first, chars + 1);
    }
    Json::array(found)
}

/// What [`Data`] is for.
const _: fn() = || {
    fn is_data<D: DataT>() {}
    is_data::<Data>();
};
