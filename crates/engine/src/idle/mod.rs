//! The wake protocol: how a pool's threads wait for work, and how a sender makes sure that one of them sees what it sent.
//!
//! Three things take part. The *inbox* holds what has been sent. A *ticket* is a job of the thread pool that takes from the inbox until
//! there is nothing left to do; whoever is given a [`Ticket`] starts it, or goes on with it. The *idle thread* is a ticket's thread that,
//! having nothing to do, spins for a moment, and then parks if the whole pool is idle (`thread`).
//!
//! Invariants; `tests/wakeup.rs` checks all but the last with loom, in the schedules and reorderings that a few threads can have:
//! 1. At most as many tickets are out as there are threads.
//! 2. A sender writes the inbox, then reads who is idle, then how many tickets are out. A thread that becomes idle, parks, or gives its
//!    ticket back writes that, then reads the inbox. A sequentially consistent fence stands between the write and the read on either
//!    side, so at least one of the two sees what the other wrote.
//! 3. Hence, once `send` has returned, a ticket is out that will read the inbox, until the message has been taken from it.
//! 4. At most one thread is idle. Whoever else ends that has given it a message to look for, so it reads the inbox again.
//! 5. A thread parks inside a job of the thread pool only while the whole pool is idle, so no job waits for it.
//! 6. Closing wakes a thread that has parked, and afterwards none stays parked.
//! 7. A ticket that panics is neither lost nor out twice, and its thread is not idle any more.
//! 8. No thread begins to spin for messages on the CPU that the last one came from.

mod backoff;
mod thread;

use std::sync::atomic::Ordering;

use super::sync::{self, AtomicUsize, Receiver, Sender, fence, unbounded};
use thread::IdleThread;

/// The inbox of a pool, its tickets, and its idle thread.
pub(super) struct Wakeup<M> {
    threads: usize,
    sender: Sender<M>,
    inbox: Receiver<M>,
    /// How many are out.
    tickets: AtomicUsize,
    idle: IdleThread,
}

/// One of the tickets that are out. Who has it runs it, gives it back by [`Wakeup::rest`], or has another thread run it.
#[must_use = "a ticket that nobody runs is lost to the pool"]
pub(super) struct Ticket(());

impl<M> Wakeup<M> {
    pub(super) fn new(threads: usize) -> Self {
        let (sender, inbox) = unbounded();
        Self { threads, sender, inbox, tickets: AtomicUsize::new(0), idle: IdleThread::new(threads) }
    }

    /// Whether the idle thread is awake, so that it would see the next message at once.
    pub(super) fn is_thread_awake(&self) -> bool {
        self.idle.is_awake()
    }

    /// Puts a message into the inbox and wakes the idle thread, if there is one; otherwise gives a ticket to run, unless all are out.
    pub(super) fn send(&self, message: M) -> Option<Ticket> {
        // The receiver lives in the same struct, so this cannot fail.
        let _ = self.sender.send(message);
        fence(Ordering::SeqCst);
        if self.idle.wake() { None } else { self.take_ticket() }
    }

    /// What is in the inbox.
    pub(super) fn messages(&self) -> impl Iterator<Item = M> {
        self.inbox.try_iter()
    }

    /// Whether there is something in the inbox.
    pub(super) fn has_messages(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// A ticket for one more thread, unless all are out.
    pub(super) fn take_ticket(&self) -> Option<Ticket> {
        let one_more = |tickets| (tickets < self.threads).then_some(tickets + 1);
        self.tickets.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).ok().map(|_| Ticket(()))
    }

    /// This thread, of this index, will read the inbox in a moment: whoever sends meanwhile need not wake another. None if another thread
    /// has promised that, or if this is no thread of the pool's. What has been promised is kept by [`Wakeup::rest`].
    pub(super) fn announce(&self, thread: Option<usize>) -> Option<usize> {
        thread.filter(|&index| self.idle.announce(index))
    }

    /// A ticket for another thread, which is to be the idle one in this one's place, if this one has the sender's CPU. Whoever gets it
    /// issues it, does not announce that it is idle, and [waits for the other](Wakeup::wait_for_relief).
    pub(super) fn take_relief(&self) -> Option<Ticket> {
        if self.threads > 1 && self.idle.wants_relief() { self.take_ticket() } else { None }
    }

    /// Keeps this thread, for a moment, from taking back the ticket that another thread is to run, and become idle.
    pub(super) fn wait_for_relief(&self) {
        self.idle.wait_for_relief();
    }

    /// The ticket has found nothing to do. Waits for a message if its thread is `announced`, parked while `is_idle`, as the whole
    /// pool is; gives the ticket, to look again, or keeps it, having given it back.
    pub(super) fn rest(&self, ticket: Ticket, announced: Option<usize>, is_idle: impl Fn() -> bool) -> Option<Ticket> {
        let is_there = || !self.inbox.is_empty();
        if announced.is_some_and(|index| self.idle.wait(index, is_there, is_idle)) {
            return Some(ticket);
        }
        self.tickets.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if self.inbox.is_empty() { None } else { self.take_ticket() }
    }

    /// The ticket of this thread has panicked: gives it again, and withdraws what the thread may have announced.
    pub(super) fn recover(&self, thread: Option<usize>) -> Ticket {
        if let Some(index) = thread {
            self.idle.withdraw(index);
        }
        Ticket(())
    }

    /// Nothing will be sent any more: wakes the thread that has parked.
    pub(super) fn close(&self) {
        self.idle.close();
    }
}
