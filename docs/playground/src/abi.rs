//! What the page calls. Texts are UTF-8 in the memory of the module, as an address and a length.
//!
//! Nothing here trusts a text, but everything trusts the addresses: the page must give back what
//! `reserve` and an answer gave it, once.
#![expect(unsafe_code, reason = "addresses come from the other side")]

use std::panic::{self, PanicHookInfo};
use std::sync::Once;

use crate::{catalogue, check};

#[link(wasm_import_module = "page")]
unsafe extern "C" {
    /// Tells the page what a panic says, before it ends the module.
    fn panicked(address: *const u8, length: usize);
}

/// Reserves memory for a text, which the page writes there.
#[unsafe(no_mangle)]
extern "C" fn reserve(length: usize) -> *mut u8 {
    let memory: Box<[u8]> = vec![0; length].into_boxed_slice();
    Box::into_raw(memory).cast()
}

/// Gives memory of that length back.
#[unsafe(no_mangle)]
extern "C" fn release(address: *mut u8, length: usize) {
    // SAFETY: `reserve` or `answer` made exactly this slice, and nobody uses it any more.
    drop(unsafe { taken(address, length) });
}

/// Checks a file. Takes the memory of the request; the page releases that of the answer.
#[unsafe(no_mangle)]
extern "C" fn check(address: *mut u8, length: usize) -> u64 {
    tell_panics();
    // SAFETY: `reserve` made exactly this slice, and the page gave it away.
    let request = unsafe { taken(address, length) };
    answer(check::check(&request))
}

/// The rules with their examples.
#[unsafe(no_mangle)]
extern "C" fn catalogue() -> u64 {
    tell_panics();
    answer(catalogue::catalogue())
}

/// # Safety
/// A boxed slice of this address and length was leaked, and is taken only once.
unsafe fn taken(address: *mut u8, length: usize) -> Box<[u8]> {
    // SAFETY: as above.
    unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(address, length)) }
}

/// A text for the page: its address in the upper half, its length in the lower one.
fn answer(text: Vec<u8>) -> u64 {
    let text = text.into_boxed_slice();
    let length = text.len() as u64;
    let address = Box::into_raw(text).cast::<u8>() as u64;
    address << 32 | length
}

fn tell_panics() {
    static ONCE: Once = Once::new();
    let tell = |info: &PanicHookInfo<'_>| {
        let text = info.to_string();
        // SAFETY: the text lives until the call ends, and the page only reads it.
        unsafe { panicked(text.as_ptr(), text.len()) };
    };
    ONCE.call_once(|| panic::set_hook(Box::new(tell)));
}
