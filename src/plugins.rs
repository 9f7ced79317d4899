//! Plug-ins: dynamic libraries of kernels, `include/heavy_load.h`.
//!
//! Invariants:
//! 1. A library that has given its table is never unloaded: its kernels are in the registry for ever.
//! 2. A library is asked for its table once a process, whoever loads it and by whatever path: it is known by its entry's address.
//!    What has no entry by its bytes is not opened at all, as that runs code of it.
//! 3. A plug-in is installed whole or not at all.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use libloading::Library;
use napi::{Env, Result};
use napi_derive::napi;

use crate::js::failure;
use crate::registry;
use heavy_load_engine::catch_panic;
use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::plugin::abi::{ENTRY, Entry};
use heavy_load_kernel::plugin::host::Plugin;

/// A library that has been asked for its table.
struct Loaded {
    /// The address of its entry.
    entry: usize,
    /// The names of its kernels, which are installed; or why they are not.
    outcome: std::result::Result<Vec<&'static str>, String>,
}

/// Held while a plug-in is loaded, so that two threads do not load the same one at once.
static LOADED: Mutex<Vec<Loaded>> = Mutex::new(vec![]);

/// Loads a library of kernels, if it is not there yet; the names of its kernels, which are installed from here on.
#[napi]
pub fn load_plugin(env: Env, path: String) -> Result<Vec<&'static str>> {
    catch_panic(|| load(&path)).map_err(|error| failure::throw(&env, &error))
}

fn load(path: &str) -> heavy_load_kernel::Result<Vec<&'static str>> {
    let refused = |why: String| EngineError::new(Code::PluginLoad, format!("Cannot load kernels from '{path}': {why}"));
    if !Path::new(path).is_file() {
        return Err(refused("there is no such file. Build it first, and give its absolute path".into()));
    }
    if !names_entry(Path::new(path)).map_err(|error| refused(format!("it cannot be read ({error})")))? {
        return Err(refused(no_entry()));
    }
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let library = open(path).map_err(|error| {
        refused(format!(
            "the system does not load it as a library ({}). It must be built for this platform, {} {}, and for a C library that is not newer \
             than the one here; what it is linked with must be there, too",
            text_of(&error),
            std::env::consts::OS,
            std::env::consts::ARCH,
        ))
    })?;
    // SAFETY: what exports this name is of this type, as the header says; it is a plain function pointer, which is copied.
    let entry = unsafe { library.get::<Entry>(ENTRY.as_bytes()).map(|symbol| *symbol) };
    // Its initialisers have run, so it stays, whatever comes (invariant 1).
    std::mem::forget(library);
    let entry = entry.map_err(|_| refused(no_entry()))?;
    let address = (entry as *const ()).addr();
    let outcome = match loaded.iter().find(|known| known.entry == address) {
        Some(known) => known.outcome.clone(),
        None => {
            let outcome = install(entry);
            loaded.push(Loaded { entry: address, outcome: outcome.clone() });
            outcome
        }
    };
    outcome.map_err(refused)
}

/// Asks for the table, and installs its kernels; gives their names, or why that is not possible.
fn install(entry: Entry) -> std::result::Result<Vec<&'static str>, String> {
    // SAFETY: it exports the name of a plug-in for version 1, and stays loaded.
    let plugin = unsafe { Plugin::read(entry) };
    let plugin = plugin.map_err(|error| format!("{error}. Build it again with the heavy_load.h of this version"))?;
    registry::install(&plugin.kernels).map_err(|error| error.to_string())?;
    Ok(plugin.kernels.iter().map(|kernel| kernel.spec().name).collect())
}

fn no_entry() -> String {
    format!(
        "it exports no function {ENTRY}, so it is no plug-in, or one for a later version of heavy-load. In Rust use \
         heavy_load_kernel::export_kernels! in a crate of the type cdylib, in C define the function with HL_EXPORT"
    )
}

/// Whether the entry's name stands in the file, as it must wherever it is exported.
fn names_entry(path: &Path) -> std::io::Result<bool> {
    const BLOCK: usize = 64 * 1024;
    let (mut file, name) = (File::open(path)?, ENTRY.as_bytes());
    let (mut block, mut kept) = (vec![0; BLOCK], 0);
    loop {
        let read = file.read(&mut block[kept..])?;
        if read == 0 {
            return Ok(false);
        }
        let end = kept + read;
        if block[..end].windows(name.len()).any(|window| window == name) {
            return Ok(true);
        }
        // It may stand across the end of what was read.
        kept = end.min(name.len() - 1);
        block.copy_within(end - kept..end, 0);
    }
}

/// Opens a library with all that it needs, so that what is missing is found now and not in the middle of a task.
fn open(path: &str) -> std::result::Result<Library, libloading::Error> {
    // SAFETY: this runs the library's initialisers: whoever loads native code trusts it with the process, which the documentation says.
    #[cfg(unix)]
    let library = unsafe {
        use libloading::os::unix;
        unix::Library::open(Some(path), unix::RTLD_NOW | unix::RTLD_LOCAL).map(Into::into)
    };
    // SAFETY: as above.
    #[cfg(not(unix))]
    let library = unsafe { Library::new(path) };
    library
}

/// What the system says, which libloading keeps as the cause.
fn text_of(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}
