//! Secrets in AWS Secrets Manager: one secret a connection, cached by version.

use super::{Error, Secrets};
use crate::aws::telling;
use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::types::Tag;
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::OnceCell;

/// AWS Secrets Manager, under names that begin with the stack's.
pub struct SecretsManagerSecrets {
    client: Client,
    stack: String,
    /// The ARN of the key that new secrets are encrypted with; without one, Secrets Manager's own.
    key_arn: Option<String>,
    /// A version never changes, so it is kept until the process ends; few connections meet in one process.
    cache: Mutex<HashMap<(String, String), SecretString>>,
    /// The template makes it once and nothing rotates it.
    stack_key: OnceCell<SecretString>,
}

const MOST_CACHED: usize = 200;
/// Its name behind the stack's, as the template gives it.
const STACK_KEY: &str = "stack-key";
/// The tag by which the secrets of a stack are found, those of a stack that was deleted too.
const STACK_TAG: &str = "okta-connector:stack";

impl SecretsManagerSecrets {
    /// Of a stack, by its name.
    pub fn new(client: &Client, stack: impl Into<String>) -> Self {
        let client = telling!(client);
        Self { client, stack: stack.into(), key_arn: None, cache: Mutex::default(), stack_key: OnceCell::new() }
    }

    /// Encrypts new secrets with this key of KMS, by its ARN. A secret that exists keeps the key that it was made with.
    #[must_use]
    pub fn with_key(self, key_arn: Option<String>) -> Self {
        Self { key_arn, ..self }
    }

    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.stack)
    }

    /// The tags of a new secret: those of the stack, which CloudFormation gives to the stack's own key, and the stack's name.
    async fn tags(&self) -> Result<Vec<Tag>, Error> {
        let described = self.client.describe_secret().secret_id(self.name(STACK_KEY)).send().await;
        let described = described.map_err(|error| failed("DescribeSecret", &error))?;
        let mut tags = described.tags.unwrap_or_default();
        tags.retain(|tag| tag.key().is_some_and(may_be_given));
        tags.push(Tag::builder().key(STACK_TAG).value(&self.stack).build());
        Ok(tags)
    }
}

/// False for tags that AWS reserves, such as those that CloudFormation adds by itself, and for the one that every secret gets:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html>
fn may_be_given(key: &str) -> bool {
    !key.to_ascii_lowercase().starts_with("aws:") && key != STACK_TAG
}

#[async_trait]
impl Secrets for SecretsManagerSecrets {
    #[expect(clippy::disallowed_methods, reason = "a secret is shown to the secret store")]
    async fn put(&self, name: &str, value: &SecretString) -> Result<String, Error> {
        let version = uuid::Uuid::new_v4().to_string();
        let put = self.client.put_secret_value().secret_id(self.name(name)).client_request_token(&version);
        match put.secret_string(value.expose_secret()).send().await {
            Ok(answer) => return Ok(answer.version_id.unwrap_or(version)),
            Err(error) if error.as_service_error().is_some_and(aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError::is_resource_not_found_exception) => {}
            Err(error) => return Err(failed("PutSecretValue", &error)),
        }
        let create = self.client.create_secret().name(self.name(name)).client_request_token(&version);
        let create = create.set_tags(Some(self.tags().await?)).set_kms_key_id(self.key_arn.clone());
        let created = create.secret_string(value.expose_secret()).send().await;
        let created = created.map_err(|error| failed("CreateSecret", &error))?;
        Ok(created.version_id.unwrap_or(version))
    }

    async fn get(&self, name: &str, version: &str) -> Result<Option<SecretString>, Error> {
        let cached = (name.to_owned(), version.to_owned());
        if let Some(secret) = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(&cached) {
            return Ok(Some(secret.clone()));
        }
        let get = self.client.get_secret_value().secret_id(self.name(name)).version_id(version);
        let secret = match get.send().await {
            Ok(answer) => answer.secret_string.map(SecretString::from),
            Err(error) if error.as_service_error().is_some_and(aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError::is_resource_not_found_exception) => None,
            Err(error) => return Err(failed("GetSecretValue", &error)),
        };
        if let Some(secret) = &secret {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            if cache.len() >= MOST_CACHED {
                cache.clear();
            }
            cache.insert(cached, secret.clone());
        }
        Ok(secret)
    }

    async fn delete(&self, name: &str) -> Result<(), Error> {
        let delete = self.client.delete_secret().secret_id(self.name(name)).force_delete_without_recovery(true);
        match delete.send().await {
            Err(error) if error.as_service_error().is_some_and(aws_sdk_secretsmanager::operation::delete_secret::DeleteSecretError::is_resource_not_found_exception) => Ok(()),
            Err(error) => Err(failed("DeleteSecret", &error)),
            Ok(_) => Ok(()),
        }
    }

    async fn stack_key(&self) -> Result<SecretString, Error> {
        let read = || async {
            let get = self.client.get_secret_value().secret_id(self.name(STACK_KEY));
            let answer = get.send().await.map_err(|error| failed("GetSecretValue", &error))?;
            let key = answer.secret_string.map(SecretString::from);
            key.ok_or_else(|| Error("the stack's key is not a text".to_owned()))
        };
        self.stack_key.get_or_try_init(read).await.cloned()
    }
}

fn failed<E: ProvideErrorMetadata, R>(operation: &str, error: &SdkError<E, R>) -> Error {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or("no answer");
    Error(format!("{operation}: {code}"))
}
