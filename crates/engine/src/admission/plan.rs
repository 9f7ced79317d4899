//! Which of the tasks present can still be done in their time: all are admitted anew, in the order in which they would be served. Those that do
//! not fit any more are given up, so that the others are finished.
//!
//! Invariants, each with a test of that number:
//! 1. As many as there are threads are kept, whatever was predicted.
//! 2. The tasks that are kept fit, by the prediction; and which are kept does not depend on those given up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::backlog::{Ask, Backlog, KeyLoad, Share};
use super::{Refusal, Stake, nanos};
use crate::ready::Outlook;

pub(crate) struct Plan {
    size: usize,
    pace: f64,
    backlog: Backlog,
    keys: HashMap<*const KeyLoad, Arc<KeyLoad>>,
    kept: Vec<Share<Arc<KeyLoad>>>,
}

impl Plan {
    pub(crate) fn new(size: usize, pace: f64) -> Self {
        Self { size, pace, backlog: Backlog::new(size), keys: HashMap::new(), kept: vec![] }
    }

    /// Looks at the next task, which has so much time left; corrects what it is counted with.
    pub(crate) fn add(&mut self, stake: &mut Stake, outlook: Outlook, time: Option<Duration>) -> Result<(), Refusal> {
        stake.correct(outlook);
        let left = stake.left(outlook);
        let real: &KeyLoad = stake.account().as_ref();
        let key = self.keys.entry(std::ptr::from_ref(real)).or_insert_with(|| {
            let key = self.backlog.key(real.priority(), real.weight());
            key.set_virtual_times([real.ahead(), 0]);
            Arc::new(key)
        });
        if let Some(time) = time
            && self.kept.len() >= self.size
        {
            let own = if outlook.attained > 0 { left } else { stake.service().known().own };
            let ask = Ask {
                rank: outlook.rank,
                work: left,
                own,
                lanes: stake.lanes,
                passing: 0.0,
                coming: 0.0,
                pace: self.pace,
            };
            let prediction = self.backlog.predict(key, ask);
            if prediction.wait > 0 && prediction.end() > nanos(time) {
                let predicted = Duration::from_nanos(prediction.end());
                let alone = Duration::from_nanos(prediction.run);
                return Err(Refusal { predicted, alone, retry: predicted - time });
            }
        }
        self.kept.push(Share::new(Arc::clone(key), outlook.rank, left));
        Ok(())
    }
}
