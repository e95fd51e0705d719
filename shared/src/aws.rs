//! Tells in the log, where somebody asks for details, what is asked of AWS: the action that a policy has to allow, the
//! index, and the letters with which the keys of a partition begin. The tests hold all of it against the template.

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemInput;
use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{BeforeSerializationInterceptorContextRef, Input};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use std::collections::{BTreeSet, HashMap};

/// A client of one of AWS's services, made anew so that it tells what it asks for.
macro_rules! telling {
    ($client:expr) => {
        Client::from_conf($client.config().to_builder().interceptor($crate::aws::Told).build())
    };
}
pub(crate) use telling;

/// An interceptor for every client.
#[derive(Debug)]
pub struct Told;

#[dyn_dispatch_hint]
impl Intercept for Told {
    fn name(&self) -> &'static str {
        "Told"
    }

    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if tracing::enabled!(tracing::Level::DEBUG)
            && let Some(operation) = config.load::<Metadata>()
        {
            let (service, name) = (prefix(operation.service()), operation.name());
            let index = context.input().downcast_ref::<QueryInput>().and_then(QueryInput::index_name);
            for (action, key) in parts(name, context.input()) {
                tracing::debug!(action = format!("{service}:{action}"), index, key, "asks AWS for {name}");
            }
        }
        Ok(())
    }
}

/// What a policy calls a service.
fn prefix(service: &str) -> String {
    match service {
        "SFN" => "states".to_owned(),
        "EventBridge" => "events".to_owned(),
        other => other.replace(' ', "").to_lowercase(),
    }
}

type Attributes = HashMap<String, AttributeValue>;

/// With what a partition's key begins.
fn letters(attributes: Option<&Attributes>, name: &str) -> Option<String> {
    let key = attributes?.get(name)?.as_s().ok()?;
    Some(key.split_inclusive('#').next().unwrap_or_default().to_owned())
}

/// What an operation needs, and of which partitions. A transaction needs what its parts need:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>
fn parts<'a>(operation: &'a str, input: &Input) -> BTreeSet<(&'a str, Option<String>)> {
    let one = |attributes: Option<&Attributes>, name: &str| vec![letters(attributes, name)];
    let keys = if let Some(transaction) = input.downcast_ref::<TransactWriteItemsInput>() {
        return transaction.transact_items().iter().filter_map(part).collect();
    } else if let Some(get) = input.downcast_ref::<GetItemInput>() {
        one(get.key(), "pk")
    } else if let Some(put) = input.downcast_ref::<PutItemInput>() {
        one(put.item(), "pk")
    } else if let Some(update) = input.downcast_ref::<UpdateItemInput>() {
        one(update.key(), "pk")
    } else if let Some(delete) = input.downcast_ref::<DeleteItemInput>() {
        one(delete.key(), "pk")
    } else if let Some(query) = input.downcast_ref::<QueryInput>() {
        one(query.expression_attribute_values(), ":pk")
    } else if let Some(get) = input.downcast_ref::<BatchGetItemInput>() {
        let keys = get.request_items().into_iter().flatten().flat_map(|(_, wanted)| wanted.keys());
        keys.map(|key| letters(Some(key), "pk")).collect()
    } else {
        vec![None]
    };
    keys.into_iter().map(|key| (operation, key)).collect()
}

fn part(item: &TransactWriteItem) -> Option<(&'static str, Option<String>)> {
    let parts = [
        ("PutItem", item.put().map(Put::item)),
        ("UpdateItem", item.update().map(Update::key)),
        ("DeleteItem", item.delete().map(Delete::key)),
        ("ConditionCheckItem", item.condition_check().map(ConditionCheck::key)),
    ];
    let (action, attributes) = parts.into_iter().find(|(_, attributes)| attributes.is_some())?;
    Some((action, letters(attributes, "pk")))
}
