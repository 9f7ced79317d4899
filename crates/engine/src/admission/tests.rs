//! The invariants of admission and of the plan, by number.

use super::*;

const MS: u64 = 1_000_000;
const SECOND: Duration = Duration::from_secs(1);

fn arrival(kernel: usize, timeout: Option<u64>) -> Arrival<'static> {
    Arrival {
        priority: Priority::Normal,
        key: None,
        weight: 1.0,
        kind: Kind { kernel, size: 1 },
        lanes: 1,
        timeout: timeout.map(Duration::from_millis),
        goes_on: false,
    }
}

/// Two threads, and kinds whose number is how many milliseconds they take.
fn admission(kinds: &[usize]) -> Admission {
    let admission = Admission::new(2);
    for kind in kinds {
        let stake = admission
            .enter(arrival(*kind, None), 0, &PublishedPace::default(), Duration::ZERO)
            .unwrap_or_else(|_| unreachable!());
        stake.service().ended(*kind as u64 * MS, *kind as u64 * MS);
    }
    admission
}

fn fresh(rank: u64, place: u64) -> Outlook {
    Outlook { rank, attained: 0, total: 0, place }
}

#[test]
fn invariant_1_an_idle_thread_takes_anything() {
    let admission = admission(&[300]);
    let stakes: Vec<_> =
        (0..100).map(|_| admission.enter(arrival(300, None), 9, &PublishedPace::default(), SECOND)).collect();
    assert!(admission.enter(arrival(300, Some(1)), 1, &PublishedPace::default(), SECOND).is_ok());
    assert!(admission.enter(arrival(300, Some(1)), 2, &PublishedPace::default(), SECOND).is_err());
    drop(stakes);
    assert!(
        admission.enter(arrival(300, Some(1)), 2, &PublishedPace::default(), SECOND).is_ok(),
        "there is nothing before it"
    );
}

#[test]
fn invariant_2_what_has_no_timeout_counts_from_the_first_on() {
    let admission = admission(&[20]);
    let _stakes: Vec<_> =
        (0..100).map(|_| admission.enter(arrival(20, None), 9, &PublishedPace::default(), SECOND)).collect();
    let refusal = admission.enter(arrival(20, Some(200)), 100, &PublishedPace::default(), SECOND).err().unwrap();
    assert!((1_000..1_200).contains(&refusal.predicted.as_millis()), "{refusal:?}");
    assert!((800..1_000).contains(&refusal.retry.as_millis()), "{refusal:?}");
    // Of what nothing is known, one tries.
    assert!(admission.enter(arrival(7, Some(1)), 100, &PublishedPace::default(), SECOND).is_ok());
}

#[test]
fn a_burst_is_let_in_as_far_as_it_fits() {
    let admission = admission(&[300]);
    let stakes: Vec<_> = (0..100)
        .filter_map(|number| admission.enter(arrival(300, Some(2_000)), number, &PublishedPace::default(), SECOND).ok())
        .collect();
    assert_eq!(stakes.len(), 12);
    // By then, all that are there have ended.
    let refusal = admission
        .enter(arrival(300, Some(1)), 12, &PublishedPace::default(), SECOND + Duration::from_millis(1_500))
        .err()
        .unwrap();
    assert!(refusal.retry.as_millis() <= 500, "{refusal:?}");
}

#[test]
fn a_refusal_says_nothing_of_what_has_gone() {
    let admission = admission(&[100]);
    let gone = [None, Some(1_000_000_000)]
        .map(|timeout| admission.enter(arrival(100, timeout), 9, &PublishedPace::default(), SECOND));
    let _there: Vec<_> =
        (0..40).map(|_| admission.enter(arrival(100, Some(4_000)), 9, &PublishedPace::default(), SECOND)).collect();
    let retry = |admission: &Admission| {
        admission.enter(arrival(100, Some(100)), 9, &PublishedPace::default(), SECOND).err().unwrap().retry
    };
    assert!(admission.all(SECOND) > Duration::from_millis(300));
    drop(gone);
    assert!(retry(&admission) <= 4 * SECOND && admission.all(SECOND) <= 4 * SECOND);
}

#[test]
fn what_could_not_even_be_done_alone_is_not_to_come_again() {
    let admission = admission(&[300]);
    let _there: Vec<_> =
        (0..10).map(|_| admission.enter(arrival(300, None), 9, &PublishedPace::default(), SECOND)).collect();
    let retry_after = |timeout| {
        let refusal = admission.enter(arrival(300, Some(timeout)), 9, &PublishedPace::default(), SECOND).err().unwrap();
        refusal.error(Duration::from_millis(timeout)).retry_after
    };
    assert_eq!(retry_after(299), None);
    assert!(retry_after(301).is_some());
}

#[test]
fn what_passes_is_foretold() {
    let admission = admission(&[10, 1_000]);
    let now = |ms: u64| Duration::from_millis(ms);
    let _long = admission.enter(arrival(1_000, None), 0, &PublishedPace::default(), now(0));
    let free = admission.enter(arrival(1_000, Some(1)), 2, &PublishedPace::default(), now(0)).err().unwrap();
    for number in 0..200 {
        drop(admission.enter(arrival(10, None), 2, &PublishedPace::default(), now(number * 10)));
    }
    let busy = admission.enter(arrival(1_000, Some(1)), 2, &PublishedPace::default(), now(2_000)).err().unwrap();
    assert!(busy.predicted > free.predicted + now(200), "{busy:?} {free:?}");
    let later = admission.enter(arrival(1_000, Some(1)), 2, &PublishedPace::default(), now(60_000)).err().unwrap();
    assert_eq!(later.predicted, free.predicted);
}

#[test]
fn invariant_4_only_keys_that_are_there_are_kept() {
    let admission = admission(&[]);
    for number in 0..100_000 {
        let key = Arc::from(number.to_string());
        drop(admission.enter(Arrival { key: Some(&key), ..arrival(1, None) }, 9, &PublishedPace::default(), SECOND));
    }
    let callers = admission.callers.lock().unwrap();
    assert!(callers.keys[1].len() <= 1_024, "{}", callers.keys[1].len());
}

#[test]
fn plan_invariants_1_and_2_what_fits_is_kept() {
    let admission = admission(&[]);
    // Nothing is known of them when they come.
    let mut stakes: Vec<_> = (0..40)
        .map(|number| {
            admission
                .enter(arrival(300, Some(2_000)), number, &PublishedPace::default(), SECOND)
                .unwrap_or_else(|_| unreachable!())
        })
        .collect();
    stakes[0].service().ended(300 * MS, 300 * MS);
    let time = Some(2 * SECOND);
    let kept = |stakes: &mut [Stake], time| {
        let mut plan = Plan::new(2, 1.0);
        stakes.iter_mut().filter_map(|stake| plan.add(stake, fresh(300 * MS, 0), time).ok()).count()
    };
    assert_eq!(kept(&mut stakes, time), 12);
    assert_eq!(kept(&mut stakes, Some(Duration::ZERO)), 2);
    assert_eq!(kept(&mut stakes, None), 40);
    // All count now with what they take.
    let refusal = admission.enter(arrival(300, Some(1)), 40, &PublishedPace::default(), SECOND).err().unwrap();
    assert!(refusal.predicted >= 6 * SECOND, "{refusal:?}");
}
