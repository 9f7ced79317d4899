//! A plug-in's table, checked, and its kernels.

use std::ptr;
use std::sync::Arc;

use super::HOST;
use super::call::{Inputs, Outcome};
use super::option::PluginOption;
use super::table::{LoadError, MOST_OPTIONS, has_size, is_identifier, kept, owned_text};
use super::work::ForeignWork;
use crate::error::{Code, EngineError};
use crate::plugin::abi;
use crate::value::{Options, Value};
use crate::{Estimate, Kernel, OptionSpec, Result, Spec, Work};

/// Kernels that one plug-in may have.
const MOST_KERNELS: usize = crate::registry::CAPACITY;

/// A plug-in whose table is right.
#[derive(Debug)]
pub struct Plugin {
    /// Its name.
    pub name: String,
    /// Its kernels.
    pub kernels: Vec<&'static dyn Kernel>,
}

impl Plugin {
    /// Asks a plug-in for its table, checks it, and makes kernels of its entries; these stay for ever.
    ///
    /// # Errors
    /// What is wrong with the table.
    ///
    /// # Safety
    /// `entry` is what a plug-in for version 1 exports, and its library is never unloaded: it does what `include/heavy_load.h` says.
    pub unsafe fn read(entry: abi::Entry) -> std::result::Result<Self, LoadError> {
        // SAFETY: passed on to the caller; the host's table is a static.
        let table = unsafe { entry(&raw const HOST) };
        if !table.is_aligned() {
            return Err(LoadError("its table is not aligned".into()));
        }
        // SAFETY: as above, and aligned.
        let table = unsafe { table.as_ref() };
        let table = table.ok_or_else(|| {
            let why = "another copy of heavy-load in this process has loaded it (`npm ls heavy-load` shows copies), or it does not know this version";
            LoadError(format!("it says that it cannot be used here: {why}"))
        })?;
        // The first two fields are the same in all versions.
        if table.abi != abi::ABI {
            return Err(LoadError(format!(
                "it is for version {} of the plug-in interface, not {}",
                table.abi,
                abi::ABI
            )));
        }
        has_size::<abi::Plugin>(table.size as usize, "hl_plugin")?;
        has_size::<abi::Kernel>(table.kernel_size, "hl_kernel")?;
        if table.kernels.is_null()
            || !table.kernels.is_aligned()
            || table.kernel_count == 0
            || table.kernel_count > MOST_KERNELS
        {
            return Err(LoadError(format!("it has {} kernels, not 1 to {MOST_KERNELS}", table.kernel_count)));
        }
        let mut kernels: Vec<&'static dyn Kernel> = vec![];
        for number in 0..table.kernel_count {
            // SAFETY: the table says that there are so many entries of this size, and that they stay (invariant 5).
            let entry: &'static abi::Kernel = unsafe { &*table.kernels.byte_add(number * table.kernel_size) };
            let kernel = PluginKernel::read(entry).map_err(|error| LoadError(format!("kernel {number}: {error}")))?;
            if kernels.iter().any(|other| other.spec().name == kernel.spec.name) {
                return Err(LoadError(format!("it has two kernels of the name {}", kernel.spec.name)));
            }
            kernels.push(Box::leak(Box::new(kernel)));
        }
        // SAFETY: a text of a static table.
        Ok(Self { name: unsafe { owned_text(table.name) }?, kernels })
    }
}

/// What cannot be the name of a variable in JavaScript, or would have the object that holds a kernel of this name be taken for a promise.
const RESERVED: [&str; 48] = [
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "then",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
];

/// A kernel of a plug-in.
struct PluginKernel {
    spec: &'static Spec,
    entry: &'static abi::Kernel,
    options: Vec<PluginOption>,
}

// SAFETY: an entry is a static table whose function may be called by any thread, `user` with it.
unsafe impl Sync for PluginKernel {}

impl PluginKernel {
    fn read(entry: &'static abi::Kernel) -> std::result::Result<Self, LoadError> {
        if (entry.size as usize) < size_of::<abi::Kernel>() {
            return Err(LoadError(format!("its entry says that it has {} bytes", entry.size)));
        }
        if entry.prepare.is_none() {
            return Err(LoadError("it has no function `prepare`".into()));
        }
        // SAFETY: texts of a static table, here and below.
        let name = unsafe { kept(entry.name, "") }?;
        if RESERVED.contains(&name) {
            return Err(LoadError(format!("its name is '{name}', which means something else in JavaScript")));
        }
        if !is_identifier(name) || name.ends_with("Sync") || name.ends_with("Async") {
            return Err(LoadError(format!(
                "its name is '{name}', not a lower-case letter and then letters and digits, without Sync or Async at its end"
            )));
        }
        if entry.option_count > MOST_OPTIONS
            || (entry.option_count > 0 && (entry.options.is_null() || !entry.options.is_aligned()))
        {
            return Err(LoadError(format!("{name} has {} options", entry.option_count)));
        }
        let (mut specs, mut options): (Vec<OptionSpec>, Vec<PluginOption>) = (vec![], vec![]);
        if entry.option_count > 0 {
            has_size::<abi::OptionSpec>(entry.option_size, "hl_option")?;
        }
        for number in 0..entry.option_count {
            // SAFETY: the entry says that there are so many options of this size, for ever.
            let option: &'static abi::OptionSpec = unsafe { &*entry.options.byte_add(number * entry.option_size) };
            let (spec, option) = PluginOption::read(option).map_err(|error| LoadError(format!("{name}: {error}")))?;
            if specs.iter().any(|other| other.name == spec.name) {
                return Err(LoadError(format!("{name} has two options of the name {}", spec.name)));
            }
            specs.push(spec);
            options.push(option);
        }
        // SAFETY: as above.
        let mut spec = unsafe {
            Spec::new(name)
                .summary(kept(entry.summary, "")?)
                .docs(kept(entry.docs, "")?)
                .type_parameter(kept(entry.type_parameter, "")?)
                .input(kept(entry.input_name, "input")?, kept(entry.input_type, "unknown")?)
                .output(kept(entry.output_type, "unknown")?)
                .options(Vec::leak(specs))
        };
        if !is_identifier(spec.input) || RESERVED.contains(&spec.input) {
            return Err(LoadError(format!("{name} calls its input '{}'", spec.input)));
        }
        if entry.flags & abi::IN_PLACE != 0 {
            spec = spec.in_place();
        }
        if entry.flags & abi::INTEGERS != 0 {
            if entry.accepts_integers_up_to >= 1 << 53 {
                return Err(LoadError(format!("{name} takes integers that a JavaScript number does not hold exactly")));
            }
            spec = spec.accepts_integers_up_to(entry.accepts_integers_up_to);
        }
        Ok(Self { spec: Box::leak(Box::new(spec)), entry, options })
    }
}

impl Kernel for PluginKernel {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let Some(prepare) = self.entry.prepare else { unreachable!("it was looked for when the table was read") };
        let mut inputs = Inputs::default();
        let input = inputs.pass(input);
        let mut values = Vec::with_capacity(self.options.len());
        for option in &self.options {
            values.push(inputs.pass(option.check(options.get(option.name))?));
        }
        let inputs = (!inputs.is_empty()).then(|| Arc::new(inputs));
        let call = abi::Call {
            size: size_of::<abi::Call>() as u32,
            option_count: values.len() as u32,
            input,
            options: values.as_ptr(),
        };
        let nothing = ptr::null_mut();
        let mut work = abi::Work { table: ptr::null(), state: nothing, length: 0, first_morsel: 0, cost: 0, memory: 0 };
        let mut outcome = Outcome::new(self.spec.input, None);
        // SAFETY: the entry's own function and user data; the others are locals, and what they point to is kept by `inputs`.
        let status = unsafe { prepare(self.entry.user, &raw const call, &raw mut work, outcome.address()) };
        // SAFETY: with this status, the plug-in has made it just now, for the host.
        let foreign = (status == abi::OK).then(|| unsafe { ForeignWork::new(work, self.spec.input, inputs) });
        outcome.check(status)?;
        let half = || EngineError::new(Code::KernelPanic, "The plug-in prepared half a piece of work");
        let foreign = foreign.ok_or_else(half)??;
        Ok((foreign.into_work(), Estimate { cost: work.cost, memory: work.memory }))
    }

    fn estimate(&self, input: &Value, _options: &Options) -> Estimate {
        match (self.entry.estimate, input) {
            (Some(estimate), Value::Number(number)) => {
                // SAFETY: the entry's own function and user data.
                let abi::Estimate { cost, memory } = unsafe { estimate(self.entry.user, *number) };
                Estimate { cost, memory }
            }
            _ => Estimate::default(),
        }
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }
}
