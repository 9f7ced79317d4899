//! Resources of kernels as JavaScript holds them: objects without properties of their own, known by a tag that nobody can forge.

use std::ffi::c_void;
use std::ptr;

use napi::{Env, Result, sys};

use super::intrinsics;
use super::value::{RawValue, check, write};
use heavy_load_engine::catch_panic;
use heavy_load_kernel::value::Resource;

/// By this, resources are known from other objects, from what other addons wrap, and from the resources of another copy of this one, whose
/// layout may differ: the address of a static of this image's.
fn type_tag() -> sys::napi_type_tag {
    static IMAGE: u8 = 0;
    sys::napi_type_tag { lower: 0x4c1e_95aa_0f37_d862, upper: (&raw const IMAGE).addr() as u64 }
}

/// An object that holds the resource until it is collected.
pub(crate) fn write_resource(env: &Env, resource: Resource) -> Result<sys::napi_value> {
    let raw = env.raw();
    let name = write(env, resource.name())?;
    let tag = sys::napi_property_descriptor {
        utf8name: ptr::null(),
        name: intrinsics::to_string_tag(env)?,
        method: None,
        getter: None,
        setter: None,
        value: name,
        attributes: sys::PropertyAttributes::default,
        data: ptr::null_mut(),
    };
    let mut object = ptr::null_mut();
    let owner = Box::into_raw(Box::new(resource));
    // SAFETY: values and environment of the running callback; out-pointers are locals. The box is the object's once it is wrapped, and
    // freed by its finalizer alone; it is tagged only then, so what has the tag wraps a `Resource`.
    unsafe {
        let made = check(sys::napi_create_object(raw, &mut object)).and_then(|()| {
            check(sys::napi_wrap(raw, object, owner.cast(), Some(finalize), ptr::null_mut(), ptr::null_mut()))
        });
        if let Err(error) = made {
            drop(Box::from_raw(owner));
            return Err(error);
        }
        check(sys::napi_define_properties(raw, object, 1, &tag))?;
        check(sys::napi_type_tag_object(raw, object, &type_tag()))?;
    }
    Ok(object)
}

/// The resource that an object holds, if it is one of ours.
pub(crate) fn read_resource(env: &Env, object: RawValue) -> Option<Resource> {
    let (mut is_ours, mut owner) = (false, ptr::null_mut());
    // SAFETY: `object` is a value of the running callback; the tag is a constant, out-pointers are locals. What has the tag wraps a box of
    // a `Resource`, which is there while the object is.
    unsafe {
        let status = sys::napi_check_object_type_tag(env.raw(), object.0, &type_tag(), &mut is_ours);
        if status != sys::Status::napi_ok || !is_ours {
            return None;
        }
        let status = sys::napi_unwrap(env.raw(), object.0, &mut owner);
        (status == sys::Status::napi_ok).then(|| (*owner.cast::<Resource>()).clone())
    }
}

unsafe extern "C" fn finalize(_env: sys::napi_env, owner: *mut c_void, _hint: *mut c_void) {
    // SAFETY: Node-API calls this once, with the box that was leaked for it.
    let resource = unsafe { Box::from_raw(owner.cast::<Resource>()) };
    // It is a kernel's.
    let _ = catch_panic(|| {
        drop(resource);
        Ok(())
    });
}
