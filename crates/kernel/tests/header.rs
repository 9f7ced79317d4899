//! `include/heavy_load.h` and its mirror in Rust have the same sizes, offsets and numbers; and the header is C11 and C++.

use std::fmt::Write as _;
use std::fs;
use std::mem::{align_of, offset_of, size_of};
use std::path::{Path, PathBuf};
use std::process::Command;

use heavy_load_kernel::plugin::abi;

macro_rules! layout {
    ($checks:ident, $rust:ty = $c:literal { $($field:ident: $name:literal),* $(,)? }) => {
        $checks.push((format!("sizeof({})", $c), size_of::<$rust>()));
        $checks.push((format!("_Alignof({})", $c), align_of::<$rust>()));
        $($checks.push((format!("offsetof({}, {})", $c, $name), offset_of!($rust, $field)));)*
    };
}

fn checks() -> Vec<(String, usize)> {
    let mut checks = vec![];
    layout!(checks, abi::Text = "hl_text" { start: "start", length: "length" });
    layout!(checks, abi::Value = "hl_value" { kind: "type", element: "element", value: "as" });
    layout!(checks, abi::ResourceType = "hl_resource_type" { size: "size", reserved: "reserved", name: "name", free: "free" });
    layout!(checks, abi::WorkTable = "hl_work_table" {
        size: "size", shape: "shape", run: "run", merge: "merge", step: "step", call: "call", progress: "progress", free: "free",
    });
    layout!(checks, abi::Work = "hl_work" {
        table: "table", state: "state", length: "length", first_morsel: "first_morsel", cost: "cost", memory: "memory",
    });
    layout!(checks, abi::Host = "hl_host" {
        abi: "abi", size: "size", fail: "fail", fail_input: "fail_input", give_null: "give_null", give_boolean: "give_boolean",
        give_number: "give_number", give_string: "give_string", give_json: "give_json", give_memory: "give_memory",
        give_input: "give_input", give_resource: "give_resource", then: "then", progress: "progress", length: "length",
        bytes: "bytes", bytes_mut: "bytes_mut", shared_start: "shared_start", is_shared: "is_shared", read: "read",
        load: "load", store: "store", retain: "retain", release: "release", resource: "resource",
        give_field: "give_field", fail_call: "fail_call",
    });
    layout!(checks, abi::OptionSpec = "hl_option" {
        name: "name", docs: "docs", ts_type: "ts_type", kind: "type", required: "required", minimum: "minimum",
        maximum: "maximum", fallback: "fallback", choices: "choices", choice_count: "choice_count", resource: "resource",
    });
    layout!(checks, abi::Call = "hl_call" {
        size: "size", option_count: "option_count", input: "input", options: "options",
    });
    layout!(checks, abi::Kernel = "hl_kernel" {
        size: "size", flags: "flags", name: "name", summary: "summary", docs: "docs", input_name: "input_name",
        input_type: "input_type", output_type: "output_type", type_parameter: "type_parameter",
        accepts_integers_up_to: "accepts_integers_up_to", options: "options", option_count: "option_count",
        option_size: "option_size", user: "user", prepare: "prepare", estimate: "estimate",
    });
    layout!(checks, abi::Estimate = "hl_estimate" { cost: "cost", memory: "memory" });
    layout!(checks, abi::Plugin = "hl_plugin" {
        abi: "abi", size: "size", name: "name", kernels: "kernels", kernel_count: "kernel_count", kernel_size: "kernel_size",
    });
    for (name, number) in [
        ("HL_ABI", abi::ABI),
        ("HL_OK", abi::OK.cast_unsigned()),
        ("HL_FAILED", abi::FAILED.cast_unsigned()),
        ("HL_MORE", abi::MORE.cast_unsigned()),
        ("HL_UNDEFINED", abi::UNDEFINED),
        ("HL_NULL", abi::NULL),
        ("HL_BOOLEAN", abi::BOOLEAN),
        ("HL_NUMBER", abi::NUMBER),
        ("HL_STRING", abi::STRING),
        ("HL_MEMORY", abi::MEMORY),
        ("HL_RESOURCE", abi::RESOURCE),
        ("HL_OTHER", abi::OTHER),
        ("HL_JSON", abi::JSON),
        ("HL_UINT8", abi::UINT8),
        ("HL_BUFFER", abi::BUFFER),
        ("HL_PARALLEL", abi::PARALLEL),
        ("HL_STEPPED", abi::STEPPED),
        ("HL_ONE_SHOT", abi::ONE_SHOT),
        ("HL_ANY", abi::OPTION_ANY),
        ("HL_OPTION_BOOLEAN", abi::OPTION_BOOLEAN),
        ("HL_OPTION_INTEGER", abi::OPTION_INTEGER),
        ("HL_OPTION_NUMBER", abi::OPTION_NUMBER),
        ("HL_OPTION_STRING", abi::OPTION_STRING),
        ("HL_OPTION_CHOICE", abi::OPTION_CHOICE),
        ("HL_OPTION_RESOURCE", abi::OPTION_RESOURCE),
        ("HL_OPTION_JSON", abi::OPTION_JSON),
        ("HL_OPTION_MEMORY", abi::OPTION_MEMORY),
        ("HL_IN_PLACE", abi::IN_PLACE),
        ("HL_INTEGERS", abi::INTEGERS),
    ] {
        checks.push((name.into(), number as usize));
    }
    checks
}

fn compile(compiler: &str, standard: &str, source: &Path, extra: &[&str]) {
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include");
    let output = Command::new(compiler)
        .args([standard, "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
        .arg(include)
        .arg(source)
        .args(extra)
        .output()
        .unwrap_or_else(|error| panic!("{compiler}, which a plug-in in C needs: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_mirror_is_true() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let mut text = String::from("#include <heavy_load.h>\n#include <stdio.h>\nint main(void) {\n");
    let checks = checks();
    for (expression, _) in &checks {
        writeln!(text, "  printf(\"%zu\\n\", (size_t)({expression}));").unwrap();
    }
    text.push_str("  return 0;\n}\n");
    let (source, program) = (folder.join("layout.c"), folder.join("layout"));
    fs::write(&source, text).unwrap();
    compile("cc", "-std=c11", &source, &["-o", program.to_str().unwrap()]);
    let output = Command::new(program).output().unwrap();
    let found: Vec<usize> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    for ((expression, expected), found) in checks.iter().zip(&found) {
        assert_eq!(expected, found, "{expression}");
    }
    assert_eq!(found.len(), checks.len());
}

#[test]
#[cfg(target_pointer_width = "64")]
fn the_sizes_that_version_1_began_with_are_what_hosts_ask_for() {
    // Who adds a field at the end of a table has `has_size` and its like ask for these numbers, and take what is beyond for zero.
    let began_with = [
        (size_of::<abi::Host>(), 208),
        (size_of::<abi::Plugin>(), 48),
        (size_of::<abi::Kernel>(), 176),
        (size_of::<abi::OptionSpec>(), 104),
        (size_of::<abi::WorkTable>(), 56),
        (size_of::<abi::ResourceType>(), 32),
        (size_of::<abi::Call>(), 40),
        (size_of::<abi::Value>(), 24),
        (size_of::<abi::Work>(), 48),
    ];
    for (size, expected) in began_with {
        assert_eq!(size, expected);
    }
}

#[test]
fn the_header_is_c_plus_plus_too() {
    let source = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("header.cc");
    fs::write(&source, "#include <heavy_load.h>\nint main() { return hl_string(\"\").length == 0 ? 0 : 1; }\n")
        .unwrap();
    compile("c++", "-std=c++11", &source, &["-fsyntax-only"]);
}
