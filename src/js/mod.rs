//! Ground: JavaScript's values in Rust. Knows no instance and no form.
//!
//! - `value`: values as they come. `view`: typed arrays, and what they stand on. `elements`: the numbers of their element types.
//! - `convert`: values to and from [`heavy_load_kernel::value`]. `external`: results without a copy.
//! - `failure`: engine errors as what `lib/errors.js` makes real errors of.
//! - `reference`: values that Rust refers to.

pub(crate) mod convert;
pub(crate) mod elements;
pub(crate) mod external;
pub(crate) mod failure;
pub(crate) mod reference;
pub(crate) mod value;
pub(crate) mod view;
