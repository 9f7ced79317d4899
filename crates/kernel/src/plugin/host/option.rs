//! A kernel's options as a plug-in describes them, and the check of what a caller has given.

use std::ptr;

use super::call::ForeignResource;
use super::table::{LoadError, MOST_OPTIONS, is_identifier, kept};
use crate::error::EngineError;
use crate::plugin::abi;
use crate::value::{JSON, Memory, Owned, Resource, Value, View, reserve_exact};
use crate::{OptionSpec, Result, Takes};

#[derive(Debug)]
pub(super) struct PluginOption {
    pub(super) name: &'static str,
    /// As messages call it.
    subject: String,
    is_required: bool,
    of_server: bool,
    kind: Kind,
}

/// What an option may be, and what it is if it is not given.
#[derive(Debug)]
enum Kind {
    Any,
    Boolean { fallback: Option<bool> },
    Integer { least: f64, most: f64, fallback: Option<f64> },
    Number { least: f64, most: f64, fallback: Option<f64> },
    String,
    Choice { choices: Vec<&'static str>, fallback: Option<usize> },
    Resource(*const abi::ResourceType),
    Json,
    Memory,
}

/// Options that every task has, and so no kernel: as in lib/options.js, with which a test compares it.
const OF_TASKS: [&str; 10] =
    ["signal", "timeout", "priority", "key", "weight", "maxThreads", "onProgress", "transfer", "pool", "memory"];

/// Names that a look-up in any object finds.
const OF_OBJECTS: [&str; 7] =
    ["constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf"];

/// A caller's text may be large: a refusal of memory is an error.
fn copy(text: &str) -> Result<String> {
    let mut copy = String::new();
    copy.try_reserve_exact(text.len()).map_err(|_| EngineError::out_of_memory(text.len()))?;
    copy.push_str(text);
    Ok(copy)
}

impl PluginOption {
    pub(super) fn read(option: &'static abi::OptionSpec) -> std::result::Result<(OptionSpec, Self), LoadError> {
        // SAFETY: texts of a static table, here and below.
        let (name, docs) = unsafe { (kept(option.name, "")?, kept(option.docs, "")?) };
        let wrong = |what: &str| LoadError(format!("option '{name}': {what}"));
        if !is_identifier(name) {
            return Err(wrong("its name is not a lower-case letter and then letters and digits"));
        }
        if OF_OBJECTS.contains(&name) {
            return Err(wrong("every object of JavaScript has a property of this name"));
        }
        if OF_TASKS.contains(&name) {
            return Err(wrong("every task has an option of this name"));
        }
        let (least, most, fallback) = (option.minimum, option.maximum, option.fallback);
        let given = (!fallback.is_nan()).then_some(fallback);
        let in_range = |value: f64| least <= value && value <= most;
        let kind = match option.kind {
            abi::OPTION_ANY => Kind::Any,
            abi::OPTION_BOOLEAN => Kind::Boolean { fallback: given.map(|value| value != 0.0) },
            abi::OPTION_INTEGER | abi::OPTION_NUMBER if least.is_nan() || most.is_nan() || least > most => {
                return Err(wrong("its range has no numbers"));
            }
            abi::OPTION_INTEGER | abi::OPTION_NUMBER if given.is_some_and(|value| !in_range(value)) => {
                return Err(wrong("its default is out of its range"));
            }
            abi::OPTION_INTEGER if given.is_some_and(|value| value.fract() != 0.0) => {
                return Err(wrong("its default is no integer"));
            }
            abi::OPTION_INTEGER => Kind::Integer { least, most, fallback: given },
            abi::OPTION_NUMBER => Kind::Number { least, most, fallback: given },
            abi::OPTION_STRING => Kind::String,
            abi::OPTION_CHOICE => {
                if option.choices.is_null()
                    || !option.choices.is_aligned()
                    || option.choice_count == 0
                    || option.choice_count > MOST_OPTIONS
                {
                    return Err(wrong("it has no choices"));
                }
                // SAFETY: the option says that there are so many, for ever.
                let choices = unsafe { std::slice::from_raw_parts(option.choices, option.choice_count) };
                // SAFETY: as above.
                let choices = choices.iter().map(|choice| unsafe { kept(*choice, "") });
                let choices = choices.collect::<std::result::Result<Vec<_>, _>>()?;
                let is_choice = |value: f64| value.fract() == 0.0 && 0.0 <= value && value < choices.len() as f64;
                if given.is_some_and(|value| !is_choice(value)) {
                    return Err(wrong("its default is none of its choices"));
                }
                let fallback = given.map(|value| value as usize);
                Kind::Choice { choices, fallback }
            }
            abi::OPTION_RESOURCE if option.resource.is_null() => return Err(wrong("it has no type of resource")),
            abi::OPTION_RESOURCE => Kind::Resource(option.resource),
            abi::OPTION_JSON => Kind::Json,
            abi::OPTION_MEMORY => Kind::Memory,
            _ => return Err(wrong("its type is unknown")),
        };
        // SAFETY: as above.
        let ts_type = match unsafe { kept(option.ts_type, "") }? {
            "" => kind.ts_type(),
            ts_type => ts_type,
        };
        let subject = format!("options.{name}");
        let (is_required, of_server) = (option.required != 0, option.required == 2);
        let takes = kind.takes();
        Ok((
            OptionSpec { name, ts_type, docs, required: is_required, of_server, takes },
            Self { name, subject, is_required, of_server, kind },
        ))
    }

    /// What the kernel gets of what was given.
    pub(super) fn check(&self, given: &Value) -> Result<Value> {
        let wrong = |expected: &str| Err(EngineError::invalid_type(&self.subject, expected, given));
        if *given == Value::Undefined {
            if self.is_required {
                return wrong(self.kind.expected()).map_err(|error| EngineError { of_call: self.of_server, ..error });
            }
            return Ok(match &self.kind {
                Kind::Boolean { fallback } => fallback.map_or(Value::Undefined, Value::Bool),
                Kind::Integer { fallback, .. } | Kind::Number { fallback, .. } => {
                    fallback.map_or(Value::Undefined, Value::Number)
                }
                Kind::Choice { fallback, .. } => fallback.map_or(Value::Undefined, |index| Value::Number(index as f64)),
                Kind::Any | Kind::String | Kind::Resource(_) | Kind::Json | Kind::Memory => Value::Undefined,
            });
        }
        match (&self.kind, given) {
            (Kind::Any | Kind::String, Value::String(text)) => copy(text).map(Value::String),
            (Kind::Any | Kind::Boolean { .. }, Value::Bool(value)) => Ok(Value::Bool(*value)),
            (Kind::Any, Value::Number(number)) => Ok(Value::Number(*number)),
            (Kind::Any, Value::Null) => Ok(Value::Null),
            (Kind::Any, Value::Other(text)) => Ok(Value::Other(text.clone())),
            (Kind::Any, Value::Resource(resource)) => Ok(Value::Resource(resource.clone())),
            (Kind::Resource(kind), Value::Resource(resource)) if is_of(resource, *kind) => {
                Ok(Value::Resource(resource.clone()))
            }
            (Kind::Json, Value::Json(text)) => copy(text).map(Value::Json),
            (Kind::Memory, Value::View(View { element, bare, memory })) if let Some(bytes) = memory.as_numbers() => {
                let mut numbers = vec![];
                reserve_exact::<u8>(&mut numbers, bytes.len())?;
                numbers.extend_from_slice(bytes);
                let memory = Memory::owned(Owned::of(numbers)?);
                Ok(Value::View(View { element: *element, bare: *bare, memory }))
            }
            (Kind::Integer { least, most, .. }, Value::Number(number)) => {
                if number.fract() == 0.0 && least <= number && number <= most {
                    return Ok(Value::Number(*number));
                }
                let expected = format!("an integer >= {least} and <= {most}");
                Err(EngineError::out_of_range(&self.subject, &expected, *number))
            }
            (Kind::Number { least, most, .. }, Value::Number(number)) => {
                if least <= number && number <= most {
                    return Ok(Value::Number(*number));
                }
                let expected = format!(">= {least} and <= {most}");
                Err(EngineError::out_of_range(&self.subject, &expected, *number))
            }
            (Kind::Choice { choices, .. }, Value::String(text)) => {
                let found = choices.iter().position(|choice| choice == text);
                found.map(|index| Value::Number(index as f64)).ok_or_else(|| {
                    let names: Vec<_> = choices.iter().map(|choice| format!("'{choice}'")).collect();
                    let reason = format!("must be one of: {}", names.join(", "));
                    EngineError::invalid_value(&self.subject, &reason, given)
                })
            }
            (kind, _) => wrong(kind.expected()),
        }
    }
}

fn is_of(resource: &Resource, kind: *const abi::ResourceType) -> bool {
    resource.get::<ForeignResource>().is_some_and(|foreign| ptr::eq(foreign.kind, kind))
}

impl Kind {
    fn ts_type(&self) -> &'static str {
        match self {
            Kind::Any => "unknown",
            Kind::Boolean { .. } => "boolean",
            Kind::Integer { .. } | Kind::Number { .. } => "number",
            Kind::String => "string",
            Kind::Choice { choices, .. } => {
                let names: Vec<_> = choices.iter().map(|choice| format!("{choice:?}")).collect();
                String::leak(names.join(" | "))
            }
            Kind::Resource(_) => "Resource",
            Kind::Json => "object",
            Kind::Memory => "NodeJS.TypedArray",
        }
    }

    fn takes(&self) -> Takes {
        match self {
            Kind::Json => Takes::Json,
            Kind::Memory => Takes::Numbers,
            _ => Takes::Plain,
        }
    }

    fn expected(&self) -> &'static str {
        match self {
            Kind::Any => "given",
            Kind::Boolean { .. } => "of type boolean",
            Kind::Integer { .. } | Kind::Number { .. } => "of type number",
            Kind::String | Kind::Choice { .. } => "of type string",
            Kind::Resource(_) => "a resource of this plug-in",
            Kind::Json => JSON,
            Kind::Memory => "an instance of TypedArray",
        }
    }
}
