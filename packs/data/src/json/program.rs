//! jq programs: parsed, with a tick before each definition's body, and compiled. They are kept, by content: the last of them, so memory is bounded.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::Value;
use jaq_core::compile::Compiler;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::load::{self, Arena, File, Loader, lex::StrPart};
use jaq_core::path::{Part, Path};
use jaq_core::{Ctx, Filter, Vars};

use super::natives::{self, DEFINITIONS, Data, TICK};
use super::value::{Json, Object};

/// Bytes of a program. It bounds how deeply it is nested, and so the stack that parsing it takes.
pub(crate) const LONGEST: usize = 8 << 10;
/// So many are kept.
const KEPT: usize = 32;

static COMPILED: Mutex<VecDeque<(String, Arc<Filter<Data>>)>> = Mutex::new(VecDeque::new());
/// jq's own definitions.
static PRELUDE: LazyLock<Vec<Def<&'static str>>> = LazyLock::new(|| {
    let ours = load::parse(DEFINITIONS, |parser| parser.defs()).expect("our definitions are jq's language");
    let jaqs = jaq_core::defs().chain(jaq_std::defs());
    let jaqs = jaqs.filter(|definition| !natives::NOT_DEFINED.contains(&definition.name));
    let mut definitions: Vec<_> = jaqs.chain(ours).collect();
    definitions.iter_mut().for_each(tick_definition);
    definitions
});

/// A compiled program.
pub(crate) struct Program(Arc<Filter<Data>>);

/// An output; or the program has ended itself, with an exit code; or failed, with a message.
pub(crate) type Output = std::result::Result<Json, Ended>;

pub(crate) enum Ended {
    Halted(i32),
    Failed(String),
}

impl Program {
    /// Compiles it, or takes what was compiled before: a millisecond. Runs on a routine, for a nested program needs much stack.
    ///
    /// # Errors
    /// ERR_INVALID_ARG_VALUE, for what is no program.
    pub(crate) fn of(source: &str) -> Result<Self> {
        let kept = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, filter)) = kept().iter().find(|(kept, _)| kept == source) {
            return Ok(Self(Arc::clone(filter)));
        }
        let filter = Arc::new(compile(source)?);
        let mut kept = kept();
        if !kept.iter().any(|(kept, _)| kept == source) {
            kept.truncate(KEPT - 1);
            kept.push_front((source.to_owned(), Arc::clone(&filter)));
        }
        Ok(Self(filter))
    }

    /// The outputs for an input.
    pub(crate) fn run(&self, input: Json) -> impl Iterator<Item = Output> {
        let ctx = Ctx::<Data>::new(&self.0.lut, Vars::new([Json::object(Object::default())]));
        self.0.id.run((ctx, input)).map(|output| {
            output.map_err(|exception| match exception.get_err() {
                Ok(error) => Ended::Failed(match error.into_val() {
                    Json::Str(message) => (*message).clone(),
                    other => other.to_string(),
                }),
                Err(other) => Ended::Halted(other.get_halt().unwrap_or_default()),
            })
        })
    }
}

fn compile(source: &str) -> Result<Filter<Data>> {
    let Some(mut main) = load::parse(source, |parser| parser.term()) else { return Err(wrong(source)) };
    tick_term(&mut main);
    let main = Def { name: "main", args: vec![], body: main };
    let arena = Arena::default();
    let definitions = PRELUDE.iter().cloned().chain([main]);
    let modules = Loader::new(definitions).load(&arena, File { path: (), code: "main" });
    let modules = modules.map_err(|_| wrong(source))?;
    let compiler = Compiler::default().with_funs(natives::functions()).with_global_vars(["$ENV"]);
    compiler.compile(modules).map_err(|errors| {
        let undefined = errors.iter().flat_map(|(_, errors)| errors).next();
        let reason = undefined.map(|(name, kind)| format!("has an undefined {}: {name}", kind.as_str()));
        invalid(&reason.unwrap_or_else(|| "is no jq program".to_owned()), source)
    })
}

/// Says what is wrong with a program that cannot be parsed.
fn wrong(source: &str) -> EngineError {
    let arena = Arena::default();
    let errors = match Loader::new([]).load(&arena, File { path: (), code: source }) {
        // It is a module of others: what it says first cannot be said within.
        Ok(_) => return invalid("must have no modules", source),
        Err(errors) => errors,
    };
    let place = |part: &str| match load::span(source, part) {
        at if part.is_empty() => format!("at {}", at.start),
        at => format!("at {}, before '{}'", at.start, part.chars().take(20).collect::<String>()),
    };
    let reason = errors.into_iter().next().and_then(|(_, error)| match error {
        load::Error::Lex(errors) => errors
            .into_iter()
            .next()
            .map(|(expected, found)| format!("expected {} {}", expected.as_str(), place(found))),
        load::Error::Parse(errors) => errors
            .into_iter()
            .next()
            .map(|(expected, found)| format!("expected {} {}", expected.as_str(), place(found))),
        load::Error::Io(_) => Some("it must have no modules".to_owned()),
    });
    invalid(&format!("is no jq program ({})", reason.as_deref().unwrap_or("it cannot be read")), source)
}

fn invalid(reason: &str, source: &str) -> EngineError {
    EngineError::invalid_value("options.filter", reason, Value::String(source.to_owned()))
}

/// Puts a tick before the definition's body: whatever repeats itself calls a definition.
fn tick_definition(definition: &mut Def<&str>) {
    tick_term(&mut definition.body);
    let body = std::mem::take(&mut definition.body);
    definition.body = ticked(body);
}

fn ticked(term: Term<&str>) -> Term<&str> {
    let tick = Term::Call(TICK, vec![]);
    Term::BinOp(Box::new(tick), BinaryOp::Pipe(None), Box::new(term))
}

/// Looks for definitions in a term, and has what gives many outputs without walking over a value tick for each.
fn tick_term(term: &mut Term<&str>) {
    match term {
        Term::Id | Term::Num(_) | Term::Var(_) | Term::Break(_) => {}
        Term::Recurse => {}
        Term::Str(_, parts) => {
            for part in parts {
                if let StrPart::Term(term) = part {
                    tick_term(term);
                }
            }
        }
        Term::Arr(term) => term.iter_mut().for_each(|term| tick_term(term)),
        Term::Obj(members) => {
            for (key, value) in members {
                tick_term(key);
                value.iter_mut().for_each(tick_term);
            }
        }
        Term::Neg(term) | Term::Label(_, term) => tick_term(term),
        Term::BinOp(left, op, right) => {
            tick_term(left);
            if let BinaryOp::Pipe(Some(pattern)) = op {
                tick_pattern(pattern);
            }
            tick_term(right);
        }
        Term::Fold(_, term, pattern, terms) => {
            tick_term(term);
            tick_pattern(pattern);
            terms.iter_mut().for_each(tick_term);
        }
        Term::TryCatch(term, catch) => {
            tick_term(term);
            catch.iter_mut().for_each(|term| tick_term(term));
        }
        Term::IfThenElse(branches, otherwise) => {
            for (condition, then) in branches {
                tick_term(condition);
                tick_term(then);
            }
            otherwise.iter_mut().for_each(|term| tick_term(term));
        }
        Term::Def(definitions, term) => {
            definitions.iter_mut().for_each(tick_definition);
            tick_term(term);
        }
        Term::Call(name, arguments) => {
            arguments.iter_mut().for_each(tick_term);
            if *name == "range" && arguments.len() == 3 {
                let call = std::mem::take(term);
                let tick = Term::Call(TICK, vec![]);
                *term = Term::BinOp(Box::new(call), BinaryOp::Pipe(None), Box::new(tick));
            }
        }
        Term::Path(term, path) => {
            tick_term(term);
            tick_path(path);
        }
    }
}

fn tick_path(path: &mut Path<Term<&str>>) {
    for (part, _) in &mut path.0 {
        match part {
            Part::Index(term) => tick_term(term),
            Part::Range(from, to) => {
                from.iter_mut().for_each(tick_term);
                to.iter_mut().for_each(tick_term);
            }
        }
    }
}

fn tick_pattern(pattern: &mut Pattern<&str>) {
    match pattern {
        Pattern::Var(_) => {}
        Pattern::Arr(patterns) => patterns.iter_mut().for_each(tick_pattern),
        Pattern::Obj(members) => {
            for (key, pattern) in members {
                tick_term(key);
                tick_pattern(pattern);
            }
        }
    }
}
