//! Runs a task's work on the thread that calls: for the synchronous form, and for the AsyncTask form on libuv's threads.

use std::ops::ControlFlow;
use std::time::Instant;

use super::control::Control;
use super::job::{Job, run_alone};
use super::panics::drop_catching_panic;
use heavy_load_kernel::value::Value;
use heavy_load_kernel::{Result, Work};

/// Runs `work` to its end on this thread; looks at `control`, and calls `between` with the time, between morsels.
///
/// # Errors
/// The kernel's own, ERR_KERNEL_PANIC, and those of [`Control::check`].
pub fn run_direct(work: Work, control: &Control, mut between: impl FnMut(Instant)) -> Result<Value> {
    let mut work = Alone::new(work)?;
    let end = work.run(control, |now| {
        between(now);
        ControlFlow::Continue(())
    });
    end.unwrap_or_else(|| unreachable!("nothing has it pause"))
}

/// Work that one thread at a time runs.
#[derive(Debug)]
pub struct Alone(Option<Job>);

impl Alone {
    /// Asks the work for its size.
    ///
    /// # Errors
    /// ERR_KERNEL_PANIC.
    pub fn new(work: Work) -> Result<Self> {
        Job::new(work).map(|job| Self(Some(job)))
    }

    /// Runs it on this thread; looks at `control`, and calls `between` with the time, between morsels. None if that has it pause.
    ///
    /// # Panics
    /// After its end.
    ///
    /// # Errors
    /// As [`run_direct`].
    pub fn run(&mut self, control: &Control, between: impl FnMut(Instant) -> ControlFlow<()>) -> Option<Result<Value>> {
        let job = self.0.as_mut().unwrap_or_else(|| unreachable!("only its drop takes the job"));
        run_alone(job, control, between)
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // Nobody is left to whom a panic could be reported.
        let _ = drop_catching_panic(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Stop;
    use heavy_load_kernel::error::Code;
    use heavy_load_kernel::{Next, Step, Stepped};

    struct Forever<'a>(Option<&'a Control>);

    impl Stepped for Forever<'static> {
        fn len(&self) -> u64 {
            u64::MAX
        }
        fn first_morsel(&self) -> u64 {
            1
        }
        fn step(&mut self, _units: u64) -> Result<Step> {
            if let Some(control) = self.0 {
                control.stop(Stop::Aborted);
            }
            Ok(Step::More { progress: 0.5 })
        }
    }

    #[test]
    fn stops_between_morsels() {
        static CONTROL: std::sync::OnceLock<Control> = std::sync::OnceLock::new();
        let control = CONTROL.get_or_init(Control::default);
        let error = run_direct(Work::stepped(Forever(Some(control))), control, |_| ()).unwrap_err();
        assert_eq!(error.code, Code::Aborted);
        assert_eq!(control.progress(), 0.5);
    }

    #[test]
    fn stops_at_its_deadline() {
        let control = Control::new(Instant::now(), Some(Duration::from_millis(1)));
        let error = run_direct(Work::stepped(Forever(None)), &control, |_| ()).unwrap_err();
        assert_eq!(error.code, Code::TaskTimeout);
    }

    #[test]
    fn goes_on_after_a_pause() {
        struct Counting(u32);
        impl Stepped for Counting {
            fn len(&self) -> u64 {
                3
            }
            fn first_morsel(&self) -> u64 {
                1
            }
            fn step(&mut self, _units: u64) -> Result<Step> {
                self.0 += 1;
                if self.0 < 3 {
                    return Ok(Step::More { progress: 0.5 });
                }
                Ok(Step::Done(Next::Done(Value::Number(f64::from(self.0)))))
            }
        }
        let mut work = Alone::new(Work::stepped(Counting(0))).unwrap();
        let control = Control::default();
        assert_eq!(work.run(&control, |_| ControlFlow::Break(())), None);
        assert_eq!(work.run(&control, |_| ControlFlow::Break(())), None);
        assert_eq!(work.run(&control, |_| ControlFlow::Break(())), Some(Ok(Value::Number(3.0))), "the end is no pause");
    }

    #[test]
    fn one_shot_work_may_lead_to_more() {
        let work = Work::one_shot(|| Ok(Next::Then(Work::one_shot(|| Ok(Next::Done(Value::Bool(true)))))));
        assert_eq!(run_direct(work, &Control::default(), |_| ()), Ok(Value::Bool(true)));
    }

    #[test]
    fn panics_become_errors() {
        let error = run_direct(Work::one_shot(|| panic!("boo")), &Control::default(), |_| ()).unwrap_err();
        assert_eq!(error.code, Code::KernelPanic);
    }
}
