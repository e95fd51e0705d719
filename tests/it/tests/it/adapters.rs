//! What the product takes for granted of AWS, on the emulator that `AWS_EMULATOR` names, and of what stands in its place on
//! one machine.

use crate::function::Function;
use crate::process::{Ground, MovedClock};
use crate::world::small;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types::{DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState};
use aws_sdk_secretsmanager::config::{Credentials, SharedCredentialsProvider};
use jiff::Timestamp;
use okta_connector::app::{Scheduled, Scheduler, SyncRunner, Target};
use okta_connector::clock::Clock;
use okta_connector::id::{ConnectionId, SyncId};
use okta_connector::lambda::{EventBridgeScheduler, Plan, StepFunctionsRunner};
use okta_connector::schedules;
use okta_connector::secrets::{Secrets, SecretsManagerSecrets};
use okta_connector_local::FileSecrets;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::io::Write as _;
use std::sync::{Arc, Once};

/// The emulator's services; none where there is no emulator.
#[expect(clippy::disallowed_methods, reason = "the one place in which the tests read this variable")]
pub fn aws() -> Option<SdkConfig> {
    static SAID: Once = Once::new();
    let Some(endpoint) = std::env::var("AWS_EMULATOR").ok().filter(|it| !it.is_empty()) else {
        // Past the test runner, which hides what a passing test prints.
        SAID.call_once(|| drop(writeln!(std::io::stderr(), "skipped: AWS_EMULATOR is not set")));
        return None;
    };
    let credentials = Credentials::new("local", "local", None, None, "local");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Some(config.build())
}

/// A name that no other test has.
pub fn unique() -> String {
    format!("it-{}", uuid::Uuid::new_v4().simple())
}

/// Every store that `open` opens is the same one, in a process of its own.
#[expect(clippy::disallowed_methods, reason = "a test compares secrets")]
async fn assert_secrets_are_kept_by_version(open: impl Fn() -> Box<dyn Secrets>) {
    let name = ConnectionId::random();
    let name = name.as_str();
    let (first, second) = (SecretString::from("first"), SecretString::from("second"));
    let told = |secret: Option<SecretString>| secret.map(|it| it.expose_secret().to_owned());
    let first = open().put(name, &first).await.expect("a version");
    let second = open().put(name, &second).await.expect("a version");
    assert_ne!(first, second);
    assert_eq!(told(open().get(name, &first).await.expect("read")).as_deref(), Some("first"));
    assert_eq!(told(open().get(name, &second).await.expect("read")).as_deref(), Some("second"));
    let unknown = uuid::Uuid::new_v4().to_string();
    assert_eq!(told(open().get(name, &unknown).await.expect("read")), None);
    for _ in 0..2 {
        open().delete(name).await.expect("deleted");
        assert_eq!(told(open().get(name, &second).await.expect("read")), None);
    }
    let key = told(open().stack_key().await.ok()).expect("a key");
    assert!(key.len() >= 32);
    assert_eq!(told(open().stack_key().await.ok()), Some(key));
}

#[tokio::test]
async fn secrets_are_kept_by_version_in_a_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let open = || Box::new(FileSecrets::open(directory.path()).expect("a secret store")) as Box<dyn Secrets>;
    assert_secrets_are_kept_by_version(open).await;
}

#[tokio::test]
async fn secrets_are_kept_by_version_and_tagged_in_secrets_manager() {
    let Some(config) = aws() else { return };
    let (client, stack) = (aws_sdk_secretsmanager::Client::new(&config), unique());
    let prefix = format!("{stack}/");
    let key = client.create_secret().name(format!("{prefix}stack-key")).secret_string("k".repeat(64));
    key.send().await.expect("a secret");
    let open = || Box::new(SecretsManagerSecrets::new(&client, stack.as_str())) as Box<dyn Secrets>;
    assert_secrets_are_kept_by_version(open).await;
    open().put("conn_1", &"value".into()).await.expect("a version");
    let told = client.describe_secret().secret_id(format!("{prefix}conn_1")).send().await.expect("a secret");
    let tags: Vec<_> = told.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
    assert_eq!(tags, [(Some("okta-connector:stack"), Some(stack.as_str()))]);
    assert_eq!(told.kms_key_id(), None);
}

#[tokio::test]
async fn a_new_secret_has_the_key_and_the_tags_of_its_stack() {
    let Some(config) = aws() else { return };
    let (client, stack) = (aws_sdk_secretsmanager::Client::new(&config), unique());
    let tag = |key: &str, value: &str| aws_sdk_secretsmanager::types::Tag::builder().key(key).value(value).build();
    // As a stack with tags has it.
    let key = client.create_secret().name(format!("{stack}/stack-key")).secret_string("k".repeat(64));
    let key = key.tags(tag("cost-center", "42")).tags(tag("aws:cloudformation:stack-name", &stack));
    key.send().await.expect("a secret");
    let arn = "arn:aws:kms:us-east-1:123456789012:key/1a2b";
    let secrets = SecretsManagerSecrets::new(&client, stack.as_str()).with_key(Some(arn.to_owned()));
    secrets.put("conn_1", &"value".into()).await.expect("a version");
    let told = client.describe_secret().secret_id(format!("{stack}/conn_1")).send().await.expect("a secret");
    let tags: Vec<_> = told.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
    assert_eq!(
        tags,
        [(Some("cost-center"), Some("42")), (Some("okta-connector:stack"), Some(stack.as_str()))],
        "without those that AWS reserves"
    );
    assert_eq!(told.kms_key_id(), Some(arn));
}

/// A group of EventBridge Scheduler, and the adapter that keeps schedules in it.
pub struct Group {
    pub client: aws_sdk_scheduler::Client,
    pub plan: Plan,
    clock: Arc<MovedClock>,
    connection: ConnectionId,
}

impl Group {
    pub async fn new() -> Option<Self> {
        let client = aws_sdk_scheduler::Client::new(&aws()?);
        let arn = |rest: &str| format!("arn:aws:{rest}");
        let plan = Plan {
            group: unique(),
            role_arn: arn("iam::123456789012:role/schedules"),
            dead_letters_arn: arn("sqs:us-east-1:123456789012:dead-letters"),
            state_machine_arn: arn("states:us-east-1:123456789012:stateMachine:sync"),
            log_poll_arn: arn("lambda:us-east-1:123456789012:function:log-poll"),
            key_arn: None,
        };
        client.create_schedule_group().name(&plan.group).send().await.expect("a group");
        Some(Self { client, plan, clock: Arc::default(), connection: ConnectionId::random() })
    }

    async fn keep(&self, schedules: &[Scheduled]) {
        let scheduler = EventBridgeScheduler::new(&self.client, self.plan.clone(), self.clock.clone());
        scheduler.keep(&self.connection, schedules).await.expect("they are kept");
    }

    fn schedule(&self, word: &str, expression: &str, target: Target) -> Scheduled {
        Scheduled {
            name: format!("{}-{word}", self.connection),
            expression: expression.to_owned(),
            timezone: "Europe/Oslo".to_owned(),
            anchor: self.clock.now(),
            target,
            input: json!({"connection": self.connection, "word": word}),
        }
    }

    /// The names and expressions that the group has.
    pub async fn told(&self) -> Vec<(String, String)> {
        let list = self.client.list_schedules().group_name(&self.plan.group).send().await.expect("a list");
        let mut told = Vec::new();
        for name in list.schedules().iter().filter_map(|it| it.name()) {
            let get = self.client.get_schedule().group_name(&self.plan.group).name(name).send().await;
            let expression = get.expect("a schedule").schedule_expression.unwrap_or_default();
            told.push((name.to_owned(), expression));
        }
        told.sort();
        told
    }
}

#[tokio::test]
async fn the_scheduler_keeps_the_schedules_that_are_wanted_and_no_others() {
    let Some(mut group) = Group::new().await else { return };
    let told = |schedules: &[Scheduled]| {
        schedules.iter().map(|it| (it.name.clone(), it.expression.clone())).collect::<Vec<_>>()
    };
    let full = group.schedule("full", "cron(0 3 * * ? *)", Target::Sync);
    let some = [full.clone(), group.schedule("incremental", "rate(15 minutes)", Target::Sync)];
    for _ in 0..2 {
        group.keep(&some).await;
        assert_eq!(group.told().await, told(&some));
    }
    let others = [
        Scheduled { expression: "rate(1 hour)".to_owned(), ..full },
        group.schedule("poll", "rate(2 minutes)", Target::Log),
    ];
    group.keep(&others).await;
    assert_eq!(group.told().await, told(&others));
    // Another connection's are left alone.
    let before = group.connection.clone();
    group.connection = ConnectionId::random();
    group.keep(&[]).await;
    assert_eq!(group.told().await, told(&others));
    group.connection = before;
    for _ in 0..2 {
        group.keep(&[]).await;
        assert_eq!(group.told().await, []);
    }
}

#[tokio::test]
async fn a_schedule_says_what_it_starts_and_when_it_gives_up() {
    let Some(group) = Group::new().await else { return };
    let (sync, poll) = (
        group.schedule("full", "rate(1 hour)", Target::Sync),
        group.schedule("poll", "cron(0 3 * * ? *)", Target::Log),
    );
    group.keep(&[sync.clone(), poll.clone()]).await;
    for (wanted, arn, seconds, retries, begins) in [
        (&sync, &group.plan.state_machine_arn, 3_600, 10, sync.next_after(group.clock.now())),
        (&poll, &group.plan.log_poll_arn, 60, 0, None),
    ] {
        let get = group.client.get_schedule().group_name(&group.plan.group).name(&wanted.name).send().await;
        let told = get.expect("a schedule");
        let target = told.target().expect("a target");
        assert_eq!((target.arn(), target.role_arn()), (arn.as_str(), group.plan.role_arn.as_str()));
        assert_eq!(target.input(), Some(wanted.input.to_string().as_str()));
        let retry = target.retry_policy().expect("a policy");
        assert_eq!(
            (retry.maximum_event_age_in_seconds(), retry.maximum_retry_attempts()),
            (Some(seconds), Some(retries))
        );
        let dead_letters = target.dead_letter_config().and_then(DeadLetterConfig::arn);
        assert_eq!(dead_letters, Some(group.plan.dead_letters_arn.as_str()));
        assert_eq!(told.schedule_expression_timezone(), Some("Europe/Oslo"));
        assert_eq!(told.state(), Some(&ScheduleState::Enabled));
        assert_eq!(told.flexible_time_window().map(FlexibleTimeWindow::mode), Some(&FlexibleTimeWindowMode::Off));
        assert_eq!(told.start_date().map(DateTime::secs), begins.map(Timestamp::as_second));
    }
}

#[tokio::test]
async fn a_schedule_has_the_key_of_its_stack() {
    let Some(mut group) = Group::new().await else { return };
    let full = group.schedule("full", "rate(1 hour)", Target::Sync);
    let arn = "arn:aws:kms:us-east-1:123456789012:key/1a2b";
    // Made with it, kept with it, and without it once the stack has none.
    for key in [Some(arn), Some(arn), None] {
        group.plan.key_arn = key.map(str::to_owned);
        group.keep(std::slice::from_ref(&full)).await;
        let get = group.client.get_schedule().group_name(&group.plan.group).name(&full.name).send().await;
        assert_eq!(get.expect("a schedule").kms_key_arn(), key);
    }
}

#[tokio::test]
async fn step_functions_starts_an_execution_once_for_each_name() {
    let Some(config) = aws() else { return };
    let client = aws_sdk_sfn::Client::new(&config);
    let definition = json!({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}).to_string();
    let machine = client.create_state_machine().name(unique()).definition(definition);
    let machine = machine.role_arn("arn:aws:iam::123456789012:role/machine").send().await.expect("a state machine");
    let runner = StepFunctionsRunner::new(&client, machine.state_machine_arn());
    let (connection, sync) = (ConnectionId::random(), SyncId::random());
    for _ in 0..2 {
        runner.start(&connection, &sync, sync.as_str()).await.expect("started");
        runner.purge(&connection, "purge-it").await.expect("started");
    }
    let list = client.list_executions().state_machine_arn(machine.state_machine_arn()).send().await.expect("a list");
    assert_eq!(list.executions().len(), 2);
    let gone = StepFunctionsRunner::new(&client, "arn:aws:states:us-east-1:123456789012:stateMachine:gone");
    let refused = gone.start(&connection, &sync, sync.as_str()).await.expect_err("there is no such machine");
    assert!(refused.to_string().contains("StateMachineDoesNotExist"), "{refused}");
}

#[tokio::test]
async fn the_schedules_follow_every_change_of_a_connection_and_its_triggers() {
    let Some(mut group) = Group::new().await else { return };
    let ground = Ground::with(small()).await;
    group.connection = ground.connection.id.clone();
    let mut process = ground.lasting().await;
    let scheduler = |plan: Plan| EventBridgeScheduler::new(&group.client, plan, group.clock.clone());
    process.app.scheduler = Arc::new(scheduler(group.plan.clone()));
    let function = Function::of(&process.app);
    let path = format!("/v1/connections/{}", group.connection);
    let words = async || {
        let names = group.told().await.into_iter();
        names.map(|(name, _)| name.rsplit_once('-').expect("a word").1.to_owned()).collect::<Vec<_>>()
    };
    let patch =
        async |function: &Function, body: Value| function.call("PATCH", &path, &[], Some(body)).await.expect(200);
    patch(&function, json!({"sync": {"full": "rate(6 hours)", "incremental": null, "verify": null}})).await;
    assert_eq!(words().await, ["full"]);
    let news = json!({"type": "new_events"});
    let made = function.call("POST", &format!("{path}/triggers"), &[], Some(news)).await.expect(201);
    assert_eq!(words().await, ["full", "poll"]);
    patch(&function, json!({"paused": true})).await;
    assert_eq!(words().await, [""; 0]);
    patch(&function, json!({"paused": false})).await;
    let trigger = format!("{path}/triggers/{}", made["id"].as_str().expect("an id"));
    assert_eq!(function.call("DELETE", &trigger, &[], None).await.status, 204);
    assert_eq!(words().await, ["full"]);
    // A change is made although its schedules could not be; the hourly look mends them.
    let elsewhere = Plan { group: "a-group-that-is-gone".to_owned(), ..group.plan.clone() };
    process.app.scheduler = Arc::new(scheduler(elsewhere));
    patch(&Function::of(&process.app), json!({"sync": {"verify": "rate(7 days)"}})).await;
    assert_eq!(words().await, ["full"]);
    process.app.scheduler = Arc::new(scheduler(group.plan.clone()));
    schedules::settle_all(&process.app).await.expect("a table");
    assert_eq!(words().await, ["full", "verify"]);
    assert_eq!(Function::of(&process.app).call("DELETE", &path, &[], None).await.status, 204);
    assert_eq!(words().await, [""; 0]);
}
