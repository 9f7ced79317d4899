//! Node-API's numbers for the element types of typed arrays.

use heavy_load_kernel::value::Element;
use napi::sys;

/// N-API's numbers.
const ELEMENTS: [(sys::napi_typedarray_type, Element); 11] = [
    (sys::TypedarrayType::int8_array, Element::Int8),
    (sys::TypedarrayType::uint8_array, Element::Uint8),
    (sys::TypedarrayType::uint8_clamped_array, Element::Uint8Clamped),
    (sys::TypedarrayType::int16_array, Element::Int16),
    (sys::TypedarrayType::uint16_array, Element::Uint16),
    (sys::TypedarrayType::int32_array, Element::Int32),
    (sys::TypedarrayType::uint32_array, Element::Uint32),
    (sys::TypedarrayType::float32_array, Element::Float32),
    (sys::TypedarrayType::float64_array, Element::Float64),
    (sys::TypedarrayType::bigint64_array, Element::BigInt64),
    (sys::TypedarrayType::biguint64_array, Element::BigUint64),
];

/// The element type of a number; none if no kernel takes such.
pub(crate) fn element_of(kind: sys::napi_typedarray_type) -> Option<Element> {
    ELEMENTS.iter().find(|(number, _)| *number == kind).map(|(_, element)| *element)
}

/// The number of an element type.
pub(crate) fn number_of(element: Element) -> sys::napi_typedarray_type {
    ELEMENTS.iter().find(|(_, other)| *other == element).map_or(sys::TypedarrayType::uint8_array, |(number, _)| *number)
}
