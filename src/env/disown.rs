//! What the result of a task may not hold.

use heavy_load_kernel::Result;
use heavy_load_kernel::value::Value;

/// Takes memory that was lent out of a result: it goes back as the input alone. So no result holds what its own end waits for.
pub(crate) fn disown(outcome: &mut Result<Value>) {
    let is_lent = |value: &Value| matches!(value, Value::View(view) if view.memory.is_lent());
    match outcome {
        Ok(Value::Record(fields)) => {
            for (_, value) in fields.iter_mut().filter(|(_, value)| is_lent(value)) {
                *value = Value::Undefined;
            }
        }
        Ok(value) if is_lent(value) => *value = Value::Undefined,
        _ => {}
    }
}

/// Whether something is in a result that holds what cannot be seen.
pub(crate) fn has_resource(outcome: &Result<Value>) -> bool {
    let is_resource = |value: &Value| matches!(value, Value::Resource(_));
    match outcome {
        Ok(Value::Record(fields)) => fields.iter().any(|(_, value)| is_resource(value)),
        Ok(value) => is_resource(value),
        Err(_) => false,
    }
}
