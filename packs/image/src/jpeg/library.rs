//! How libjpeg fails: by a function that does not return. Here it unwinds, through C that was compiled for that, to `guarded`.

use std::any::Any;
use std::ffi::{CStr, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use mozjpeg_sys::{JERR_OUT_OF_MEMORY, jpeg_common_struct, jpeg_error_mgr, jpeg_std_error};

use crate::fail::broken;
use crate::header::Format;

/// What is thrown: only `guarded` catches it, as it is.
struct Thrown(EngineError);

/// Ends the call of libjpeg that is under way with an error.
pub(super) fn throw(error: EngineError) -> ! {
    // Without a panic's message: it is none.
    resume_unwind(Box::new(Thrown(error)))
}

/// Calls libjpeg.
///
/// # Errors
/// What was thrown meanwhile. Then what was called is good for nothing but being destroyed.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T> {
    // Asserted: after an error, nothing of what the call has touched is used again but to destroy it.
    catch_unwind(AssertUnwindSafe(call)).map_err(|thrown: Box<dyn Any + Send>| match thrown.downcast::<Thrown>() {
        Ok(thrown) => thrown.0,
        Err(panic) => resume_unwind(panic),
    })
}

/// A manager of errors that throws them, and warnings as well: nothing that libjpeg has to guess is good enough.
pub(super) fn errors() -> jpeg_error_mgr {
    // SAFETY: a structure of C's, of numbers, pointers and optional functions, for all of which zero is a value.
    let mut errors: jpeg_error_mgr = unsafe { std::mem::zeroed() };
    // SAFETY: it fills in the structure.
    unsafe { jpeg_std_error(&mut errors) };
    errors.error_exit = Some(fail);
    errors.emit_message = Some(warn);
    errors.output_message = Some(ignore);
    errors
}

unsafe extern "C-unwind" fn fail(info: &mut jpeg_common_struct) {
    // SAFETY: libjpeg calls this with the manager that was set, whose tables are its own, and with a message's number filled in.
    let (code, text, parameters) = unsafe {
        let errors = &mut *info.err;
        let known = (0..=errors.last_jpeg_message).contains(&errors.msg_code);
        let text = known.then(|| CStr::from_ptr((*errors.jpeg_message_table.add(errors.msg_code as usize)).cast()));
        (errors.msg_code, text, *errors.msg_parm.i())
    };
    if code == JERR_OUT_OF_MEMORY {
        throw(EngineError::out_of_memory(0));
    }
    let text = text.map(|text| text.to_string_lossy()).unwrap_or_default();
    throw(broken(Format::Jpeg, filled(&text, &parameters)));
}

/// A message with its parameters, which are C's %d, %u and %02x, or else are left out with what follows. libjpeg's own function for it writes more
/// bytes than its binding says.
fn filled(text: &str, parameters: &[c_int]) -> String {
    let mut parts = text.split('%');
    let mut message = parts.next().unwrap_or_default().to_owned();
    for (part, parameter) in parts.zip(parameters) {
        let part = part.trim_start_matches(|sign: char| sign.is_ascii_digit());
        let rest = part.get(1..).unwrap_or_default();
        match part.chars().next() {
            Some('d' | 'u') => message += &parameter.to_string(),
            Some('x') => message += &format!("{parameter:02x}"),
            _ => break,
        }
        message += rest;
    }
    message.trim().to_owned()
}

unsafe extern "C-unwind" fn warn(info: &mut jpeg_common_struct, level: c_int) {
    if level < 0 {
        // SAFETY: passed on.
        unsafe { fail(info) };
    }
}

unsafe extern "C-unwind" fn ignore(_info: &mut jpeg_common_struct) {}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn messages_have_their_parameters() {
        assert_eq!(
            filled("Corrupt JPEG data: %u extraneous bytes before marker 0x%02x", &[20, 0xd9]),
            "Corrupt JPEG data: 20 extraneous bytes before marker 0xd9"
        );
        assert_eq!(filled("Bogus marker length", &[0; 8]), "Bogus marker length");
        assert_eq!(filled("sampling ratio %d, %c of it", &[7, 65]), "sampling ratio 7,");
    }
}
