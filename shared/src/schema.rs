//! Reading JSON by the schema of its type: everything that is wrong is told at once, with its place and what to write
//! instead, and never with the value, which may be a secret.

use crate::connection::Fault;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// The validator of each type that was read so far: compiling one takes longer than reading a body.
static VALIDATORS: LazyLock<RwLock<HashMap<TypeId, Arc<Validator>>>> = LazyLock::new(RwLock::default);

/// The validator of a type's schema.
fn validator<T: JsonSchema + 'static>() -> Result<Arc<Validator>, ValidationError<'static>> {
    let known = VALIDATORS.read().unwrap_or_else(PoisonError::into_inner).get(&TypeId::of::<T>()).cloned();
    if let Some(known) = known {
        return Ok(known);
    }
    let schema = SchemaGenerator::new(SchemaSettings::draft2020_12()).into_root_schema_for::<T>();
    let compiled = Arc::new(jsonschema::validator_for(schema.as_value())?);
    VALIDATORS.write().unwrap_or_else(PoisonError::into_inner).insert(TypeId::of::<T>(), compiled.clone());
    Ok(compiled)
}

/// Reads a value; `at` is the JSON pointer to it in the body.
pub fn read<T: DeserializeOwned + JsonSchema + 'static>(value: &Value, at: &str) -> Result<T, Vec<Fault>> {
    let unreadable = || vec![Fault::new(at, "cannot be read")];
    let validator = validator::<T>().map_err(|_| unreadable())?;
    let faults: Vec<_> = validator.iter_errors(value).flat_map(|error| faults(&error, at)).collect();
    if faults.is_empty() { serde_json::from_value(value.clone()).map_err(|_| unreadable()) } else { Err(faults) }
}

/// Reads as much as can be read, so that what is wrong with its meaning can be told together with what is wrong with its
/// form: members that are wrong are left out, and `stand_ins` take the place of those that must be there.
pub fn salvage<T: DeserializeOwned + JsonSchema + 'static>(
    value: &Value,
    at: &str,
    stand_ins: &[(&str, Value)],
) -> (Option<T>, Vec<Fault>) {
    let faults = match read(value, at) {
        Ok(read) => return (Some(read), Vec::new()),
        Err(faults) => faults,
    };
    let salvaged = [true, false].into_iter().find_map(|deep| {
        let mut rest = value.clone();
        for fault in &faults {
            leave_out(&mut rest, fault.pointer.strip_prefix(at).unwrap_or_default(), deep);
        }
        for (name, stand_in) in stand_ins {
            rest.as_object_mut()?.entry(*name).or_insert_with(|| stand_in.clone());
        }
        serde_json::from_value(rest).ok()
    });
    (salvaged, faults)
}

/// Leaves out the member at a pointer; all of the outermost member that it belongs to, if it is not to go deep.
fn leave_out(value: &mut Value, pointer: &str, deep: bool) {
    let (parent, name) = match pointer.rsplit_once('/') {
        Some(place) if deep => place,
        _ => ("", pointer.split('/').nth(1).unwrap_or_default()),
    };
    if let Some(Value::Object(members)) = value.pointer_mut(parent) {
        members.remove(&name.replace("~1", "/").replace("~0", "~"));
    }
}

/// The JSON pointer to a member of what `at` points to.
pub fn member(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn faults(error: &ValidationError<'_>, at: &str) -> Vec<Fault> {
    let whole = error.instance_path();
    let place = format!("{at}{}", whole.as_str());
    let one = |detail: String| vec![Fault::new(place.clone(), detail)];
    let below = |name: &str, detail: &str| Fault::new(member(&place, name), detail);
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unexpected.iter().map(|name| below(name, "is not known here")).collect()
        }
        ValidationErrorKind::Required { property } => {
            property.as_str().map(|name| below(name, "is missing")).into_iter().collect()
        }
        ValidationErrorKind::Type { kind } => one(match kind {
            TypeKind::Single(kind) => format!("must be {}", article(&kind.to_string())),
            TypeKind::Multiple(kinds) => {
                format!(
                    "must be {}",
                    kinds.iter().map(|kind| article(&kind.to_string())).collect::<Vec<_>>().join(" or ")
                )
            }
        }),
        ValidationErrorKind::Enum { options } => one(format!("must be one of {options}")),
        ValidationErrorKind::Not { schema } => {
            let refused = schema.get("enum").unwrap_or(schema);
            one(format!("must not be one of {refused}"))
        }
        ValidationErrorKind::OneOfNotValid { context } => {
            let options: Vec<_> = context.iter().flatten().filter_map(constant).collect();
            one(format!("must be one of [{}]", options.join(",")))
        }
        ValidationErrorKind::MinLength { limit } => one(format!("must have at least {limit} characters")),
        ValidationErrorKind::MaxLength { limit } => one(format!("must have at most {limit} characters")),
        ValidationErrorKind::MinItems { limit } => one(format!("must have at least {limit} items")),
        ValidationErrorKind::MaxItems { limit } => one(format!("must have at most {limit} items")),
        ValidationErrorKind::Minimum { limit } => one(format!("must be at least {limit}")),
        ValidationErrorKind::Maximum { limit } => one(format!("must be at most {limit}")),
        ValidationErrorKind::AnyOf { context } => {
            // `null or …`: what is wrong with the branch that is meant, the first one of the value's own type.
            let is_meant = |errors: &&Vec<ValidationError<'_>>| {
                let of_type = |error: &ValidationError<'_>| {
                    error.instance_path() == whole && matches!(error.kind(), ValidationErrorKind::Type { .. })
                };
                !errors.iter().any(of_type)
            };
            let meant = context.iter().find(is_meant).or(context.first());
            meant.map(|errors| errors.iter().flat_map(|error| faults(error, at)).collect()).unwrap_or_default()
        }
        _ => one("is not as documented".to_owned()),
    }
}

/// The one value that a branch of a choice allows.
fn constant(error: &ValidationError<'_>) -> Option<String> {
    match error.kind() {
        ValidationErrorKind::Constant { expected_value } => Some(expected_value.to_string()),
        _ => None,
    }
}

fn article(kind: &str) -> String {
    match kind {
        "null" => "null".to_owned(),
        "array" | "object" | "integer" => format!("an {kind}"),
        other => format!("a {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Settings;
    use serde_json::json;

    fn told(value: &Value) -> Vec<(String, String)> {
        let faults = read::<Settings>(value, "").err().unwrap_or_default();
        faults.into_iter().map(|fault| (fault.pointer, fault.detail)).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let mut faults =
            told(&json!({"teams": "a", "sync": {"full": 7, "x": 1}, "permissions": {"actions": [1]}, "paused": 1}));
        faults.sort();
        let places: Vec<_> = faults.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["/name", "/paused", "/permissions/actions/0", "/sync/full", "/sync/x", "/teams"]);
        assert_eq!(faults[0].1, "is missing");
        assert_eq!(faults[5].1, "must be an array");
    }
}
