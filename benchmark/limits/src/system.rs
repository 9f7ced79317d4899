//! The few system calls that the standard library has no face for.

use std::io::{Error, Result};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// An eventfd watched by an epoll instance, as libuv watches the one that wakes it.
pub(crate) struct EventFd {
    event: OwnedFd,
    epoll: OwnedFd,
}

impl EventFd {
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: the call takes no pointer.
        let event = owned(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: the call takes no pointer.
        let epoll = owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        let mut interest = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 0 };
        // SAFETY: both descriptors are open and `interest` outlives the call.
        let added =
            unsafe { libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, event.as_raw_fd(), &mut interest) };
        if added == 0 { Ok(Self { event, epoll }) } else { Err(Error::last_os_error()) }
    }

    pub(crate) fn signal(&self) -> Result<()> {
        let one = 1u64;
        // SAFETY: the eight bytes of `one` are read and outlive the call.
        let written = unsafe { libc::write(self.event.as_raw_fd(), (&raw const one).cast(), 8) };
        if written == 8 { Ok(()) } else { Err(Error::last_os_error()) }
    }

    /// Sleeps until it is signalled.
    pub(crate) fn wait(&self) -> Result<()> {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: there is room for the one event that is asked for.
        let ready = unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), &mut event, 1, -1) };
        if ready != 1 {
            return Err(Error::last_os_error());
        }
        let mut count = 0u64;
        // SAFETY: there is room for the eight bytes of the counter.
        let read = unsafe { libc::read(self.event.as_raw_fd(), (&raw mut count).cast(), 8) };
        if read == 8 { Ok(()) } else { Err(Error::last_os_error()) }
    }
}

fn owned(descriptor: libc::c_int) -> Result<OwnedFd> {
    if descriptor < 0 {
        return Err(Error::last_os_error());
    }
    // SAFETY: the system has just opened it for us, and no one else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// The CPU time of this thread, from the clock that knows it.
pub(crate) fn thread_time() -> libc::timespec {
    let mut time = MaybeUninit::uninit();
    // SAFETY: the call fills the whole struct; it fails only for a clock that does not exist.
    unsafe {
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, time.as_mut_ptr());
        time.assume_init()
    }
}

/// The CPU time of this thread, with all else that `getrusage` tells.
pub(crate) fn resource_usage() -> libc::rusage {
    let mut usage = MaybeUninit::uninit();
    // SAFETY: the call fills the whole struct; it fails only for a target that does not exist.
    unsafe {
        libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr());
        usage.assume_init()
    }
}
