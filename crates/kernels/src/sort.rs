//! `sort`: numbers in ascending order, in parallel.
//!
//! A merge sort in phases: runs are sorted, each a unit; then rounds of merges double their length, and a unit is a piece of
//! a round's output, whose place in the two inputs is found by binary search ("merge path"; Odeh, Green, Mwassi,
//! Shmueli, Birk, IPDPS Workshops 2012). So every phase has many units of about half a millisecond. O(n log n) time, O(n)
//! memory. Input: a typed array; shared elements are loaded with the runs, and stored at the end.

use std::mem;
use std::ops::Range;

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Element, Exclusive, Memory, Number, Options, Parts, Shared, Value, View};
use heavy_load_kernel::{Estimate, Kernel, Next, Parallel, Result, Spec, Work};

pub(super) static KERNEL: Sort = Sort;

pub(super) struct Sort;

static SPEC: Spec = Spec::new("sort")
    .summary("sorts a typed array's numbers, on all threads")
    .docs(
        "\
Sorts numbers ascending as TypedArray.prototype.sort does (NaN last, -0 before 0). Resolves with a new array, or, with
`transfer: true`, with a view over the same memory; an array over a SharedArrayBuffer is sorted in place, and is what the
promise resolves with.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_MEMORY.",
    )
    .type_parameter("T extends NumericView")
    .input("view", "T")
    .output("T")
    .in_place();

/// Elements of a run, and of a piece of a merge's output.
const RUN: usize = 32 * 1024;

impl Kernel for Sort {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn estimate(&self, input: &Value, _options: &Options) -> Estimate {
        let Value::View(View { element, memory, .. }) = input else { return Estimate::default() };
        let (bytes, elements) = (memory.len() as u64, (memory.len() / element.size()) as u64);
        // The runs are merged from one buffer into another; shared elements are sorted in a copy.
        let spare = if elements > RUN as u64 { bytes } else { 0 };
        let copy = if memory.is_shared() { bytes } else { 0 };
        Estimate { cost: elements, memory: spare + copy }
    }

    fn prepare(&self, input: Value, _options: &Options) -> Result<Work> {
        let Value::View(View { element, bare: false, memory }) = input else {
            return Err(EngineError::invalid_type(SPEC.input, "an instance of TypedArray", &input));
        };
        match element {
            Element::Int8 => start::<i8>(memory, element),
            Element::Uint8 | Element::Uint8Clamped => start::<u8>(memory, element),
            Element::Int16 => start::<i16>(memory, element),
            Element::Uint16 => start::<u16>(memory, element),
            Element::Int32 => start::<i32>(memory, element),
            Element::Uint32 => start::<u32>(memory, element),
            Element::Float32 => start::<f32>(memory, element),
            Element::Float64 => start::<f64>(memory, element),
            Element::BigInt64 => start::<i64>(memory, element),
            Element::BigUint64 => start::<u64>(memory, element),
        }
    }
}

/// A number with a key whose order is that of TypedArray.prototype.sort.
trait Ordered: Number {
    type Key: Ord;
    fn key(self) -> Self::Key;
}

macro_rules! ordered {
    ($($type:ty),*) => {$(
        impl Ordered for $type {
            type Key = Self;
            fn key(self) -> Self {
                self
            }
        }
    )*};
}

ordered!(i8, u8, i16, u16, i32, u32, i64, u64);

macro_rules! ordered_floats {
    ($($type:ty: $bits:ty;)*) => {$(
        impl Ordered for $type {
            type Key = $bits;
            fn key(self) -> $bits {
                if self.is_nan() {
                    return <$bits>::MAX; // last, with either sign
                }
                // As `total_cmp` does it: negative numbers have their bits turned, all but the sign.
                let bits = self.to_bits().cast_signed();
                bits ^ (bits >> (<$bits>::BITS - 1)) & <$bits>::MAX
            }
        }
    )*};
}

ordered_floats! {
    f32: i32;
    f64: i64;
}

/// What all phases of a task know.
#[derive(Clone)]
struct Plan<T> {
    element: Element,
    /// Where the elements come from and go to, if JavaScript shares them.
    shared: Option<Shared<T>>,
    /// Phases in all, for the progress: runs, rounds, and a store if the elements are shared.
    phases: usize,
    done: usize,
}

fn start<T: Ordered>(memory: Memory, element: Element) -> Result<Work> {
    let never_runs = memory.is_draft();
    let (home, shared) = match memory.into_exclusive::<T>() {
        Ok(home) => (home, None),
        Err(memory) => {
            let shared = memory.into_shared::<T>().map_err(|memory| {
                let received = Value::View(View { element, bare: false, memory });
                EngineError::invalid_value(SPEC.input, "must not be read-only", &received)
            })?;
            // Sorted in a copy, which the runs load.
            (Exclusive::zeroed(shared.len())?, Some(shared))
        }
    };
    let runs = home.len().div_ceil(RUN);
    let rounds = runs.next_power_of_two().trailing_zeros() as usize;
    let phases = 1 + rounds + usize::from(shared.is_some());
    // Asked for now, so that nothing fails for want of memory once the caller's is taken over. Untouched, it takes none.
    let spare = if rounds == 0 || never_runs { None } else { Some(Parts::new(Exclusive::zeroed(home.len())?, RUN)?) };
    // The last round is to end at home. So with an odd number of rounds the first begins in the spare buffer.
    let to_spare = rounds % 2 == 1;
    let plan = Plan { element, shared, phases, done: 0 };
    Ok(Work::parallel(Runs { plan, home: Parts::new(home, RUN)?, spare, to_spare }))
}

impl<T: Ordered> Plan<T> {
    fn progress(&self, done: u64, len: u64) -> f64 {
        (self.done as f64 + done as f64 / len.max(1) as f64) / self.phases as f64
    }

    fn after_phase(&self) -> Self {
        Self { done: self.done + 1, ..self.clone() }
    }

    /// What follows when the elements stand sorted at home.
    fn deliver(self, home: Exclusive<T>) -> Next {
        let Self { element, shared, phases, done } = self;
        if let Some(shared) = shared {
            return Next::Then(Work::parallel(Store { shared, home, phases, done }));
        }
        Next::Done(match home.into_owned() {
            Some(owned) => Value::View(View { element, bare: false, memory: Memory::owned(owned) }),
            None => Value::Input,
        })
    }
}

/// The first phase: sorts runs. A unit is a run.
struct Runs<T> {
    plan: Plan<T>,
    home: Parts<T>,
    /// As long as the home; none if one run is all.
    spare: Option<Parts<T>>,
    /// Where the sorted runs are to stand.
    to_spare: bool,
}

impl<T: Ordered> Parallel for Runs<T> {
    fn len(&self) -> u64 {
        self.home.count() as u64
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        for index in range.start as usize..range.end as usize {
            let run = self.home.take(index);
            if let Some(shared) = &self.plan.shared {
                shared.load(index * RUN, run);
            }
            run.sort_unstable_by_key(|element| element.key());
            if self.to_spare
                && let Some(spare) = &self.spare
            {
                spare.take(index).copy_from_slice(run);
            }
        }
        Ok(())
    }

    fn merge(&mut self) -> Result<Next> {
        let plan = self.plan.after_phase();
        let home = mem::take(&mut self.home).into_whole();
        let Some(spare) = self.spare.take() else { return Ok(plan.deliver(home)) };
        let spare = spare.into_whole();
        let (from, to) = if self.to_spare { (spare, home) } else { (home, spare) };
        Ok(Next::Then(Work::parallel(Round { plan, from, to: Parts::new(to, RUN)?, width: RUN })))
    }

    fn progress(&self, done: u64) -> f64 {
        self.plan.progress(done, self.len())
    }
}

/// A round of merges: pairs of runs of `width` become runs of twice that. A unit is a piece of the output.
struct Round<T> {
    plan: Plan<T>,
    from: Exclusive<T>,
    to: Parts<T>,
    width: usize,
}

impl<T: Ordered> Parallel for Round<T> {
    fn len(&self) -> u64 {
        self.to.count() as u64
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        let from = self.from.as_slice();
        for index in range.start as usize..range.end as usize {
            let at = index * RUN;
            // The piece lies within one pair, whose length is a multiple of the piece's.
            let pair = &from[at - at % (2 * self.width)..];
            let pair = &pair[..pair.len().min(2 * self.width)];
            let (a, b) = pair.split_at(pair.len().min(self.width));
            merge_piece(a, b, at % (2 * self.width), self.to.take(index));
        }
        Ok(())
    }

    fn merge(&mut self) -> Result<Next> {
        let plan = self.plan.after_phase();
        let (from, to) = (mem::take(&mut self.to).into_whole(), mem::take(&mut self.from));
        let width = self.width * 2;
        if from.len() <= width {
            return Ok(plan.deliver(from));
        }
        Ok(Next::Then(Work::parallel(Round { plan, from, to: Parts::new(to, RUN)?, width })))
    }

    fn progress(&self, done: u64) -> f64 {
        self.plan.progress(done, self.len())
    }
}

/// Fills `out` with what stands from `first` on in the merge of `a` and `b`.
fn merge_piece<T: Ordered>(a: &[T], b: &[T], first: usize, out: &mut [T]) {
    let mut at_a = split(a, b, first);
    let mut at_b = first - at_a;
    let mut out = out.iter_mut();
    while let (Some(x), Some(y)) = (a.get(at_a), b.get(at_b)) {
        let Some(out) = out.next() else { return };
        // Both are computed and one is kept: a branch would be guessed wrong half the time.
        let from_b = y.key() < x.key();
        *out = if from_b { *y } else { *x };
        at_a += usize::from(!from_b);
        at_b += usize::from(from_b);
    }
    for (out, rest) in out.zip(a[at_a..].iter().chain(&b[at_b..])) {
        *out = *rest;
    }
}

/// How many of the first `count` elements of the merge come from `a`.
fn split<T: Ordered>(a: &[T], b: &[T], count: usize) -> usize {
    let (mut low, mut high) = (count.saturating_sub(b.len()), count.min(a.len()));
    while low < high {
        let middle = low.midpoint(high);
        if a[middle].key() <= b[count - middle - 1].key() { low = middle + 1 } else { high = middle }
    }
    low
}

/// The last phase for shared elements: stores them. A unit is as long as a run.
struct Store<T> {
    shared: Shared<T>,
    home: Exclusive<T>,
    phases: usize,
    done: usize,
}

impl<T: Ordered> Parallel for Store<T> {
    fn len(&self) -> u64 {
        self.home.len().div_ceil(RUN) as u64
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        let home = self.home.as_slice();
        let (start, end) = (range.start as usize * RUN, home.len().min(range.end as usize * RUN));
        self.shared.store(start, &home[start..end]);
        Ok(())
    }

    fn merge(&mut self) -> Result<Next> {
        Ok(Next::Done(Value::Input))
    }

    fn progress(&self, done: u64) -> f64 {
        (self.done as f64 + done as f64 / self.len().max(1) as f64) / self.phases as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heavy_load_kernel::testing::{Lender, frozen, moved, run, shared};
    use heavy_load_kernel::value::Owned;

    fn sort(element: Element, memory: Memory) -> Value {
        let view = View { element, bare: false, memory };
        run(KERNEL.prepare(Value::View(view), &Options::default()).unwrap()).unwrap()
    }

    type Lend<T> = fn(Vec<T>) -> (Memory, Lender<T>);

    fn sorted<T: Number>(data: Vec<T>, element: Element, lend: Lend<T>) -> (Vec<T>, Value) {
        let (memory, lender) = lend(data);
        let value = sort(element, memory);
        (lender.take_back().unwrap(), value)
    }

    /// Not random, but in no order.
    fn numbers(count: usize) -> impl Iterator<Item = u64> {
        (0..count as u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 7)
    }

    #[test]
    fn sorts_any_length() {
        for count in [0, 1, 2, RUN - 1, RUN, RUN + 1, 2 * RUN, 3 * RUN + 5, 5 * RUN, 8 * RUN, 9 * RUN + 1] {
            let data: Vec<u64> = numbers(count).collect();
            let mut expected = data.clone();
            expected.sort_unstable();
            for memory in [moved as Lend<u64>, shared] {
                let (result, value) = sorted(data.clone(), Element::BigUint64, memory);
                assert!(result == expected, "{count}");
                assert_eq!(value, Value::Input);
            }
            // SAFETY: a vector's numbers, borrowed during the call.
            let copy = unsafe { Owned::copy(data.as_ptr().cast(), size_of_val(&*data)) }.unwrap();
            let value = sort(Element::BigUint64, Memory::owned(copy));
            let Value::View(View { memory, .. }) = value else { panic!("{value:?}") };
            assert!(memory.into_exclusive::<u64>().unwrap().as_slice() == expected);
        }
    }

    #[test]
    fn sorts_every_type() {
        macro_rules! check {
            ($($type:ty: $element:ident;)*) => {$(
                let data: Vec<$type> = numbers(RUN + 100).map(|number| number as $type).collect();
                let mut expected = data.clone();
                expected.sort_by(|a, b| a.partial_cmp(b).unwrap());
                assert!(sorted(data, Element::$element, moved).0 == expected, stringify!($type));
            )*};
        }
        check! {
            i8: Int8; u8: Uint8; u8: Uint8Clamped; i16: Int16; u16: Uint16; i32: Int32; u32: Uint32;
            f32: Float32; f64: Float64; i64: BigInt64; u64: BigUint64;
        }
    }

    #[test]
    fn orders_as_typed_arrays_do() {
        let data = vec![f64::NAN, 1.0, -0.0, f64::INFINITY, 0.0, -f64::NAN, -1.0, f64::NEG_INFINITY, 0.0, -0.0];
        let (result, _) = sorted(data, Element::Float64, moved);
        assert_eq!(result[..8], [f64::NEG_INFINITY, -1.0, -0.0, -0.0, 0.0, 0.0, 1.0, f64::INFINITY]);
        assert!(result[2].is_sign_negative() && result[3].is_sign_negative() && result[4].is_sign_positive());
        assert!(result[8].is_nan() && result[9].is_nan());
    }

    #[test]
    fn refuses_memory_that_nobody_may_write() {
        let view = View { element: Element::Uint32, bare: false, memory: frozen(vec![3_u32, 1, 2]).0 };
        let error = KERNEL.prepare(Value::View(view), &Options::default()).unwrap_err();
        assert_eq!(error.message, "The \"view\" argument must not be read-only. Received an instance of Uint32Array");
    }

    #[test]
    fn a_split_takes_equal_elements_from_the_left() {
        let (a, b) = ([1, 2, 2, 5], [2, 2, 6]);
        let taken: Vec<usize> = (0..=7).map(|count| split(&a, &b, count)).collect();
        assert_eq!(taken, [0, 1, 2, 3, 3, 3, 4, 4]);
    }
}
