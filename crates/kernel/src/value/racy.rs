//! Accesses of memory that others access at the same time, without a lock and in any size: JavaScript, and other tasks.
//!
//! Invariant: to Rust, every access here is of single bytes, each relaxed and atomic. Rust gives no meaning to atomic accesses of
//! different sizes that race ("Memory model for atomic accesses", in `std::sync::atomic`), and JavaScript's views of one
//! SharedArrayBuffer have all sizes: of bytes, all have the same. ECMA-262 ("Memory Model") calls its own side of it unordered, and
//! never undefined.
//!
//! Bytes one by one would be slow, and an element torn apart would be seen by JavaScript, which tears none of up to 4 bytes. So the
//! machine accesses whole elements, and copies many bytes at once, by instructions that the compiler does not look into: what they do
//! is one of the things that accesses of each byte by itself might have done. Where there are none for the machine (and in
//! Miri), elements are accessed by atomics of their size, which is right as long as nobody mixes sizes, and bytes one by one.

use std::sync::atomic::{AtomicU8, Ordering};

use super::element::Element;

/// A number type whose elements any bits make, which the machine accesses as a whole.
///
/// # Safety
/// Every bit pattern is a value, there is no padding, and `load` and `store` access exactly `size_of::<Self>()` bytes, by the
/// module's rule.
pub unsafe trait Number: Copy + Default + Send + Sync + 'static {
    /// The type of typed arrays that have such elements.
    const ELEMENT: Element;
    /// Loads an element.
    ///
    /// # Safety
    /// `at` is aligned and its memory allocated; others access it through this module only, or outside Rust.
    unsafe fn load(at: *const Self) -> Self;
    /// Stores an element.
    ///
    /// # Safety
    /// As `load`, and the memory may be written.
    unsafe fn store(at: *mut Self, value: Self);
}

macro_rules! number {
    ($($type:ty = $element:ident: $bits:ty, $access:ident, $from:expr, $to:expr;)*) => {$(
        // SAFETY: a primitive number; the accesses are of its bits' size.
        unsafe impl Number for $type {
            const ELEMENT: Element = Element::$element;
            unsafe fn load(at: *const Self) -> Self {
                // SAFETY: passed on to the caller.
                let bits: $bits = unsafe { access::$access::load(at.cast()) };
                $from(bits)
            }
            unsafe fn store(at: *mut Self, value: Self) {
                // SAFETY: passed on to the caller.
                unsafe { access::$access::store(at.cast(), $to(value)) };
            }
        }
    )*};
}

number! {
    u8 = Uint8: u8, of_1, |bits| bits, |value| value;
    i8 = Int8: u8, of_1, |bits: u8| bits.cast_signed(), i8::cast_unsigned;
    u16 = Uint16: u16, of_2, |bits| bits, |value| value;
    i16 = Int16: u16, of_2, |bits: u16| bits.cast_signed(), i16::cast_unsigned;
    u32 = Uint32: u32, of_4, |bits| bits, |value| value;
    i32 = Int32: u32, of_4, |bits: u32| bits.cast_signed(), i32::cast_unsigned;
    f32 = Float32: u32, of_4, f32::from_bits, f32::to_bits;
    u64 = BigUint64: u64, of_8, |bits| bits, |value| value;
    i64 = BigInt64: u64, of_8, |bits: u64| bits.cast_signed(), i64::cast_unsigned;
    f64 = Float64: u64, of_8, f64::from_bits, f64::to_bits;
}

/// Copies `len` bytes of racy memory to memory that is the caller's alone.
///
/// # Safety
/// `from` has `len` allocated bytes, which others access through this module only, or outside Rust; `to` has room for as many,
/// elsewhere.
pub(super) unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    let blocks = len / access::BLOCK;
    if blocks > 0 {
        // SAFETY: so many blocks are within `len`.
        unsafe { access::copy_blocks(from, to, blocks) };
    }
    for at in blocks * access::BLOCK..len {
        // SAFETY: below `len`. A byte's access has no other size to be mixed with.
        unsafe { to.add(at).write(AtomicU8::from_ptr(from.add(at).cast_mut()).load(Ordering::Relaxed)) };
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod access {
    use std::arch::asm;

    macro_rules! of {
        ($($name:ident: $bits:ty, $register:ident, $operand:literal, $size:literal;)*) => {$(
            pub(super) mod $name {
                use super::asm;

                pub(in super::super) unsafe fn load(at: *const $bits) -> $bits {
                    let bits;
                    // SAFETY: reads the bytes at `at`, which the caller vouches for, and nothing else.
                    unsafe {
                        asm!(concat!("mov ", $operand, ", ", $size, " ptr [{at}]"), bits = out($register) bits, at = in(reg) at,
                            options(nostack, preserves_flags, readonly));
                    }
                    bits
                }

                pub(in super::super) unsafe fn store(at: *mut $bits, bits: $bits) {
                    // SAFETY: writes the bytes at `at`, which the caller vouches for, and nothing else.
                    unsafe {
                        asm!(concat!("mov ", $size, " ptr [{at}], ", $operand), bits = in($register) bits, at = in(reg) at,
                            options(nostack, preserves_flags));
                    }
                }
            }
        )*};
    }

    of! {
        of_1: u8, reg_byte, "{bits}", "byte";
        of_2: u16, reg, "{bits:x}", "word";
        of_4: u32, reg, "{bits:e}", "dword";
        of_8: u64, reg, "{bits:r}", "qword";
    }

    /// Bytes of a block.
    pub(super) const BLOCK: usize = 64;

    /// Copies so many blocks, one at least.
    pub(super) unsafe fn copy_blocks(from: *const u8, to: *mut u8, blocks: usize) {
        // SAFETY: reads and writes the blocks, which the caller vouches for, and nothing else; SSE2 belongs to x86-64.
        unsafe {
            asm!(
                "2:",
                "movups {a}, [{from}]",
                "movups {b}, [{from} + 16]",
                "movups {c}, [{from} + 32]",
                "movups {d}, [{from} + 48]",
                "movups [{to}], {a}",
                "movups [{to} + 16], {b}",
                "movups [{to} + 32], {c}",
                "movups [{to} + 48], {d}",
                "add {from}, 64",
                "add {to}, 64",
                "dec {blocks}",
                "jnz 2b",
                from = inout(reg) from => _,
                to = inout(reg) to => _,
                blocks = inout(reg) blocks => _,
                a = out(xmm_reg) _,
                b = out(xmm_reg) _,
                c = out(xmm_reg) _,
                d = out(xmm_reg) _,
                options(nostack),
            );
        }
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod access {
    use std::arch::asm;

    macro_rules! of {
        ($($name:ident: $bits:ty, $suffix:literal, $operand:literal;)*) => {$(
            pub(super) mod $name {
                use super::asm;

                pub(in super::super) unsafe fn load(at: *const $bits) -> $bits {
                    let bits;
                    // SAFETY: reads the bytes at `at`, which the caller vouches for, and nothing else.
                    unsafe {
                        asm!(concat!("ldr", $suffix, " ", $operand, ", [{at}]"), bits = out(reg) bits, at = in(reg) at,
                            options(nostack, preserves_flags, readonly));
                    }
                    bits
                }

                pub(in super::super) unsafe fn store(at: *mut $bits, bits: $bits) {
                    // SAFETY: writes the bytes at `at`, which the caller vouches for, and nothing else.
                    unsafe {
                        asm!(concat!("str", $suffix, " ", $operand, ", [{at}]"), bits = in(reg) bits, at = in(reg) at,
                            options(nostack, preserves_flags));
                    }
                }
            }
        )*};
    }

    of! {
        of_1: u8, "b", "{bits:w}";
        of_2: u16, "h", "{bits:w}";
        of_4: u32, "", "{bits:w}";
        of_8: u64, "", "{bits:x}";
    }

    /// Bytes of a block.
    pub(super) const BLOCK: usize = 64;

    /// Copies so many blocks, one at least.
    pub(super) unsafe fn copy_blocks(from: *const u8, to: *mut u8, blocks: usize) {
        // SAFETY: reads and writes the blocks, which the caller vouches for, and nothing else.
        unsafe {
            asm!(
                "2:",
                "ldp {a:q}, {b:q}, [{from}]",
                "ldp {c:q}, {d:q}, [{from}, #32]",
                "stp {a:q}, {b:q}, [{to}]",
                "stp {c:q}, {d:q}, [{to}, #32]",
                "add {from}, {from}, #64",
                "add {to}, {to}, #64",
                "subs {blocks}, {blocks}, #1",
                "b.ne 2b",
                from = inout(reg) from => _,
                to = inout(reg) to => _,
                blocks = inout(reg) blocks => _,
                a = out(vreg) _,
                b = out(vreg) _,
                c = out(vreg) _,
                d = out(vreg) _,
                options(nostack),
            );
        }
    }
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod access {
    use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

    macro_rules! of {
        ($($name:ident: $bits:ty, $atomic:ident;)*) => {$(
            pub(super) mod $name {
                use super::{$atomic, Ordering};

                pub(in super::super) unsafe fn load(at: *const $bits) -> $bits {
                    // SAFETY: passed on to the caller.
                    unsafe { $atomic::from_ptr(at.cast_mut()) }.load(Ordering::Relaxed)
                }

                pub(in super::super) unsafe fn store(at: *mut $bits, bits: $bits) {
                    // SAFETY: passed on to the caller.
                    unsafe { $atomic::from_ptr(at) }.store(bits, Ordering::Relaxed);
                }
            }
        )*};
    }

    of! {
        of_1: u8, AtomicU8;
        of_2: u16, AtomicU16;
        of_4: u32, AtomicU32;
        of_8: u64, AtomicU64;
    }

    /// Bytes of a block.
    pub(super) const BLOCK: usize = 1;

    /// Copies so many blocks.
    pub(super) unsafe fn copy_blocks(from: *const u8, to: *mut u8, blocks: usize) {
        for at in 0..blocks {
            // SAFETY: below `blocks`, whose bytes the caller vouches for.
            unsafe { to.add(at).write(of_1::load(from.add(at))) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_any_length_from_any_place_and_nothing_more() {
        let from: Vec<u8> = (0..400_u32).map(|number| (number * 7 + 1) as u8).collect();
        for len in (0..140).chain([255, 256, 257, 384]) {
            for offset in [0, 1, 3, 8, 15] {
                let mut to = vec![0; 400];
                // SAFETY: `offset + len` is within both, which are this test's alone.
                unsafe { copy(from.as_ptr().add(offset), to.as_mut_ptr().add(offset), len) };
                assert_eq!(to[offset..offset + len], from[offset..offset + len], "{len} from {offset}");
                assert!(to[..offset].iter().chain(&to[offset + len..]).all(|byte| *byte == 0), "{len} from {offset}");
            }
        }
    }

    #[test]
    fn loads_and_stores_an_element_and_not_its_neighbours() {
        macro_rules! check {
            ($($type:ty: $values:expr;)*) => {$(
                for value in $values {
                    let (mut memory, neighbour) = ([<$type>::default(); 3], 1 as $type);
                    memory[0] = neighbour;
                    memory[2] = neighbour;
                    let at = &raw mut memory[1];
                    // SAFETY: an element of this test's own.
                    let loaded = unsafe {
                        <$type>::store(at, value);
                        <$type>::load(at)
                    };
                    assert_eq!(loaded.to_ne_bytes(), value.to_ne_bytes());
                    assert_eq!(memory, [neighbour, value, neighbour]);
                }
            )*};
        }
        check! {
            u8: [0, 1, 0x80, u8::MAX];
            i8: [0, i8::MIN, -1];
            u16: [0, 0x1234, u16::MAX];
            i16: [i16::MIN, -2];
            u32: [0, 0x1234_5678, u32::MAX];
            i32: [i32::MIN, -3];
            f32: [0.0, -1.5, f32::INFINITY];
            u64: [0, 0x1234_5678_9abc_def0, u64::MAX];
            i64: [i64::MIN, -4];
            f64: [0.0, -2.5, f64::NEG_INFINITY];
        }
    }
}
