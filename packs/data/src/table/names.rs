//! The names of a table's columns, as keys of JSON objects.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::append;

use crate::table::coroutine::{Pace, pause};
use crate::table::text::{append_json, push};

/// Bytes that all names may have together, also as JSON: each row is as long as they are.
pub(crate) const LONGEST: usize = 1 << 20;

/// What a name costs, in bytes that could be written meanwhile.
const COST: usize = 256;

/// Keys, each with what stands around it: `"name":`.
#[derive(Default)]
pub(crate) struct Names {
    keys: Vec<u8>,
    ends: Vec<usize>,
}

impl Names {
    /// Names that are all different: a column without a name is called by its number (`column_3`), and a name that was there before gets a number
    /// (`name_2`), or the next one that is free.
    ///
    /// # Errors
    /// ERR_INVALID_DATA if they are too long; ERR_OUT_OF_MEMORY.
    pub(crate) async fn of(header: &[Vec<u8>], pace: &mut Pace) -> Result<Self> {
        // Names as they stand come first: `a_2` keeps its name in `a,a,a_2`. Each with the number from which on a free one is looked for: else many
        // equal names would take the square of their number.
        let mut given: HashMap<&[u8], usize> = HashMap::with_capacity(header.len());
        let mut made: HashSet<Vec<u8>> = HashSet::with_capacity(header.len());
        for name in header {
            given.insert(name, 0);
            if pace.is_due(COST) {
                pause().await;
            }
        }
        let mut names = Self::default();
        for (column, name) in header.iter().enumerate() {
            let number = given.entry(name).or_default();
            let mut unique = Cow::Borrowed(&name[..]);
            if name.is_empty() || *number > 0 {
                let mut next = (*number).max(2);
                let mut candidate = name.clone();
                if name.is_empty() {
                    candidate = format!("column_{}", column + 1).into_bytes();
                } else {
                    append(&mut candidate, format!("_{next}").as_bytes())?;
                    next += 1;
                }
                let base = if name.is_empty() { candidate.len() } else { name.len() };
                while given.contains_key(&candidate[..]) || made.contains(&candidate) {
                    candidate.truncate(base);
                    append(&mut candidate, format!("_{next}").as_bytes())?;
                    next += 1;
                }
                given.insert(name, if name.is_empty() { 1 } else { next });
                made.insert(candidate.clone());
                unique = Cow::Owned(candidate);
            } else {
                *number = 1;
            }
            append_json(&mut names.keys, &unique)?;
            push(&mut names.keys, b':')?;
            push(&mut names.ends, names.keys.len())?;
            if names.keys.len() > LONGEST {
                return Err(too_long());
            }
            if pace.is_due(COST) {
                pause().await;
            }
        }
        Ok(names)
    }

    /// The key of a column.
    pub(crate) fn key(&self, column: usize) -> &[u8] {
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        &self.keys[start..self.ends[column]]
    }
}

/// What is wrong with names of more than [`LONGEST`].
#[cold]
pub(crate) fn too_long() -> EngineError {
    EngineError::invalid_data("The names of the columns are longer than 1 MiB in all")
}

#[cfg(test)]
mod tests {
    use heavy_load_kernel::Work;
    use heavy_load_kernel::testing::run;
    use heavy_load_kernel::value::Value;

    use super::*;
    use crate::table::coroutine::Coroutine;

    /// The keys, one behind the other.
    fn keys(header: Vec<Vec<u8>>) -> Result<Value> {
        run(Work::stepped(Coroutine::new(0, |mut pace| async move {
            let names = Names::of(&header, &mut pace).await?;
            Ok(Value::Buffer((0..header.len()).flat_map(|column| [names.key(column), b" "].concat()).collect()))
        })))
    }

    fn names(header: &[&str]) -> Vec<String> {
        let header: Vec<_> = header.iter().map(|name| name.as_bytes().to_vec()).collect();
        let Value::Buffer(keys) = keys(header).unwrap() else { unreachable!() };
        String::from_utf8(keys).unwrap().split_terminator(' ').map(String::from).collect()
    }

    #[test]
    fn names_are_made_different() {
        assert_eq!(names(&["a", "b"]), ["\"a\":", "\"b\":"]);
        assert_eq!(names(&["a", "a", "a"]), ["\"a\":", "\"a_2\":", "\"a_3\":"]);
        assert_eq!(names(&["a", "a", "a_2", "a"]), ["\"a\":", "\"a_3\":", "\"a_2\":", "\"a_4\":"]);
        assert_eq!(names(&["", "x", ""]), ["\"column_1\":", "\"x\":", "\"column_3\":"]);
        assert_eq!(names(&["", "column_1"]), ["\"column_1_2\":", "\"column_1\":"]);
        assert_eq!(names(&["\""]), ["\"\\\"\":"]);
    }

    #[test]
    fn many_equal_names_take_no_long() {
        let many = names(&vec!["a"; 60_000]);
        assert_eq!(many[59_999], "\"a_60000\":");
    }

    #[test]
    fn names_that_are_too_long_are_refused() {
        assert!(keys(vec![vec![b'a'; LONGEST - 4], vec![b'b'; 10]]).is_err());
    }
}
