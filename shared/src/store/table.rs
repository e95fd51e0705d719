//! The table's shape, for the places that make it themselves: one machine and tests. On AWS the template makes it.

use super::{Error, Index, unavailable};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};

/// Makes the table, or finds it made.
pub async fn create_table(client: &Client, table: &str) -> Result<(), Error> {
    let mut request = client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
    request = request.set_key_schema(Some(schema("pk", "sk")?));
    for name in ["pk", "sk"].into_iter().chain(Index::ALL.into_iter().flat_map(attributes)) {
        request = request.attribute_definitions(definition(name)?);
    }
    for index in Index::ALL {
        let (pk, sk) = index.attributes();
        let projection = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
        let index = GlobalSecondaryIndex::builder().index_name(index.name()).set_key_schema(Some(schema(pk, sk)?));
        request = request.global_secondary_indexes(index.projection(projection).build().map_err(invalid)?);
    }
    match request.send().await {
        Err(error)
            if error.as_service_error().is_some_and(
                aws_sdk_dynamodb::operation::create_table::CreateTableError::is_resource_in_use_exception,
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(unavailable("CreateTable", &error)),
        Ok(_) => Ok(()),
    }
}

fn attributes(index: Index) -> [&'static str; 2] {
    let (pk, sk) = index.attributes();
    [pk, sk]
}

fn schema(pk: &str, sk: &str) -> Result<Vec<KeySchemaElement>, Error> {
    [(pk, KeyType::Hash), (sk, KeyType::Range)]
        .into_iter()
        .map(|(name, kind)| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().map_err(invalid))
        .collect()
}

fn definition(name: &str) -> Result<AttributeDefinition, Error> {
    let string = ScalarAttributeType::S;
    AttributeDefinition::builder().attribute_name(name).attribute_type(string).build().map_err(invalid)
}

fn invalid(error: impl std::fmt::Display) -> Error {
    Error::Unavailable(format!("CreateTable: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_makes_the_same_indexes() {
        let template = include_str!("../../../template.yaml");
        for index in Index::ALL {
            let (pk, sk) = index.attributes();
            for name in [index.name(), pk, sk, "pk", "sk"] {
                let named = template.lines().any(|line| line.split([' ', '{', '}', ',', '"']).any(|word| word == name));
                assert!(named, "{name}");
            }
        }
    }
}
