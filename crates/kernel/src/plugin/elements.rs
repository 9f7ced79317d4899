//! The numbers of elements at the border.
#![forbid(unsafe_code)]

use crate::value::Element;

const ELEMENTS: [Element; 11] = [
    Element::Int8,
    Element::Uint8,
    Element::Uint8Clamped,
    Element::Int16,
    Element::Uint16,
    Element::Int32,
    Element::Uint32,
    Element::Float32,
    Element::Float64,
    Element::BigInt64,
    Element::BigUint64,
];

/// An element's number: its place in the list.
pub(super) fn number_of(element: Element) -> u32 {
    element as u32
}

/// The element of this number.
pub(super) fn element_of(number: u32) -> Option<Element> {
    ELEMENTS.get(number as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::abi;

    #[test]
    fn elements_keep_their_numbers() {
        for (number, element) in ELEMENTS.into_iter().enumerate() {
            assert_eq!(number_of(element), number as u32);
            assert_eq!(element_of(number as u32), Some(element));
        }
        assert_eq!(element_of(abi::BUFFER), None);
    }
}
