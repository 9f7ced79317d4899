//! The driver for the calling thread: the synchronous form, and the AsyncTask form on libuv's threads.

use std::time::Instant;

use super::control::Control;
use super::job::{Job, run_to_end};
use crate::kernel::{Result, Work};
use crate::value::Value;

/// Runs `work` to its end on this thread; looks at `control`, and calls `between` with the time, between morsels.
///
/// # Errors
/// The kernel's own, ERR_KERNEL_PANIC, and those of [`Control::check`].
pub fn run_inline(work: Work, control: &Control, between: impl FnMut(Instant)) -> Result<Value> {
    let mut job = Job::new(work)?;
    run_to_end(&mut job, control, between)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::Stop;
    use crate::error::Code;
    use crate::kernel::{Next, Step, Stepped};

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
        let error = run_inline(Work::stepped(Forever(Some(control))), control, |_| ()).unwrap_err();
        assert_eq!(error.code, Code::Aborted);
        assert_eq!(control.progress(), 0.5);
    }

    #[test]
    fn stops_at_its_deadline() {
        let control = Control::new(Instant::now(), Some(Duration::from_millis(1)));
        let error = run_inline(Work::stepped(Forever(None)), &control, |_| ()).unwrap_err();
        assert_eq!(error.code, Code::TaskTimeout);
    }

    #[test]
    fn one_shot_work_may_lead_to_more() {
        let work = Work::one_shot(|| Ok(Next::Then(Work::one_shot(|| Ok(Next::Done(Value::Bool(true)))))));
        assert_eq!(run_inline(work, &Control::default(), |_| ()), Ok(Value::Bool(true)));
    }

    #[test]
    fn panics_become_errors() {
        let error = run_inline(Work::one_shot(|| panic!("boo")), &Control::default(), |_| ()).unwrap_err();
        assert_eq!(error.code, Code::KernelPanic);
    }
}
